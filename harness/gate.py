"""Run x Baselines -> Verdicts."""

from pathlib import Path
from typing import List, Sequence, Tuple

from harness import accuracy
from harness.errors import UsageError
from harness.plans import differences
from harness.power import Cards
from harness.records import Case, CasePlan, Mode, Run, TrialResult, Verdict
from harness.rule import undecided
from harness.store import Baselines
from harness.timings import judge_timings

_EXIT = {"pass": 0, "fail": 1, "inconclusive": 3, "missing": 4}
_WORST_FIRST = (1, 4, 3, 0)


def judged(run: Run, baselines: Baselines, folder: Path, require_fit: bool = False) -> Run:
    """Return the run, whose folder this is, with its verdicts and what they rest on: fidelity and power cards.

    Args:
        require_fit: a mode that is not fit fails; else that is only shown.
    """
    if run.suite.fidelity and not run.plan_only:
        run = run.model_copy(update={"fidelity": accuracy.assess(run, folder, baselines)})
        return run.model_copy(update={"verdicts": judge(run, baselines, require_fit)})
    cards = Cards(baselines).current(run.environment.machine_key, run.suite.name, run.suite.cases, run.suite.limits)
    return run.model_copy(update={"verdicts": judge(run, baselines), "power_cards": cards})


def judge(run: Run, baselines: Baselines, require_fit: bool = False) -> List[Verdict]:
    """Judge every case in every mode: are its results all there, is its dtype plan the approved one, have its times
    and its memory grown; of a suite that measures fidelity instead, is its picture the approved one, and is it right.
    """
    plans = {(plan.case, plan.mode): plan for plan in run.plans}
    verdicts = []
    for case in run.suite.cases:
        for mode in run.suite.modes:
            if not run.plan_only:
                verdicts.append(_judge_coverage(run.trials, case, mode, run.suite.replicates))
            if (case.id, mode.name) in plans:
                verdicts.append(_judge_plan(run.suite.name, case, mode, plans[case.id, mode.name], baselines))
    if run.suite.fidelity:
        return verdicts + accuracy.verdicts(run, require_fit) + _not_in_run(run, baselines)
    return verdicts + judge_timings(run, baselines) + _not_in_run(run, baselines)


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """0 pass, 1 a gate failed, 3 inconclusive, 4 baseline missing or incomparable; the worst wins: 1, 4, 3, 0.

    Nothing judged is 4: it is never a pass. Advisory verdicts do not count.
    """
    found = {_EXIT[verdict.outcome] for verdict in verdicts if not verdict.advisory} or {4}
    return next(status for status in _WORST_FIRST if status in found)


def lenient(status: int) -> int:
    """The exit status when verdicts are only advice: failed trials and errors still count."""
    return 0 if status in _EXIT.values() else status


def _judge_coverage(trials: Sequence[TrialResult], case: Case, mode: Mode, replicates: int) -> Verdict:
    found = [trial for trial in trials if (trial.case, trial.mode) == (case.id, mode.name) and not trial.confirmation]
    bad = tuple(f"{trial.trial}: {trial.status}: {trial.reason}" for trial in found if trial.status != "ok")
    absent = replicates - len(found)
    if absent > 0:
        bad += (f"{absent} of {replicates} replicates were not run",)
    outcome, reason = ("missing", "not_measured") if bad else ("pass", "all_measured")
    return Verdict(gate="coverage", case=case.id, mode=mode.name, outcome=outcome, reason=reason, details=bad)


def _not_in_run(run: Run, baselines: Baselines) -> List[Verdict]:
    """Say which cases and modes have a baseline and were no part of the run; options may have left them out."""
    expected = {(case.id, mode.name) for case in run.suite.cases for mode in run.suite.modes}
    stored = [(baseline.case, baseline.mode.name) for baseline in baselines.load_all(run.suite.name)]
    return [
        undecided("coverage", case, mode, "not_in_run", "not_in_run", outcome="missing")
        for case, mode in dict.fromkeys(stored)
        if (case, mode) not in expected
    ]


def _judge_plan(suite: str, case: Case, mode: Mode, plan: CasePlan, baselines: Baselines) -> Verdict:
    outcome, reason, details = compare_plan(suite, case, mode, plan, baselines)
    return Verdict(gate="plan", case=case.id, mode=mode.name, outcome=outcome, reason=reason, details=tuple(details))


def compare_plan(
    suite: str, case: Case, mode: Mode, plan: CasePlan, baselines: Baselines
) -> Tuple[str, str, Sequence[str]]:
    """Hold a plan against its baseline: outcome, reason, and what differs."""
    try:
        baseline = baselines.load(suite, case.id, mode.name)
    except UsageError as error:
        return "missing", "bad_baseline", [str(error)]
    if baseline is None:
        return "missing", "no_baseline", [f"looked for {baselines.path(suite, case.id, mode.name)}"]
    if baseline.case_digest != case.digest():
        return "missing", "other_case", []
    if baseline.mode != mode:
        return "missing", "other_mode", []
    changes = differences(baseline.plan, plan.figures)
    return ("fail", "plan_changed", changes) if changes else ("pass", "plan_same", [])
