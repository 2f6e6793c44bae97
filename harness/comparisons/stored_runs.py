"""Two stored runs: what has changed from the first to the second, by the tests of the gates."""

from typing import List, Optional, Tuple

from harness.gates.power_card import Cards
from harness.gates.timing import ask, decide_all, timing_of
from harness.gates.timing_rule import Question
from harness.plans.figures import differences
from harness.records import Case, Mode, Outcome, Run, Verdict


def compare_runs(first: Run, second: Run, cards: Cards) -> List[Verdict]:
    """Judge the second run against the first; the limits are those of the second's suite.

    The two are not paired and nothing can be measured again, so what has grown fails without a confirmation.
    """
    verdicts: List[Verdict] = []
    questions: List[Question] = []
    for case, mode in dict.fromkeys(_names(first) + _names(second)):
        reason = _incomparable(first, second, case, mode)
        if reason:
            verdicts.append(Verdict(gate="coverage", case=case, mode=mode, outcome="missing", reason=reason))
            continue
        verdicts += _compare_plans(first, second, case, mode)
        if first.trials_of(case, mode) and second.trials_of(case, mode):
            now = next(known for known in second.suite.cases if known.id == case)
            told, asked = ask(second, now, mode, timing_of(first, case, mode), cards)
            verdicts += told
            questions += asked
    return verdicts + decide_all(questions)


def _names(run: Run) -> List[Tuple[str, str]]:
    return [(case.id, mode.name) for case, mode in run.pairs]


def _find(run: Run, case: str, mode: str) -> Optional[Tuple[Case, Mode]]:
    return next((pair for pair in run.pairs if (pair[0].id, pair[1].name) == (case, mode)), None)


def _incomparable(first: Run, second: Run, case: str, mode: str) -> Optional[str]:
    """Why the two runs' results of a case and mode are not held against each other: a key of REASONS."""
    one, other = _find(first, case, mode), _find(second, case, mode)
    if one is None or other is None:
        return "only_in_one"
    if one[0].digest() != other[0].digest():
        return "cases_differ"
    if one[1] != other[1]:
        return "modes_differ"
    if any(not run.plan_only and not run.trials_of(case, mode) for run in (first, second)):
        return "not_measured"
    return None


def _compare_plans(first: Run, second: Run, case: str, mode: str) -> List[Verdict]:
    old, new = first.plan_of(case, mode), second.plan_of(case, mode)
    if old is None or new is None:
        return []
    changes = tuple(differences(old, new))
    outcome: Outcome = "fail" if changes else "pass"
    reason = "plan_changed" if changes else "plan_same"
    return [Verdict(gate="plan", case=case, mode=mode, outcome=outcome, reason=reason, details=changes)]
