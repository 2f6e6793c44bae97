"""The gates of stored timings: step, first step and peak memory against what was approved."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from harness.errors import UsageError
from harness.gates.power_card import Cards
from harness.gates.timing_rule import Question, decide, rule_of, undecided
from harness.machine.environment import differing
from harness.records import Case, Gate, Mode, Run, TimingFigures, Verdict, disturbance, undisturbed
from harness.remark import remark
from harness.statistics import LogRatio, welch_log_ratio
from harness.store.baselines import Baselines

_FIGURES: Dict[Gate, str] = {
    "timing": "step_seconds",
    "first_step": "first_step_seconds",
    "memory": "peak_memory_bytes",
}
"""Field of TimingFigures that each gate judges."""
_DIGITS = 6
"""Significant digits of stored seconds."""


def timing_of(run: Run, case: str, mode: str, confirmation: bool = False) -> TimingFigures:
    """Return the figures of a case and mode's good processes.

    Step times leave out processes that never settled, and those that others disturbed.

    Args:
        confirmation: take the processes of the second measurement instead of those of the first.
    """
    trials = run.of_its_machine(run.trials_of(case, mode, confirmation=confirmation))
    timed = undisturbed([trial for trial in trials if trial.step_seconds is not None and trial.steady is not False])
    return TimingFigures(
        machine_key=run.environment.machine_key,
        conditions=run.environment.conditions,
        emulated=any(trial.emulated for trial in trials),
        steps=min((trial.timed_steps for trial in timed), default=0),
        step_seconds=tuple(_rounded(trial.step_seconds) for trial in timed if trial.step_seconds is not None),
        first_step_seconds=tuple(_rounded(trial.first_step_seconds) for trial in trials if trial.first_step_seconds),
        first_stage=run.suite.first_stage(timed) if not confirmation else None,
        peak_memory_bytes=tuple(trial.peak_memory_bytes for trial in trials if trial.peak_memory_bytes),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def judge_timings(run: Run, baselines: Baselines) -> List[Verdict]:
    """Judge step, first step and peak memory of every case and mode that ran against what is stored for its device.

    A figure that has grown fails when it has grown again in the run's confirmation; until then it is `unconfirmed`.
    """
    cards = Cards(baselines)
    verdicts, questions = [], []
    for case, mode in run.pairs:
        trials = run.trials_of(case.id, mode.name)
        # An emulated time is no machine's own: none is stored, and none is held against anything.
        if trials and not any(trial.emulated for trial in trials):
            told, asked = _against_stored(run, case, mode, trials[0].device, baselines, cards)
            verdicts += told
            questions += asked
    return verdicts + _confirmed(run, questions)


def unconfirmed(verdicts: Sequence[Verdict]) -> List[Tuple[str, str]]:
    """Return the cases and modes that must be measured a second time before a figure of theirs can fail."""
    found = [(verdict.case, verdict.mode) for verdict in verdicts if verdict.reason == "unconfirmed"]
    return list(dict.fromkeys(found))


class _Asked(NamedTuple):
    """A question whether a figure has grown, and the stored timing that the figure is compared with."""

    question: Question
    stored: TimingFigures


def _against_stored(
    run: Run, case: Case, mode: Mode, device: str, baselines: Baselines, cards: Cards
) -> Tuple[List[Verdict], List[_Asked]]:
    """Return the verdicts that need no test, and the questions that are decided together with the whole family's."""

    def missing(reason: str, objection: Optional[str] = None) -> Verdict:
        return undecided("timing", case.id, mode.name, reason, objection, outcome="missing")

    machine = run.environment
    where = run.suite.name, case.id, mode.name, device, machine.machine_key
    try:
        baseline = baselines.load(*where)
    except UsageError as error:
        return [missing("bad_baseline").model_copy(update={"details": (remark("text", text=str(error)),)})], []
    if baseline is None or baseline.timing is None:
        # Not every machine has timings of its own: what is not stored cannot fail elsewhere.
        others = [differing(timing.conditions, machine.conditions) for timing in baselines.timings_elsewhere(*where)]
        nearest = min(others, key=len, default=[])
        return [missing("no_timing", "no_timing").model_copy(update={"details": tuple(nearest)})], []
    if baseline.case_digest != case.digest():
        return [missing("other_case")], []
    if baseline.mode != mode:
        return [missing("other_mode")], []
    verdicts, questions = ask(run, case, mode.name, baseline.timing, cards)
    return verdicts, [_Asked(question, baseline.timing) for question in questions]


