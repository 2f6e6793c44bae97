"""Regression: whether a picture is no worse than the approved one."""

from typing import Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from harness.errors import UsageError
from harness.fidelity import distances, limits
from harness.fidelity.bounds import (
    LEAST_SHARE,
    TOLERANCE,
    at_least,
    at_most,
    describe,
    log_ratio_of_totals,
    probe_figure,
)
from harness.fidelity.subject import Subject, errors_of, is_gateable, variant
from harness.records import Bound, Envelope, FidelityFigures, Outcome, PictureDistance, Probe, TrialFidelity
from harness.remark import Remark, remark
from harness.store.baselines import Baselines
from model.vgg import LAYERS

GROWTH_LIMIT = 2.0
"""Largest factor by which an error against float64 may grow together with its headroom."""
_LOSSES = ("content", "style", "tv", "total")


class Regression(NamedTuple):
    """The regression gate's decision on one picture, and what it rests on."""

    outcome: Outcome
    reason: str
    """Key of harness.gates.reasons.REASONS."""
    details: Tuple[Remark, ...] = ()
    bounds: Tuple[Bound, ...] = ()
    distance: Optional[PictureDistance] = None
    """Distance from the stored picture; None without a comparable baseline."""
    picture: Optional[str] = None
    """Path of the stored picture; None without a comparable baseline."""


def judge_regression(subject: Subject, baselines: Baselines) -> Regression:
    """Compare the subject's picture and figures with its baseline."""
    trial = subject.trial
    if trial is None or trial.fidelity is None:
        return Regression("missing", "not_measured")
    names = subject.run.suite.name, subject.case.id, subject.mode.name, variant(trial)
    try:
        baseline = baselines.load(*names)
        if baseline is None or baseline.fidelity is None:
            return Regression("missing", "no_baseline", (remark("looked_for", path=str(baselines.path(*names))),))
        if baseline.case_digest != subject.case.digest():
            return Regression("missing", "other_case")
        if baseline.mode != subject.mode:
            return Regression("missing", "other_mode")
        stored = baselines.picture(baseline)
    except UsageError as error:
        return Regression("missing", "bad_baseline", (remark("text", text=str(error)),))
    return hold_against(subject, baseline.fidelity, stored, str(baselines.picture_path(baseline)))


def hold_against(subject: Subject, figures: FidelityFigures, stored: np.ndarray, path: str) -> Regression:
    """Compare the subject's picture and figures, which were measured, with earlier ones.

    Args:
        stored: the earlier picture, uint8 RGB.
        path: where it is.
    """
    trial = subject.trial
    assert trial and trial.fidelity
    lacking = tuple(gaps(figures, trial.fidelity))
    if lacking:
        return Regression("missing", "incomplete_baseline", lacking)
    own = subject.picture(trial)
    if own.shape != stored.shape:
        sizes = [f"{picture.shape[1]}x{picture.shape[0]}" for picture in (stored, own)]
        return Regression("missing", "other_size", (remark("sizes", stored=sizes[0], drawn=sizes[1]),))
    distance = distances.picture_distance(own, stored)
    bounds = tuple(_regression_bounds(subject, figures, distance))
    outcome, reason, details = _answer(subject, bounds)
    return Regression(outcome, reason, details, bounds, distance, path)


def _answer(subject: Subject, bounds: Sequence[Bound]) -> Tuple[Outcome, str, Tuple[Remark, ...]]:
    """Return outcome, reason and details, with figures beyond their limits in the order of computation."""
    assert subject.trial and subject.trial.fidelity
    failed = [bound for bound in bounds if bound.gates and not bound.ok]
    refused = tuple(describe(bound) for bound in bounds if not bound.gates)
    if failed:
        return "fail", "regressed", (*_begins(failed[0]), *map(describe, failed), *refused)
    if subject.trial.fidelity.neutral is False:
        return "inconclusive", "not_neutral", refused
    if is_gateable(subject) is False:
        return "inconclusive", "cannot_gate", refused
    return "pass", "as_baseline", refused


def _begins(first: Bound) -> Iterator[Remark]:
    """Yield where the difference begins, when that is in no tensor of the first step."""
    if first.figure.code == "picture_after":
        yield remark("begins_after_gradient")
    elif first.figure.code in ("ssim_to_baseline", "ssim_to_baseline_channel", "level_change"):
        yield remark("begins_at_writing")


def gaps(stored: FidelityFigures, now: TrialFidelity) -> Iterator[Remark]:
    """Yield what a run has measured and its baseline lacks, so that the two cannot be compared."""
    then = stored.measured
    known = {(probe.name, probe.kind): probe for probe in then.probes}
    for probe in now.probes:
        old, figure = known.get((probe.name, probe.kind)), probe_figure(probe.name, probe.kind)
        if old is None:
            yield remark("lacks", what=figure)
        elif len(old.sketch) != len(probe.sketch):
            yield remark("lacks_sketch", probe=figure)
        if f"{probe.name} {probe.kind}" not in stored.headroom:
            yield remark("lacks_headroom", probe=figure)
    if list(map(len, then.snapshots)) != list(map(len, now.snapshots)):
        yield remark("lacks_snapshots", stored=len(then.snapshots), expected=len(now.snapshots))
    if then.spread is None or not _is_whole(then.spread, len(now.snapshots)):
        yield remark("lacks_spread")


