"""Run x Baselines -> ModeFidelity: is each picture still the approved one, and is it right.

Two answers that do not depend on each other. Regression: no worse than the stored baseline. Fitness: no further from
the reference mode's picture than harmless noise moves it.
"""

import math
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from harness import fidelity
from harness.alarms import alarms
from harness.errors import UsageError
from harness.records import (
    REFERENCE_MODE,
    Baseline,
    Bound,
    Case,
    Envelope,
    Mode,
    ModeFidelity,
    PictureDistance,
    Probe,
    Run,
    TrialFidelity,
    TrialResult,
    Verdict,
)
from harness.store import Baselines
from model import images

FAMILY_ERROR = 0.001
"""Chance that a suite of healthy pictures has any regression verdict that fails."""
FIT_ERROR = 0.01
"""Chance that one figure of a mode that is as good as one ulp of noise is called wrong."""
TOLERANCE = {
    "activation": {"float32": 5e-5, "float16": 5e-3, "bfloat16": 0.04},
    "gram": {"float32": 5e-5, "float16": 5e-3, "bfloat16": 0.04},
    "gradient": {"float32": 0.02, "float16": 0.25, "bfloat16": 0.5},
    "loss": {"float32": 1e-5, "float16": 5e-4, "bfloat16": 4e-3},
}
"""By kind of probe and format: relative distance of a tensor of the first step from the baseline's, of a loss term
relative to the total loss.

Several times what TensorFlow 1.15 and 2.21 differ in: activations in 7e-7 and 3e-4; gradients in 3e-3 and 5e-2, for the
last bit decides between equal values of a max-pooling window.
"""
LOSS_FLOOR = 0.01
"""Relative change of a loss after all steps that is never an alarm."""
BOTH_SIDES = 2.0
"""Noise on both sides of a comparison doubles 1 - SSIM; it grows a distance by the root of 2, and a sketch tells that
to a fifth."""
GROWTH_LIMIT = 2.0
"""By which an error against float64 may grow, and its headroom with it."""


def variant(trial: TrialResult) -> str:
    """What a stored picture is good for, such as `cpu-tf2`: the device and TensorFlow's major version."""
    version = trial.environment.tensorflow if trial.environment else "unknown"
    return f"{trial.device}-tf{version.split('.')[0]}"


def assess(run: Run, folder: Path, baselines: Baselines) -> List[ModeFidelity]:
    """Judge the fidelity of every case in every mode of a run in `folder`."""
    # Advisory cases fail nobody: they are no part of the family.
    gating = sum(not case.advisory for case in run.suite.cases) or 1
    plan = run.suite.fidelity
    figures = 3 + len(plan.growth) if plan else 1
    alpha = FAMILY_ERROR / (gating * len(run.suite.modes) * figures)
    return [
        _assess(Subject(run, folder, case, mode), baselines, alpha)
        for case in run.suite.cases
        for mode in run.suite.modes
    ]


def verdicts(run: Run, require_fit: bool) -> List[Verdict]:
    """What the gates say of the run's fidelity; fitness counts only when it is required."""
    advisory = {case.id for case in run.suite.cases if case.advisory}
    outcomes = {"fit": "pass", "wrong": "fail", "not_judged": "inconclusive"}
    found = []
    for item in run.fidelity:
        chaotic = "advisory_case" if item.case in advisory else None
        where = {"case": item.case, "mode": item.mode}
        found.append(
            Verdict(
                gate="regression",
                outcome=item.regression,
                reason=item.regression_reason,
                details=item.regression_details,
                advisory=chaotic is not None,
                advisory_reason=chaotic,
                **where,
            )
        )
        shown = chaotic or (None if require_fit else "fitness_shown")
        found.append(
            Verdict(
                gate="fitness",
                outcome=outcomes[item.fitness],
                reason=item.fitness,
                details=item.reasons,
                advisory=shown is not None,
                advisory_reason=shown,
                **where,
            )
        )
    return found


class Subject:
    """One case in one mode of a run, its picture, and what the reference mode of the same run tells of it."""

    def __init__(self, run: Run, folder: Path, case: Case, mode: Mode) -> None:
        self.run, self.folder, self.case, self.mode = run, folder, case, mode
        self.trial = self._good_trial(mode.name)
        self.reference = self._good_trial(run.reference_mode)
        self.format = mode.format

    def _good_trial(self, mode: str) -> Optional[TrialResult]:
        found = [trial for trial in self.run.trials if (trial.case, trial.mode) == (self.case.id, mode)]
        return next((trial for trial in found if trial.status == "ok" and trial.fidelity and trial.picture), None)

    def picture(self, trial: TrialResult) -> np.ndarray:
        """Pixels of a trial's picture, uint8 RGB; raises images.ImageError."""
        return images.read(str(self.folder / str(trial.picture)))

    @property
    def envelope(self) -> Optional[Envelope]:
        """What noise of the mode's format does to this case."""
        envelopes = self.reference.fidelity.envelopes if self.reference and self.reference.fidelity else ()
        return next((envelope for envelope in envelopes if envelope.noise == self.format), None)

    def headroom(self) -> Dict[str, float]:
        """By probe, how much larger the mode's error is than the reference mode's."""
        if not (self.trial and self.reference):
            return {}
        errors, reference = _errors(self.trial.fidelity), _errors(self.reference.fidelity)
        return {name: fidelity.headroom(error, reference[name], self.floor(name)) for name, error in errors.items()}

    def floor(self, probe: str) -> float:
        """Error below which a probe's is not told from none."""
        return TOLERANCE[probe.split(" ")[1]][self.format] / 10


