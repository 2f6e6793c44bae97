"""Is a picture no worse than the approved one?"""

from typing import Iterator, NamedTuple, Optional, Tuple

from harness.errors import UsageError
from harness.fidelity import distances, limits
from harness.fidelity.bounds import (
    LOSS_FLOOR,
    TOLERANCE,
    at_least,
    at_most,
    describe,
    log_ratio_of_totals,
    probe_figure,
)
from harness.fidelity.subject import BOTH_SIDES, Subject, errors_of, variant
from harness.records import Baseline, Bound, Envelope, PictureDistance, TrialFidelity
from harness.remark import Remark, remark
from harness.store.baselines import Baselines

GROWTH_LIMIT = 2.0
"""By which an error against float64 may grow, and its headroom with it."""


class Regression(NamedTuple):
    """A regression answer and what it rests on."""

    outcome: str
    reason: str
    details: Tuple[Remark, ...] = ()
    bounds: Tuple[Bound, ...] = ()
    distance: Optional[PictureDistance] = None
    picture: Optional[str] = None


def judge_regression(subject: Subject, baselines: Baselines, alpha: float) -> Regression:
    """Hold the subject's picture and figures against its baseline; `alpha` is the error rate of one bound."""
    trial, envelope = subject.trial, subject.envelope
    if trial is None:
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
    own = subject.picture(trial)
    if own.shape != stored.shape:
        sizes = [f"{picture.shape[1]}x{picture.shape[0]}" for picture in (stored, own)]
        return Regression("missing", "other_size", (remark("sizes", stored=sizes[0], drawn=sizes[1]),))
    if envelope is None:
        return Regression("inconclusive", "no_envelope")
    distance = distances.picture_distance(own, stored)
    bounds = tuple(_regression_bounds(subject, baseline, distance, envelope, alpha))
    failed = [bound for bound in bounds if not bound.ok]
    outcome, reason = ("fail", "regressed") if failed else ("pass", "as_baseline")
    if trial.fidelity and trial.fidelity.neutral is False and not failed:
        outcome, reason = "inconclusive", "not_neutral"
    picture = str(baselines.picture_path(baseline))
    return Regression(outcome, reason, tuple(map(describe, failed)), bounds, distance, picture)


def _regression_bounds(
    subject: Subject, baseline: Baseline, distance: PictureDistance, envelope: Envelope, alpha: float
) -> Iterator[Bound]:
    assert subject.trial and subject.trial.fidelity and baseline.fidelity and subject.run.suite.fidelity
    now, then = subject.trial.fidelity, baseline.fidelity.measured
    yield from first_step_bounds(now, then, subject.format)
    yield from _headroom_bounds(subject, now, baseline)
    for index, updates in enumerate(subject.run.suite.fidelity.growth[: len(now.snapshots)]):
        noise = [run[index] for run in envelope.growth]
        limit = BOTH_SIDES * limits.prediction_limit(noise, alpha)
        moved = distances.sketch_distance(now.snapshots[index], then.snapshots[index])
        yield at_most(remark("picture_after", updates=updates), moved, limit)
    least = 1 - BOTH_SIDES * limits.prediction_limit(envelope.distances, alpha)
    yield at_least(remark("ssim_to_baseline"), distance.ssim, least)
    limit = limits.change_limit(envelope.true_losses, alpha, floor=LOSS_FLOOR)
    change = abs(log_ratio_of_totals(now.reported_losses, then.reported_losses))
    yield at_most(remark("reported_loss_change"), change, limit)
    yield at_most(remark("true_loss_growth"), log_ratio_of_totals(now.true_losses, then.true_losses), limit)


def first_step_bounds(now: TrialFidelity, then: TrialFidelity, precision: str) -> Iterator[Bound]:
    """Hold every tensor and loss term of the first step against the baseline's; `precision` is the mode's format."""
    before = {(probe.name, probe.kind): probe for probe in then.probes}
    total = abs(before["total", "loss"].norm) or 1.0
    for probe in now.probes:
        old = before.pop((probe.name, probe.kind), None)
        if old is None:
            continue
        if probe.kind == "loss":
            moved = abs(probe.norm - old.norm) / total
        else:
            moved = distances.sketch_distance(probe.sketch, old.sketch)
        yield at_most(probe_figure(probe.name, probe.kind), moved, TOLERANCE[precision][probe.kind])
    for name, kind in before:
        gone = remark("probe_gone", probe=probe_figure(name, kind))
        yield Bound(figure=gone, value=1.0, limit=0.0, ok=False)


def _headroom_bounds(subject: Subject, now: TrialFidelity, baseline: Baseline) -> Iterator[Bound]:
    """An error against float64 has grown, and not only beside a reference that improved."""
    assert baseline.fidelity
    errors, old_errors = errors_of(now), errors_of(baseline.fidelity.measured)
    for name, ratio in subject.headroom().items():
        old = baseline.fidelity.headroom.get(name)
        if old is not None and name in old_errors:
            absolute = distances.headroom(errors[name], old_errors[name], subject.floor(name))
            figure = remark("error_growth", probe=probe_figure(*name.rsplit(" ", 1)))
            yield at_most(figure, min(absolute, ratio / old), GROWTH_LIMIT)
