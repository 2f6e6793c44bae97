"""The gate of dtype plans: is the plan the approved one?"""

from typing import Sequence, Tuple

from harness.errors import UsageError
from harness.plans.figures import differences
from harness.records import Case, Mode, Outcome, PlanFigures, Verdict
from harness.remark import Remark, remark
from harness.store.baselines import Baselines


def judge_plan(suite: str, case: Case, mode: Mode, plan: PlanFigures, baselines: Baselines) -> Verdict:
    """Judge whether the plan of a case in a mode is the approved one."""
    outcome, reason, details = compare_plan(suite, case, mode, plan, baselines)
    return Verdict(gate="plan", case=case.id, mode=mode.name, outcome=outcome, reason=reason, details=tuple(details))


def compare_plan(
    suite: str, case: Case, mode: Mode, plan: PlanFigures, baselines: Baselines
) -> Tuple[Outcome, str, Sequence[Remark]]:
    """Hold a plan against its baseline: outcome, reason, and what differs."""
    try:
        baseline = baselines.load(suite, case.id, mode.name)
    except UsageError as error:
        return "missing", "bad_baseline", [remark("text", text=str(error))]
    if baseline is None or baseline.plan is None:
        return "missing", "no_baseline", [remark("looked_for", path=str(baselines.path(suite, case.id, mode.name)))]
    if baseline.case_digest != case.digest():
        return "missing", "other_case", []
    if baseline.mode != mode:
        return "missing", "other_mode", []
    changes = differences(baseline.plan, plan)
    return ("fail", "plan_changed", changes) if changes else ("pass", "plan_same", [])
