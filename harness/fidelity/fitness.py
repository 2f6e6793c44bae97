"""Is a picture no further from the reference mode's than harmless noise moves it?"""

import math
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from harness.fidelity import distances, limits
from harness.fidelity.bounds import LOSS_FLOOR, at_least, at_most, describe, log_ratio_of_totals
from harness.fidelity.saturation import alarms
from harness.fidelity.subject import Subject, is_faster, is_gateable
from harness.records import REFERENCE_MODE, Bound, Envelope, PictureDistance

FIT_ERROR = 0.01
"""Chance that one figure of a mode that is as good as one ulp of noise is called wrong."""


def judge_fitness(subject: Subject) -> Tuple[str, List[str], List[Bound], Optional[PictureDistance]]:
    """Return `fit`, `wrong` or `not_judged`, why, the bounds it rests on, and the distance to the reference mode."""
    trial, reference, envelope = subject.trial, subject.reference, subject.envelope
    if trial is None:
        return "not_judged", ["no trial of it ended well"], [], None
    if reference is None:
        return "not_judged", [f"{subject.run.reference_mode}, which it is held against, was not measured"], [], None
    distance = distances.picture_distance(subject.picture(trial), subject.picture(reference))
    if subject.run.reference_mode.split("+")[0] != REFERENCE_MODE:
        return "not_judged", [f"{subject.run.reference_mode} is not float32: it may be wrong itself"], [], distance
    if envelope is None:
        return "not_judged", ["no envelope was measured: what noise does is unknown"], [], distance
    bounds = list(fit_bounds(trial.fidelity, reference.fidelity, distance.ssim, envelope))
    reasons = alarms(trial.lost) + [describe(bound) for bound in bounds if not bound.ok]
    fit = "wrong" if reasons else "fit"
    if trial.fidelity.neutral is False:
        reasons.append("the probes changed the picture: what they say of layers is of another job")
    if is_faster(subject) is False:
        reasons.append("not faster than the reference mode")
    if fit == "fit" and is_gateable(subject, FIT_ERROR) is False:
        reasons.append("SSIM shows none of the known faults at this horizon: noise alone may move the picture further")
    return fit, reasons, bounds, distance


def fit_bounds(now: Any, reference: Any, ssim: float, envelope: Envelope) -> Iterator[Bound]:
    """The picture inside the envelope, and the true loss within what noise does to it."""
    yield at_least("SSIM to reference", ssim, 1 - limits.prediction_limit(envelope.distances, FIT_ERROR))
    worst = limits.change_limit(envelope.true_losses, FIT_ERROR, floor=LOSS_FLOOR)
    centre = float(np.median(envelope.true_losses)) if envelope.true_losses else reference.true_losses["total"]
    ratio = log_ratio_of_totals(now.true_losses, {"total": max(centre, reference.true_losses["total"])})
    yield at_most("true loss over the reference mode's", math.exp(min(ratio, 700.0)), math.exp(worst))