class _Comparison(NamedTuple):
    """A regression answer and what it rests on."""

    outcome: str
    reason: str
    details: Tuple[str, ...] = ()
    bounds: Tuple[Bound, ...] = ()
    distance: Optional[PictureDistance] = None
    picture: Optional[str] = None


def _assess(subject: Subject, baselines: Baselines, alpha: float) -> ModeFidelity:
    compared = _compare(subject, baselines, alpha)
    fit, reasons, bounds, distance = _fitness(subject)
    return ModeFidelity(
        case=subject.case.id,
        mode=subject.mode.name,
        to_reference=distance,
        to_baseline=compared.distance,
        baseline_picture=compared.picture,
        headroom=subject.headroom(),
        fitness=fit,
        reasons=tuple(reasons),
        fit_bounds=tuple(bounds),
        regression=compared.outcome,
        regression_reason=compared.reason,
        regression_details=compared.details,
        regression_bounds=compared.bounds,
        faster=_faster(subject),
        gateable=_gateable(subject, alpha),
    )


# Regression


def _compare(subject: Subject, baselines: Baselines, alpha: float) -> _Comparison:
    trial, envelope = subject.trial, subject.envelope
    if trial is None:
        return _Comparison("missing", "not_measured")
    names = subject.run.suite.name, subject.case.id, subject.mode.name, variant(trial)
    try:
        baseline = baselines.load(*names)
        if baseline is None or baseline.fidelity is None:
            return _Comparison("missing", "no_baseline", (f"looked for {baselines.path(*names)}",))
        if baseline.case_digest != subject.case.digest():
            return _Comparison("missing", "other_case")
        if baseline.mode != subject.mode:
            return _Comparison("missing", "other_mode")
        stored = baselines.picture(baseline)
    except UsageError as error:
        return _Comparison("missing", "bad_baseline", (str(error),))
    own = subject.picture(trial)
    if own.shape != stored.shape:
        sizes = [f"{picture.shape[1]}x{picture.shape[0]}" for picture in (stored, own)]
        return _Comparison("missing", "other_size", (f"stored {sizes[0]} pixels, drawn {sizes[1]}",))
    if envelope is None:
        return _Comparison("inconclusive", "no_envelope")
    distance = fidelity.picture_distance(own, stored)
    bounds = tuple(_regression_bounds(subject, baseline, distance, envelope, alpha))
    failed = [bound for bound in bounds if not bound.ok]
    outcome, reason = ("fail", "regressed") if failed else ("pass", "as_baseline")
    if trial.fidelity.neutral is False and not failed:
        outcome, reason = "inconclusive", "not_neutral"
    picture = str(baselines.picture_path(baseline))
    return _Comparison(outcome, reason, tuple(map(describe, failed)), bounds, distance, picture)


def _regression_bounds(
    subject: Subject, baseline: Baseline, distance: PictureDistance, envelope: Envelope, alpha: float
) -> Iterator[Bound]:
    assert subject.trial and subject.trial.fidelity and baseline.fidelity and subject.run.suite.fidelity
    now, then = subject.trial.fidelity, baseline.fidelity.measured
    yield from first_step_bounds(now, then, subject.format)
    yield from _headroom_bounds(subject, now, baseline)
    for index, updates in enumerate(subject.run.suite.fidelity.growth[: len(now.snapshots)]):
        noise = [run[index] for run in envelope.growth]
        limit = BOTH_SIDES * fidelity.prediction_limit(noise, alpha)
        moved = fidelity.sketch_distance(now.snapshots[index], then.snapshots[index])
        yield _at_most(f"picture after {updates} updates", moved, limit)
    least = 1 - BOTH_SIDES * fidelity.prediction_limit(envelope.distances, alpha)
    yield _at_least("SSIM to baseline", distance.ssim, least)
    limit = fidelity.change_limit(envelope.true_losses, alpha, floor=LOSS_FLOOR)
    yield _at_most("reported loss, change", abs(_log_ratio(now.reported_losses, then.reported_losses)), limit)
    yield _at_most("true loss, growth", _log_ratio(now.true_losses, then.true_losses), limit)


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
            moved = fidelity.sketch_distance(probe.sketch, old.sketch)
        yield _at_most(f"{probe.name} {probe.kind}", moved, TOLERANCE[probe.kind][precision])
    for name, kind in before:
        yield Bound(figure=f"{name} {kind}: no longer there", value=1.0, limit=0.0, ok=False)


