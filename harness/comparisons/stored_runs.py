"""Two stored runs: what has grown from the first to the second, by the tests of the gates."""

from typing import Dict, List, Optional, Tuple

from harness.gates.power_card import Cards
from harness.gates.timing import ask, decide_all, timing_of, trials_of
from harness.gates.timing_rule import Question
from harness.plans.figures import differences
from harness.records import CasePlan, Outcome, Run, Verdict

Key = Tuple[str, str]
"""Case and mode."""


def compare_runs(first: Run, second: Run, cards: Cards) -> List[Verdict]:
    """Judge the second run against the first; the limits are those of the second's suite.

    The two are not paired and nothing can be measured again, so what has grown fails without a confirmation.
    """
    cases = {case.id: case for case in second.suite.cases}
    verdicts: List[Verdict] = []
    questions: List[Question] = []
    for case, mode in dict.fromkeys(_keys(first) + _keys(second)):
        reason = _incomparable(first, second, case, mode)
        if reason:
            verdicts.append(Verdict(gate="coverage", case=case, mode=mode, outcome="missing", reason=reason))
            continue
        verdicts += _compare_plans(first, second, (case, mode))
        if trials_of(first, case, mode) and trials_of(second, case, mode):
            told, asked = ask(second, cases[case], mode, timing_of(first, case, mode), cards)
            verdicts += told
            questions += asked
    return verdicts + decide_all(questions)


def _keys(run: Run) -> List[Key]:
    return [(case.id, mode.name) for case in run.suite.cases for mode in run.suite.modes]


def _incomparable(first: Run, second: Run, case: str, mode: str) -> Optional[str]:
    for run in (first, second):
        if (case, mode) not in _keys(run):
            return "only_in_one"
    if len({_digest(run, case) for run in (first, second)}) > 1:
        return "other_case"
    if len({m.model_dump_json() for run in (first, second) for m in run.suite.modes if m.name == mode}) > 1:
        return "other_mode"
    for run in (first, second):
        if not run.plan_only and not trials_of(run, case, mode):
            return "not_measured"
    return None


def _digest(run: Run, case: str) -> str:
    return next(found.digest() for found in run.suite.cases if found.id == case)


def _compare_plans(first: Run, second: Run, key: Key) -> List[Verdict]:
    old, new = _plans(first).get(key), _plans(second).get(key)
    if old is None or new is None:
        return []
    changes = tuple(differences(old.figures, new.figures))
    outcome: Outcome = "fail" if changes else "pass"
    reason = "plan_changed" if changes else "plan_same"
    return [Verdict(gate="plan", case=key[0], mode=key[1], outcome=outcome, reason=reason, details=changes)]


def _plans(run: Run) -> Dict[Key, CasePlan]:
    return {(plan.case, plan.mode): plan for plan in run.plans}
