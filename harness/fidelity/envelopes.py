"""How far harmless noise moves a case's picture, and how far known faults do. Everything here needs TensorFlow."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from harness.fidelity.distances import luminance_distance, relative_l2
from harness.fidelity.job import Job, medians
from harness.precision.number_formats import FORMATS
from harness.records import Case, Control, Envelope, FidelityPlan, Losses
from model import images
from model.settings import StyleSettings
from model.vgg import Network


class _Path(NamedTuple):
    """One run: its pictures and its last losses."""

    final: np.ndarray
    on_the_way: List[np.ndarray]
    loss: float


def measure_envelopes(job: Job, plan: FidelityPlan, formats: Sequence[str]) -> Tuple[Envelope, ...]:
    """Run the job's steps `plan.envelope` times for each format, with noise, in one session."""
    graph, mode = job.graph, job.trial.mode
    fetches = [graph.update, *graph.losses.values()]
    prepared = job.device.prepare(graph.graph_def, fetches, mode, [graph.initialize, graph.result])
    found = []
    with job.device.session(prepared.graph_def) as session:
        quiet = _run(session, job, plan, 0.0, 0)
        for noise in formats:
            runs = [_run(session, job, plan, FORMATS[noise].ulp, seed) for seed in range(plan.envelope)]
            found.append(
                Envelope(
                    noise=noise,
                    distances=tuple(distance(run.final, quiet.final, job.network) for run in runs),
                    true_losses=tuple(run.loss for run in runs),
                    growth=tuple(tuple(map(relative_l2, run.on_the_way, quiet.on_the_way)) for run in runs),
                )
            )
    return tuple(found)


def measure_controls(job: Job) -> Tuple[Control, ...]:
    """Run the job with each known fault that its settings have room for, and say how far that moves the picture."""
    from harness.step.building import build_step

    found = []
    for fault, settings in known_faults(job.trial.case.settings).items():
        case: Case = job.trial.case.model_copy(update={"settings": settings})
        graph = build_step(case, job.trial.mode, job.device, job.pictures, job.network)
        fetches = [graph.update, *graph.losses.values()]
        prepared = job.device.prepare(graph.graph_def, fetches, job.trial.mode, [graph.initialize, graph.result])
        with job.device.session(prepared.graph_def) as session:
            session.run(graph.initialize)
            for _ in range(case.steps):
                session.run(graph.update)
            found.append(Control(fault=fault, distance=distance(session.run(graph.result), job.result, job.network)))
    return tuple(found)


def known_faults(settings: StyleSettings) -> Dict[str, StyleSettings]:
    """Settings with one term wrong, by what is wrong with them."""
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
    on_the_way: List[np.ndarray] = []
    losses: List[Losses] = []
    picture: Optional[np.ndarray] = session.run(graph.result)
    for updates in range(1, steps + 1):
        # Fed whether noisy or not, so that all runs are of one and the same graph.
        row, _ = session.run([graph.losses, graph.update], {graph.picture: _noisy(picture, epsilon, random)})
        losses.append(summed(row))
        picture = session.run(graph.result)
        if updates in plan.growth:
            on_the_way.append(picture)
    return _Path(picture, on_the_way, medians(losses[-plan.window :])["total"])


def _noisy(picture: np.ndarray, epsilon: float, random: np.random.RandomState) -> np.ndarray:
    """The picture with each of its values off by one ulp, up or down; equal values alike."""
    if not epsilon:
        return picture
    values, where = np.unique(picture, return_inverse=True)
    signs = random.choice([-1.0, 1.0], size=values.shape)
    return (picture * (1 + epsilon * signs[where].reshape(picture.shape))).astype(np.float32)


def distance(first: np.ndarray, second: np.ndarray, network: Network) -> float:
    """1 - SSIM, luminance, of the first pictures of two results of a step, as they would be written."""
    pixels = [images.to_uint8(result[0] + network.mean_pixel) for result in (first, second)]
    return luminance_distance(*pixels)
