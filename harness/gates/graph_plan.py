"""The gate of a graph file's dtype plans: are they the approved ones? And the approval of new ones."""

from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from harness.errors import UsageError
from harness.machine import environment
from harness.plans.figures import differences
from harness.precision.rules.op_table import load_op_table
from harness.records import ApprovedPlan, GraphBaseline, GraphPlan, Outcome, Verdict
from harness.remark import Remark, remark
from harness.store.baselines import refuse_in_ci, sealed, unchanged
from harness.store.files import read_record, save_readable

_Found = Tuple[Outcome, str, Tuple[Remark, ...]]
"""Outcome, reason code, and what was found in particular."""


class Change(NamedTuple):
    """What approving a plan changes."""

    mode: str
    is_new: bool
    """True when no plan of the mode was approved before."""
    remarks: Tuple[Remark, ...]


def judge_graph_plans(graph: str, plans: Sequence[GraphPlan], path: Path) -> List[Verdict]:
    """Judge whether the plans of a graph are the approved ones.

    Args:
        graph: name for the verdicts.
        path: the baseline's file, which need not be there.
    """
    try:
        baseline: Optional[GraphBaseline] = load_graph_baseline(path)
        problem: Tuple[Remark, ...] = ()
    except UsageError as error:
        baseline, problem = None, (remark("text", text=str(error)),)
    verdicts = []
    for plan in plans:
        found: _Found = ("missing", "bad_baseline", problem) if problem else _compared(plan, baseline, path)
        outcome, reason, details = found
        verdicts.append(
            Verdict(gate="plan", case=graph, mode=plan.mode.name, outcome=outcome, reason=reason, details=details)
        )
    return verdicts


def load_graph_baseline(path: Path) -> Optional[GraphBaseline]:
    """Return the approved plans; None when there is no such file.

    Raises:
        UsageError: the file is damaged, or was changed by hand.
    """
    what = f"baseline {path}"
    return unchanged(read_record(GraphBaseline, what, path), what) if path.exists() else None


def approve_graph_plans(plans: Sequence[GraphPlan], path: Path, reason: str) -> List[Change]:
    """Make plans the approved ones of their modes, those of other modes stay; return what that changed.

    Raises:
        UsageError: in CI, the file cannot be written, or what it holds is no baseline.
    """
    refuse_in_ci("--approve")
    old = load_graph_baseline(path) or GraphBaseline()
    approved: Dict[str, ApprovedPlan] = dict(old.plans)
    changes = []
    for plan in plans:
        outcome, code, details = _compared(plan, old, path)
        if outcome == "pass":
            continue
        is_new = plan.mode.name not in approved
        told = () if is_new else (remark(code), *details)
        changes.append(Change(plan.mode.name, is_new, told))
        approved[plan.mode.name] = ApprovedPlan(
            plan=plan,
            op_table=load_op_table().source,
            packages=environment.installed_packages(),
            reason=reason,
            date=environment.now(),
        )
    if changes:
        try:
            save_readable(path, sealed(old.model_copy(update={"plans": dict(sorted(approved.items()))})))
        except OSError as error:
            raise UsageError(f"baseline {path}: {error.strerror} (expected a file that can be written)") from error
    return changes


def _compared(plan: GraphPlan, baseline: Optional[GraphBaseline], path: Path) -> _Found:
    """Hold a plan against the approved one of its mode: outcome, reason, and what differs."""
    stored = baseline.plans.get(plan.mode.name) if baseline is not None else None
    if stored is None:
        return "missing", "no_graph_baseline", (remark("looked_for", path=str(path)),)
    if stored.plan.use != plan.use:
        return "missing", "other_graph_use", _use_differences(stored.plan, plan)
    if stored.plan.mode != plan.mode:
        return "missing", "other_graph_mode", ()
    changes = tuple(differences(stored.plan.figures, plan.figures))
    if not changes:
        return "pass", "plan_same", ()
    before, after = stored.op_table, load_op_table().source
    # The path of a table is the machine's; its last word is its checksum.
    other_table = () if before.split()[-1] == after.split()[-1] else (_differs("operator table", before, after),)
    return "fail", "graph_plan_changed", (*other_table, *changes)


def _use_differences(old: GraphPlan, new: GraphPlan) -> Tuple[Remark, ...]:
    found = []
    for name in ("signature", "fetches", "shapes", "inputs"):
        before, after = (_text(getattr(plan.use, name)) for plan in (old, new))
        if before != after:
            found.append(_differs(name, before, after))
    return tuple(found)


def _differs(name: str, before: str, after: str) -> Remark:
    return remark("graph_use_differs", name=name, before=before, after=after)


def _text(value: object) -> str:
    if isinstance(value, dict):
        shapes = (
            f"{name}={','.join('?' if size is None else str(size) for size in shape)}"
            for name, shape in sorted(value.items())
        )
        return " ".join(shapes) or "-"
    return (value if isinstance(value, str) else ", ".join(value)) or "-"  # type: ignore[arg-type]