def _is_whole(spread: Envelope, marks: int) -> bool:
    figures = (spread.distances, spread.channels, spread.levels, spread.true_losses, spread.growth)
    return all(figures) and all(len(run) == marks for run in spread.growth)


def _regression_bounds(subject: Subject, stored: FidelityFigures, distance: PictureDistance) -> Iterator[Bound]:
    assert subject.trial and subject.trial.fidelity and subject.run.suite.fidelity and stored.measured.spread
    now, then, spread = subject.trial.fidelity, stored.measured, stored.measured.spread
    yield from first_step_bounds(now, then, subject.format)
    yield from _headroom_bounds(subject, now, stored)
    for index, updates in enumerate(subject.run.suite.fidelity.marks(subject.case.steps)):
        limit = limits.noise_limit([run[index] for run in spread.growth], "growth")
        moved = distances.sketch_distance(now.snapshots[index], then.snapshots[index])
        known = [control.growth[index] for control in subject.controls if len(control.growth) > index]
        yield at_most(remark("picture_after", updates=updates), moved, limit, _tells(limit, known))
    limit, known = limits.noise_limit(spread.distances, "distance"), [known.distance for known in subject.controls]
    yield at_least(remark("ssim_to_baseline"), distance.ssim, 1 - limit, _tells(limit, known))
    limit, known = limits.noise_limit(spread.channels, "distance"), [known.channel for known in subject.controls]
    yield at_least(remark("ssim_to_baseline_channel"), min(distance.ssim_channels), 1 - limit, _tells(limit, known))
    limit, known = limits.noise_limit(spread.levels, "level"), [known.level for known in subject.controls]
    yield at_most(remark("level_change"), distances.furthest_level(distance), limit, _tells(limit, known))
    limit = limits.loss_limit(spread.true_losses)
    change = abs(log_ratio_of_totals(now.reported_losses, then.reported_losses))
    yield at_most(remark("reported_loss_change"), change, limit)
    yield at_most(remark("true_loss_growth"), log_ratio_of_totals(now.true_losses, then.true_losses), limit)


def _tells(limit: float, faults: Sequence[float]) -> bool:
    """Return True when a figure with this limit tells some known fault from noise, or no fault was measured."""
    return not faults or limit < max(faults)


def first_step_bounds(now: TrialFidelity, then: TrialFidelity, precision: str) -> Iterator[Bound]:
    """Compare every tensor and loss term of the first step with the baseline's, in the order of computation.

    Args:
        precision: number format that the mode computes in.
    """
    before = {(probe.name, probe.kind): probe for probe in then.probes}
    total = before["total", "loss"].norm
    for probe in sorted(now.probes, key=_computed):
        old = before.pop((probe.name, probe.kind))
        if probe.kind == "loss":
            moved = abs(probe.norm - old.norm) / (max(abs(old.norm), LEAST_SHARE * abs(total)) or 1.0)
        else:
            moved = distances.sketch_distance(probe.sketch, old.sketch)
        yield at_most(probe_figure(probe.name, probe.kind), moved, TOLERANCE[precision][probe.kind])
    for name, kind in before:
        yield Bound(figure=remark("probe_gone", probe=probe_figure(name, kind)), value=1.0, limit=0.0, ok=False)


def _computed(probe: Probe) -> Tuple[int, int, str]:
    """Return the sort key of a probe's place in the step: layers with Gram matrices, losses, gradients backwards."""
    name = probe.name[len("gram_") :] if probe.kind == "gram" else probe.name
    layer = LAYERS.index(name) if name in LAYERS else -1
    if probe.kind == "loss":
        return 1, _LOSSES.index(name), probe.kind
    return (2, -layer, probe.kind) if probe.kind == "gradient" else (0, layer, probe.kind)


def _headroom_bounds(subject: Subject, now: TrialFidelity, stored: FidelityFigures) -> Iterator[Bound]:
    """Yield a bound on each error against float64: the lesser growth of the error and of its headroom.

    Headroom alone also grows when the reference mode improves.
    """
    errors, old_errors, headroom = errors_of(now), errors_of(stored.measured), subject.headroom()
    for probe in sorted(now.probes, key=_computed):
        name = f"{probe.name} {probe.kind}"
        grown = [distances.headroom(errors[name], old_errors[name], subject.floor(name))]
        grown += [headroom[name] / stored.headroom[name]] if name in headroom else []
        yield at_most(remark("error_growth", probe=probe_figure(probe.name, probe.kind)), min(grown), GROWTH_LIMIT)
