"""How far harmless noise moves a case's picture, and how far known faults do. Everything here needs TensorFlow."""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from harness.fidelity.distances import furthest_channel, furthest_level, picture_distance, relative_l2
from harness.fidelity.job import Job, medians
from harness.precision.number_formats import FORMATS
from harness.records import Case, Control, Envelope, FidelityPlan, Losses, PictureDistance
from model import images
from model.settings import StyleSettings

SPREAD = {"float32": 4 * FORMATS["float32"].ulp}
"""Relative size of the noise that shows how far healthy builds may lie apart; of more than one ulp, since the sums of
builds differ in every op, and not in the picture alone."""
_PICTURE = "picture"
"""The picture's variable among those of a model.stylization.StepGraph."""


class _Path(NamedTuple):
    """One run: its pictures after each of FidelityPlan.marks, and the median of its last total losses."""

    pictures: List[np.ndarray]
    loss: float


def one_ulp(formats: Sequence[str]) -> Dict[str, float]:
    """Return the relative size of noise of one ulp of each format."""
    return {noise: FORMATS[noise].ulp for noise in formats}


def measure_envelopes(job: Job, plan: FidelityPlan, sizes: Mapping[str, float]) -> Tuple[Envelope, ...]:
    """Run the job's steps `plan.envelope` times with noise of each size; return an envelope for each.

    Args:
        sizes: relative size of the noise, by the format whose ulps it is counted in.
    """
    graph, mode = job.graph, job.trial.mode
    fetches = [graph.update, *graph.losses.values()]
    keep = [graph.initialize, graph.result, *graph.state.values()]
    prepared = job.device.prepare(graph.graph_def, fetches, mode, keep)
    found = []
    with job.device.session(prepared.graph_def) as session:
        quiet = _run(session, job, plan, 0.0, 0)
        for noise, size in sizes.items():
            runs = [_run(session, job, plan, size, seed) for seed in range(plan.envelope)]
            pictures = [distance(run.pictures[-1], quiet.pictures[-1], job) for run in runs]
            found.append(
                Envelope(
                    noise=noise,
                    distances=tuple(1.0 - picture.ssim for picture in pictures),
                    channels=tuple(map(furthest_channel, pictures)),
                    levels=tuple(map(furthest_level, pictures)),
                    true_losses=tuple(run.loss for run in runs),
                    growth=tuple(tuple(map(relative_l2, run.pictures, quiet.pictures)) for run in runs),
                )
            )
    return tuple(found)


def measure_controls(
    job: Job, plan: FidelityPlan, faults: Mapping[str, StyleSettings], healthy: Optional[List[np.ndarray]] = None
) -> Tuple[Control, ...]:
    """Run the job with each of the faults, as known_faults has them, and say how far that moves the picture.

    Args:
        healthy: the job's own pictures after each of the plan's marks; None: they are drawn here.
    """
    if not faults:
        return ()
    healthy = healthy or _drawn(job, plan, job.trial.case)
    found = []
    for fault, settings in faults.items():
        pictures = _drawn(job, plan, job.trial.case.model_copy(update={"settings": settings}))
        moved = distance(pictures[-1], healthy[-1], job)
        found.append(
            Control(
                fault=fault,
                distance=1.0 - moved.ssim,
                channel=furthest_channel(moved),
                level=furthest_level(moved),
                growth=tuple(map(relative_l2, pictures, healthy)),
            )
        )
    return tuple(found)


def _drawn(job: Job, plan: FidelityPlan, case: Case) -> List[np.ndarray]:
    """Return the case's pictures after each of the plan's marks."""
    from harness.step.building import build_step

    graph = build_step(case, job.trial.mode, job.device, job.pictures, job.network)
    fetches = [graph.update, *graph.losses.values()]
    prepared = job.device.prepare(graph.graph_def, fetches, job.trial.mode, [graph.initialize, graph.result])
    pictures = []
    with job.device.session(prepared.graph_def) as session:
        session.run(graph.initialize)
        for updates in range(1, case.steps + 1):
            session.run(graph.update)
            if updates in plan.marks(case.steps):
                pictures.append(session.run(graph.result))
    return pictures


def known_faults(settings: StyleSettings) -> Dict[str, StyleSettings]:
    """Return settings with one fault each, by the name of the fault."""
    other = "avg" if settings.pooling == "max" else "max"
    faults = {f"{other} pooling": settings.model_copy(update={"pooling": other})}
    if settings.tv_weight:
        faults["tv term dropped"] = settings.model_copy(update={"tv_weight": 0.0})
    if settings.style_weight:
        exponent = settings.style_layer_weight_exp * 2
        faults["style layer weights off"] = settings.model_copy(update={"style_layer_weight_exp": exponent})
    return faults


def _run(session: Any, job: Job, plan: FidelityPlan, epsilon: float, seed: int) -> _Path:
    from harness.step.scoring import summed

    graph, steps = job.graph, job.trial.case.steps
    random = np.random.RandomState(seed)
    session.run(graph.initialize)
    pictures: List[np.ndarray] = []
    losses: List[Losses] = []
    # One step more than the job's, for the losses of its last picture: those of a step are from before its update.
    for updates in range(1, steps + 2):
        # Written back whether noisy or not, so that all runs do the same.
        state = session.run(graph.state)
        state[_PICTURE] = _noisy(state[_PICTURE], epsilon, random)
        session.run(graph.initialize, {graph.state_inputs[name]: value for name, value in state.items()})
        row, _ = session.run([graph.losses, graph.update])
        losses.append(summed(row))
        if updates in plan.marks(steps):
            pictures.append(session.run(graph.result))
    return _Path(pictures, medians(losses[-plan.window :])["total"])


def _noisy(picture: np.ndarray, epsilon: float, random: np.random.RandomState) -> np.ndarray:
    """Return the picture with each value off by the relative amount epsilon, up or down; equal values move alike."""
    if not epsilon:
        return picture
    values, where = np.unique(picture, return_inverse=True)
    signs = random.choice([-1.0, 1.0], size=values.shape)
    return (picture * (1 + epsilon * signs[where].reshape(picture.shape))).astype(np.float32)


def distance(first: np.ndarray, second: np.ndarray, job: Job) -> PictureDistance:
    """Return the distance of the first pictures of two results of a job's step, as they would be written."""
    content, keep_colors = job.pictures.contents[0], job.trial.case.settings.preserve_colors
    pixels = [images.finished(result[0] + job.network.mean_pixel, content, keep_colors) for result in (first, second)]
    return picture_distance(*pixels)
