"""Fitness: whether a picture is no further from the reference mode's than harmless noise moves it."""

import math
import statistics
from typing import Iterator, List, Optional, Tuple

from harness.fidelity import distances, limits
from harness.fidelity.bounds import at_least, at_most, describe, log_ratio_of_totals
from harness.fidelity.saturation import alarms
from harness.fidelity.subject import Subject, is_faster, is_gateable
from harness.records import REFERENCE_MODE, Bound, Envelope, PictureDistance, TrialFidelity
from harness.records.fidelity import Fitness
from harness.remark import Remark, remark


def judge_fitness(subject: Subject) -> Tuple[Fitness, List[Remark], List[Bound], Optional[PictureDistance]]:
    """Return the fitness, the reasons for it, the bounds it rests on, and the distance to the reference picture."""
    trial, reference, envelope = subject.trial, subject.reference, subject.envelope
    if trial is None:
        return "not_judged", [remark("no_good_trial")], [], None
    if reference is None:
        return "not_judged", [remark("no_reference", reference=subject.run.reference_mode)], [], None
    distance = distances.picture_distance(subject.picture(trial), subject.picture(reference))
    if subject.run.reference_mode.split("+")[0] != REFERENCE_MODE:
        return "not_judged", [remark("reference_not_float32", reference=subject.run.reference_mode)], [], distance
    if envelope is None:
        return "not_judged", [remark("envelope_not_measured")], [], distance
    assert trial.fidelity and reference.fidelity
    bounds = list(fit_bounds(trial.fidelity, reference.fidelity, distance, envelope))
    reasons = alarms(trial.lost) + [describe(bound) for bound in bounds if not bound.ok]
    fit: Fitness = "wrong" if reasons else "fit"
    if trial.fidelity.neutral is False:
        reasons.append(remark("probes_changed_picture"))
    if is_faster(subject) is False:
        reasons.append(remark("not_faster"))
    if fit == "fit" and is_gateable(subject) is False:
        reasons.append(remark("not_gateable"))
    return fit, reasons, bounds, distance


def fit_bounds(
    now: TrialFidelity, reference: TrialFidelity, distance: PictureDistance, envelope: Envelope
) -> Iterator[Bound]:
    """Yield the bounds of a fit picture: SSIM of luminance and colours, and true loss, as far as noise moves them.

    Args:
        distance: of the picture to the reference mode's.
        envelope: what noise of the mode's format does in the reference mode.
    """
    limit = limits.noise_limit(envelope.distances, "distance", limits.FIT_MARGIN)
    yield at_least(remark("ssim_to_reference"), distance.ssim, 1 - limit)
    centre = max(statistics.median(envelope.true_losses), reference.true_losses["total"])
    ratio = math.exp(min(log_ratio_of_totals(now.true_losses, {"total": centre}), 700.0))
    yield at_most(remark("true_loss_over_reference"), ratio, math.exp(limits.loss_limit(envelope.true_losses)))
    limit = limits.noise_limit(envelope.channels, "distance", limits.FIT_MARGIN)
    yield at_least(remark("ssim_to_reference_channel"), min(distance.ssim_channels), 1 - limit)
