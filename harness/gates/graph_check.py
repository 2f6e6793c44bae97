"""The gate of a graph's numbers: is every fetch as right as it was approved? And the approval of new ones."""

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from harness.errors import UsageError
from harness.machine import environment
from harness.precision.number_formats import FLOAT16
from harness.records import ApprovedCheck, CheckBaseline, CheckedUse, GraphCheck, ModeCheck, Outcome, Verdict
from harness.remark import Remark, remark
from harness.store.baselines import refuse_in_ci, sealed, unchanged
from harness.store.files import read_record, save_readable

MARGIN = 2.0
"""Growth of a fetch's distance to float32 that is none: another TensorFlow sums in another order."""
_Found = Tuple[Outcome, str, Tuple[Remark, ...]]
"""Outcome, reason code, and what was found in particular."""


def judge_graph_check(check: GraphCheck, path: Path) -> Tuple[Verdict, ...]:
    """Judge whether each mode computes the graph as right as it was approved.

    Args:
        path: the baseline's file, which need not be there.
    """
    try:
        baseline: Optional[CheckBaseline] = load_check_baseline(path)
        problem: Tuple[Remark, ...] = ()
    except UsageError as error:
        baseline, problem = None, (remark("text", text=str(error)),)
    verdicts = []
    for mode in check.modes:
        found: _Found = ("missing", "bad_baseline", problem) if problem else _compared(check, mode, baseline, path)
        outcome, reason, details = found
        verdicts.append(
            Verdict(
                gate="regression",
                case=check.graph,
                mode=mode.mode.name,
                outcome=outcome,
                reason=reason,
                details=details,
            )
        )
    return tuple(verdicts)


def load_check_baseline(path: Path) -> Optional[CheckBaseline]:
    """Return what was approved; None when there is no such file.

    Raises:
        UsageError: the file is damaged, or was changed by hand.
    """
    what = f"baseline {path}"
    return unchanged(read_record(CheckBaseline, what, path), what) if path.exists() else None


def approve_graph_check(check: GraphCheck, path: Path, reason: str) -> List[str]:
    """Make the check's figures the approved ones of its modes, those of other modes stay; return the changed modes.

    Raises:
        UsageError: in CI, the file cannot be written, or what it holds is no baseline.
    """
    refuse_in_ci("--approve")
    old = load_check_baseline(path) or CheckBaseline()
    approved: Dict[str, ApprovedCheck] = dict(old.checks)
    changed = []
    for mode in check.modes:
        figures = {fetch.name: fetch.furthest for fetch in mode.fetches}
        stored = approved.get(mode.mode.name)
        now = (mode.mode, used(check), mode.fitness, figures)
        if stored is not None and (stored.mode, stored.use, stored.fitness, stored.distances) == now:
            continue
        changed.append(mode.mode.name)
        approved[mode.mode.name] = ApprovedCheck(
            mode=mode.mode,
            use=used(check),
            fitness=mode.fitness,
            distances=figures,
            tensorflow=check.tensorflow,
            reason=reason,
            date=environment.now(),
        )
    if changed:
        try:
            save_readable(path, sealed(old.model_copy(update={"checks": dict(sorted(approved.items()))})))
        except OSError as error:
            raise UsageError(f"baseline {path}: {error.strerror} (expected a file that can be written)") from error
    return changed


def used(check: GraphCheck) -> CheckedUse:
    """Return what a check must have in common with the approved one."""
    return CheckedUse(fetches=check.fetches, feeds=check.feeds.sha256, steps=check.steps)


def _compared(check: GraphCheck, mode: ModeCheck, baseline: Optional[CheckBaseline], path: Path) -> _Found:
    stored = baseline.checks.get(mode.mode.name) if baseline is not None else None
    if stored is None:
        return "missing", "no_check_baseline", (remark("looked_for", path=str(path)),)
    now = used(check)
    if stored.use != now:
        return "missing", "other_check_use", _use_differences(stored.use, now)
    if stored.mode != mode.mode:
        return "missing", "other_graph_mode", ()
    if mode.fitness == "not_judged" and stored.fitness == "fit":
        return "inconclusive", "graph_not_judged", mode.reasons
    changes = list(_grown(stored, mode))
    if mode.fitness == "wrong" and stored.fitness != "wrong":
        changes = [*mode.reasons, *changes]
    return ("fail", "check_regressed", tuple(changes)) if changes else ("pass", "check_as_approved", ())


def _grown(stored: ApprovedCheck, mode: ModeCheck) -> Sequence[Remark]:
    found = []
    for fetch in mode.fetches:
        before = stored.distances.get(fetch.name, 0.0)
        if fetch.furthest > MARGIN * max(before, FLOAT16.ulp):
            found.append(remark("distance_grown", fetch=fetch.name, before=before, after=fetch.furthest))
    return found


def _use_differences(old: CheckedUse, new: CheckedUse) -> Tuple[Remark, ...]:
    told = []
    for name in ("fetches", "feeds", "steps"):
        before, after = (getattr(use, name) for use in (old, new))
        if before != after:
            texts = [", ".join(side) if isinstance(side, tuple) else str(side)[:12] for side in (before, after)]
            told.append(remark("graph_use_differs", name=name, before=texts[0], after=texts[1]))
    return tuple(told)