def _headroom_bounds(subject: Subject, now: TrialFidelity, baseline: Baseline) -> Iterator[Bound]:
    """An error against float64 has grown, and not only beside a reference that improved."""
    assert baseline.fidelity
    errors, old_errors = _errors(now), _errors(baseline.fidelity.measured)
    for name, ratio in subject.headroom().items():
        old = baseline.fidelity.headroom.get(name)
        if old is not None and name in old_errors:
            absolute = fidelity.headroom(errors[name], old_errors[name], subject.floor(name))
            yield _at_most(f"{name}, growth of the error", min(absolute, ratio / old), GROWTH_LIMIT)


def _errors(measured: Optional[TrialFidelity]) -> Dict[str, float]:
    probes: Sequence[Probe] = measured.probes if measured else ()
    return {f"{probe.name} {probe.kind}": probe.accumulated.relative_l2 for probe in probes}


def _log_ratio(now: Dict[str, float], then: Dict[str, float]) -> float:
    """Of the total losses; 0 where both are zero."""
    first, second = now["total"], then["total"]
    if first <= 0 or second <= 0:
        return 0.0 if first == second else 1e9
    return math.log(first / second)


# Fitness


def _fitness(subject: Subject) -> Tuple[str, List[str], List[Bound], Optional[PictureDistance]]:
    trial, reference, envelope = subject.trial, subject.reference, subject.envelope
    if trial is None:
        return "not_judged", ["no trial of it ended well"], [], None
    if reference is None:
        return "not_judged", [f"{subject.run.reference_mode}, which it is held against, was not measured"], [], None
    distance = fidelity.picture_distance(subject.picture(trial), subject.picture(reference))
    if subject.run.reference_mode.split("+")[0] != REFERENCE_MODE:
        return "not_judged", [f"{subject.run.reference_mode} is not float32: it may be wrong itself"], [], distance
    if envelope is None:
        return "not_judged", ["no envelope was measured: what noise does is unknown"], [], distance
    bounds = list(fit_bounds(trial.fidelity, reference.fidelity, distance.ssim, envelope))
    reasons = alarms(trial.lost) + [describe(bound) for bound in bounds if not bound.ok]
    fit = "wrong" if reasons else "fit"
    if trial.fidelity.neutral is False:
        reasons.append("the probes changed the picture: what they say of layers is of another job")
    if _faster(subject) is False:
        reasons.append("not faster than the reference mode")
    if fit == "fit" and _gateable(subject, FIT_ERROR) is False:
        reasons.append("SSIM shows none of the known faults at this horizon: noise alone may move the picture further")
    return fit, reasons, bounds, distance


def fit_bounds(now: Any, reference: Any, ssim: float, envelope: Envelope) -> Iterator[Bound]:
    """The picture inside the envelope, and the true loss within what noise does to it."""
    yield _at_least("SSIM to reference", ssim, 1 - fidelity.prediction_limit(envelope.distances, FIT_ERROR))
    worst = fidelity.change_limit(envelope.true_losses, FIT_ERROR, floor=LOSS_FLOOR)
    centre = float(np.median(envelope.true_losses)) if envelope.true_losses else reference.true_losses["total"]
    ratio = _log_ratio(now.true_losses, {"total": max(centre, reference.true_losses["total"])})
    yield _at_most("true loss over the reference mode's", math.exp(min(ratio, 700.0)), math.exp(worst))


def _faster(subject: Subject) -> Optional[bool]:
    trial, reference = subject.trial, subject.reference
    if trial is None or reference is None or trial.trial == reference.trial or trial.emulated or reference.emulated:
        return None
    if trial.step_seconds is None or reference.step_seconds is None:
        return None
    return trial.step_seconds < reference.step_seconds


def _gateable(subject: Subject, alpha: float) -> Optional[bool]:
    """Whether some known fault moves the picture further than noise may; None when that was not measured."""
    controls = subject.reference.fidelity.controls if subject.reference and subject.reference.fidelity else ()
    if not controls or subject.envelope is None:
        return None
    return fidelity.prediction_limit(subject.envelope.distances, alpha) < max(control.distance for control in controls)


def _at_most(figure: str, value: float, limit: float) -> Bound:
    return Bound(figure=figure, value=value, limit=limit, ok=value <= limit)


def _at_least(figure: str, value: float, limit: float) -> Bound:
    return Bound(figure=figure, value=value, limit=limit, at_least=True, ok=value >= limit)


def describe(bound: Bound) -> str:
    """A bound in words."""
    least = "at least" if bound.at_least else "at most"
    return f"{bound.figure} {bound.value:.4g}, expected {least} {bound.limit:.4g}"
