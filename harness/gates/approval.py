"""Run -> Baselines: what a run would make the approved result, and what of it cannot be."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from harness.errors import UsageError
from harness.fidelity.subject import picture_of, variant
from harness.gates.gate import judge
from harness.gates.plan import compare_plan
from harness.gates.timing import timing_of
from harness.gates.timing_rule import rule_of
from harness.machine import environment
from harness.records import (
    PLAN_DEVICE,
    Baseline,
    Case,
    FidelityFigures,
    Mode,
    ModeFidelity,
    PlanFigures,
    Run,
    TimingFigures,
    TrialResult,
    Verdict,
)
from harness.remark import Remark, remark
from harness.statistics import geometric_mean, log_interval
from harness.store.baselines import Baselines, refuse_in_ci

_PLAN_NUMBERS = ("plan_casts", "plan_bytes_cast", "plan_flop", "plan_roofline", "plan_unit")
"""Codes of remarks that only repeat what the table of figures shows."""
_AS_STORED = ("equal", "not_slower", "not_larger")
"""Reason codes of verdicts on timings that are no news beside the stored ones."""
_INCONCLUSIVE = ("cannot_tell", "unconfirmed", "not_confirmed", "never_steady", "too_few")
"""Reason codes of verdicts on timings that are too uncertain to become a baseline."""


class Figure(NamedTuple):
    """One number in the old baseline and in the new one; None where a side has none."""

    name: str
    old: Optional[float]
    new: Optional[float]


class Proposal(NamedTuple):
    """A baseline to be written, and what it changes."""

    baseline: Baseline
    kind: str
    """`missing` or `changed`."""
    figures: Tuple[Figure, ...] = ()
    changes: Tuple[Remark, ...] = ()
    """What changes beside the figures."""
    refusal: Optional[Remark] = None
    """Why the baseline is not written; None when it is."""
    picture: Optional[bytes] = None
    """PNG file that is stored beside the baseline; None for plans and timings."""


def propose(run: Run, baselines: Baselines, reason: str, folder: Path = Path()) -> List[Proposal]:
    """Return the baselines that this run would write; what is as approved is left out.

    Args:
        reason: why the run is approved, stored in each baseline.
        folder: the run's, which holds its pictures.

    Raises:
        UsageError: the run is incomplete, holds nothing to approve, has a trial that did not end well, or was made
            by a working tree with uncommitted changes.
    """
    _require_trustworthy(run)
    if run.suite.fidelity:
        return [proposal for found in run.fidelity for proposal in _fidelity(run, found, folder, baselines, reason)]
    verdicts = [verdict for verdict in judge(run, baselines) if verdict.gate in ("timing", "first_step", "memory")]
    proposals: List[Proposal] = []
    for case, mode in run.pairs:
        proposals += _plan(run, case, mode, baselines, reason)
        own = [verdict for verdict in verdicts if (verdict.case, verdict.mode) == (case.id, mode.name)]
        proposals += _timing(run, case, mode, own, baselines, reason)
    return proposals


def approve(proposals: Sequence[Proposal], baselines: Baselines) -> List[str]:
    """Write the proposals that are not refused and return their paths; raises UsageError in CI."""
    refuse_in_ci("approve")
    return [str(baselines.save(proposal.baseline, proposal.picture)) for proposal in proposals if not proposal.refusal]


def _require_trustworthy(run: Run) -> None:
    bad = [trial.trial for trial in run.trials if trial.status != "ok"]
    if not (run.plans or run.fidelity):
        raise UsageError(f"run {run.id}: it holds no plans to approve (run the suite with --gate)")
    if bad or not run.complete:
        what = f"trial {bad[0]} did not end well" if bad else "it was interrupted"
        raise UsageError(f"run {run.id}: {what}; only a run without failures can be approved")
    if run.environment.revision is None:
        raise UsageError(
            f"run {run.id}: nobody knows of which revision it is, so that nobody can make it again"
            " (run the suite anew in a git checkout, with git installed)"
        )
    if run.environment.revision.endswith("-dirty"):
        raise UsageError(
            f"run {run.id}: its working tree had uncommitted changes, so that nobody can make it again"
            " (commit, and run the suite anew)"
        )


def _plan(run: Run, case: Case, mode: Mode, baselines: Baselines, reason: str) -> Iterator[Proposal]:
    plan = run.plan_of(case.id, mode.name)
    if plan is None:
        return
    outcome, code, changes = compare_plan(run.suite.name, case, mode, plan, baselines)
    if outcome == "pass":
        return
    old = _readable(baselines, run, case, mode, PLAN_DEVICE)
    rows = _rows(_plan_numbers(old.plan) if old and old.plan else {}, _plan_numbers(plan))
    kind, told = ("missing", []) if code == "no_baseline" else ("changed", [remark(code)])
    if code == "plan_changed":
        told += [change for change in changes if change.code not in _PLAN_NUMBERS]
    yield Proposal(_baseline(run, case, mode, PLAN_DEVICE, reason, plan=plan), kind, rows, tuple(told))


def _timing(
    run: Run, case: Case, mode: Mode, verdicts: Sequence[Verdict], baselines: Baselines, reason: str
) -> Iterator[Proposal]:
    if not verdicts:
        return  # no trial, or emulated ones
    codes = {verdict.gate: verdict.reason for verdict in verdicts}
    step = codes.pop("timing", "equal")
    news = [code for code in (step, *codes.values()) if code not in (*_AS_STORED, "cannot_tell")]
    if not news and step in _AS_STORED:
        return  # as it is stored
    device = run.trials_of(case.id, mode.name)[0].device
    new = timing_of(run, case.id, mode.name)
    old = _readable(baselines, run, case, mode, device, new.machine_key)
    rows = _rows(_timing_numbers(old.timing) if old and old.timing else {}, _timing_numbers(new))
    kind, told = ("missing", []) if step == "no_timing" else ("changed", [remark(code) for code in dict.fromkeys(news)])
    refused = [code for code in (step, *news) if code in _INCONCLUSIVE] or _too_poor(run, case, mode, new)
    refusal = remark(refused[0]) if refused else None
    baseline = _baseline(run, case, mode, device, reason, timing=new)
    yield Proposal(baseline, kind, rows, tuple(told), refusal)


def _fidelity(run: Run, found: ModeFidelity, folder: Path, baselines: Baselines, reason: str) -> Iterator[Proposal]:
    case = next(case for case in run.suite.cases if case.id == found.case)
    mode = next(mode for mode in run.suite.modes if mode.name == found.mode)
    trial = run.trials_of(case.id, mode.name)[0]
    picture = picture_of(trial, folder)[0].read_bytes()
    old = _readable(baselines, run, case, mode, variant(trial))
    section = fidelity_figures(trial, found.headroom)
    if found.regression == "pass":
        return  # as approved, within noise: writing it anew would only move the limits
    before = _fidelity_numbers(old.fidelity) if old and old.fidelity else {}
    kind = "missing" if found.regression_reason == "no_baseline" else "changed"
    told = () if kind == "missing" else (remark(found.regression_reason), *found.regression_details)
    refusal = remark("not_neutral") if found.regression_reason == "not_neutral" else None
    baseline = _baseline(run, case, mode, variant(trial), reason, fidelity=section)
    yield Proposal(baseline, kind, _rows(before, _fidelity_numbers(section)), told, refusal, picture)


def fidelity_figures(trial: TrialResult, headroom: Dict[str, float]) -> FidelityFigures:
    """Return what a baseline holds of a trial whose fidelity was measured."""
    assert trial.fidelity is not None
    return FidelityFigures(
        tensorflow=trial.environment.tensorflow if trial.environment else "unknown",
        picture_sha256=str(trial.picture_sha256),
        headroom=headroom,
        measured=trial.fidelity,
    )


def _fidelity_numbers(section: FidelityFigures) -> Dict[str, float]:
    measured = section.measured
    totals = {"reported_loss": measured.reported_losses["total"], "true_loss": measured.true_losses["total"]}
    return {**totals, **{f"distance after {updates}": distance for updates, distance in measured.growth}}


def _too_poor(run: Run, case: Case, mode: Mode, timing: TimingFigures) -> List[str]:
    """Return the reason codes for which a timing is too poor for a baseline; empty when it is good enough."""
    if any(trial.steady is False for trial in run.trials_of(case.id, mode.name)):
        return ["never_steady"]
    interval = log_interval(timing.step_seconds, stage=timing.first_stage)
    if interval is None:
        return ["too_few"]
    widest = 1 + rule_of("timing", case.id, mode.name, run.suite.limits).limit
    return ["cannot_tell"] if interval[1] / geometric_mean(timing.step_seconds) > widest else []


def _plan_numbers(plan: PlanFigures) -> Dict[str, float]:
    totals = {name: getattr(plan, name) for name in ("casts", "bytes_cast", "flop", "roofline_seconds")}
    return {**totals, **{f"units {unit}": ops for unit, ops in plan.units.items()}}


def _timing_numbers(timing: TimingFigures) -> Dict[str, float]:
    """One number for each figure of the processes; what was not measured is left out."""
    found = {name: getattr(timing, name) for name in ("step_seconds", "first_step_seconds", "peak_memory_bytes")}
    means = {name: geometric_mean(values) for name, values in found.items() if values}
    if "peak_memory_bytes" in means:
        means["peak_memory_bytes"] = round(means["peak_memory_bytes"])
    return {**means, "processes": len(timing.step_seconds)}


def _rows(old: Mapping[str, float], new: Mapping[str, float]) -> Tuple[Figure, ...]:
    return tuple(Figure(name, old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new)))


def _readable(
    baselines: Baselines, run: Run, case: Case, mode: Mode, device: str, machine_key: str = ""
) -> Optional[Baseline]:
    try:
        return baselines.load(run.suite.name, case.id, mode.name, device, machine_key)
    except UsageError:
        return None  # the proposal's reason says so


def _baseline(run: Run, case: Case, mode: Mode, device: str, reason: str, **section: Any) -> Baseline:
    return Baseline(
        suite=run.suite.name,
        case=case.id,
        case_digest=case.digest(),
        mode=mode,
        device=device,
        run=run.id,
        revision=run.environment.revision,
        packages=run.environment.packages,
        reason=reason,
        date=environment.now(),
        **section,
    )
