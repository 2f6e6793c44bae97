"""Two stored runs: what has changed from the first to the second, by the tests of the gates."""

from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

from harness.comparisons import results
from harness.gates.power_card import Cards
from harness.gates.timing import ask, decide_all, timing_of
from harness.gates.timing_rule import Question
from harness.plans.figures import differences
from harness.records import Case, Mode, Outcome, Run, Verdict


class Stored(NamedTuple):
    """A run, and the folder that holds its files."""

    run: Run
    folder: Path


def compare_runs(one: Stored, other: Stored, cards: Cards) -> List[Verdict]:
    """Judge the second run against the first; the limits are those of the second's suite.

    The two are not paired and nothing can be measured again, so what has grown fails without a confirmation.
    """
    first, second = one.run, other.run
    verdicts: List[Verdict] = []
    questions: List[Question] = []
    for case_id, mode_name in dict.fromkeys(_names(first) + _names(second)):
        reason = _incomparable(first, second, case_id, mode_name)
        found = _find(second, case_id, mode_name)
        if reason or found is None:
            reason = reason or "only_in_one"
            verdicts.append(Verdict(gate="coverage", case=case_id, mode=mode_name, outcome="missing", reason=reason))
            continue
        case, mode = found
        verdicts += _compare_plans(first, second, case_id, mode_name)
        verdicts += results.compare(first, one.folder, second, other.folder, case, mode)
        if first.trials_of(case_id, mode_name) and second.trials_of(case_id, mode_name) and not second.suite.fidelity:
            told, asked = ask(second, case, mode_name, timing_of(first, case_id, mode_name), cards)
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
    reason = "plans_differ" if changes else "plans_same"
    return [Verdict(gate="plan", case=case, mode=mode, outcome=outcome, reason=reason, details=changes)]