def ask(run: Run, case: Case, mode: str, stored: TimingFigures, cards: Cards) -> Tuple[List[Verdict], List[Question]]:
    """Return verdicts on the figures of a case and mode that cannot be tested, and questions about all others."""
    now = timing_of(run, case.id, mode)
    trials = run.of_its_machine(run.trials_of(case.id, mode))
    unsteady = any(trial.steady is False for trial in trials)
    objections = _objections(run, case, now, stored, cards)
    unlike = tuple(differing(stored.conditions, now.conditions)) if now.machine_key != stored.machine_key else ()
    verdicts, questions = [], []
    for gate, field in _FIGURES.items():
        old, new = getattr(stored, field), getattr(now, field)
        objection = objections.get(gate)
        details = unlike if gate == "memory" else (*unlike, *disturbance(trials))
        reason = "never_steady" if gate == "timing" and unsteady else "too_few" if min(len(old), len(new)) < 2 else None
        if reason:
            verdict = undecided(gate, case.id, mode, reason, objection)
            verdicts.append(verdict.model_copy(update={"details": details}))
        else:
            rule = rule_of(gate, case.id, mode, run.suite.limits)
            questions.append(Question(gate, case.id, mode, rule, _ratio(gate, stored, now), objection, details))
    return verdicts, questions


def _ratio(gate: Gate, stored: TimingFigures, now: TimingFigures) -> LogRatio:
    """Return the ratio, now over stored, of the figure that the gate judges.

    Only the step time has first stages, since its spread alone decided how many processes there are.
    """
    stages = (stored.first_stage, now.first_stage) if gate == "timing" else (None, None)
    return welch_log_ratio(getattr(stored, _FIGURES[gate]), getattr(now, _FIGURES[gate]), stages)


def _objections(run: Run, case: Case, now: TimingFigures, stored: TimingFigures, cards: Cards) -> Dict[str, str]:
    """Return, by gate, why its verdict is only advisory: a key of REASONS; gates that may block are left out."""
    if now.emulated or stored.emulated:
        return dict.fromkeys(_FIGURES, "emulated")
    if now.machine_key != stored.machine_key:
        return dict.fromkeys(_FIGURES, "other_machine")
    objection = cards.objection(run.environment.machine_key, run.suite.name, case, run.suite.limits)
    return {"timing": objection, "first_step": objection} if objection else {}


def decide_all(questions: Sequence[Question]) -> List[Verdict]:
    """Answer the questions; where the machines differ the answer is inconclusive, with the figures shown."""
    verdicts = decide(questions)
    for index, verdict in enumerate(verdicts):
        if verdict.advisory_reason == "other_machine":
            verdicts[index] = verdict.model_copy(update={"outcome": "inconclusive", "reason": "other_machine"})
    return verdicts


def _confirmed(run: Run, asked: Sequence[_Asked]) -> List[Verdict]:
    """Answer the questions, and ask again of the second measurement's processes where a figure has grown."""
    verdicts = decide_all([question for question, _ in asked])
    grown = [index for index, verdict in enumerate(verdicts) if verdict.outcome == "fail" and not verdict.advisory]
    again: Dict[int, Question] = {}
    for index in grown:
        question, stored = asked[index]
        later = timing_of(run, question.case, question.mode, confirmation=True)
        if len(getattr(later, _FIGURES[question.gate])) >= 2:
            again[index] = question._replace(ratio=_ratio(question.gate, stored, later))
    answers = dict(zip(again, decide(list(again.values()))))
    for index in grown:
        answer = answers.get(index)
        changes: Dict[str, Any]
        if answer is None:
            changes = {"outcome": "inconclusive", "reason": "unconfirmed"}
        elif answer.outcome == "fail":
            changes = {"confirmation": answer.effect}
        else:
            changes = {"outcome": "inconclusive", "reason": "not_confirmed", "confirmation": answer.effect}
        verdicts[index] = verdicts[index].model_copy(update=changes)
    return verdicts
