"""What a worker measures of its picture's fidelity once the picture is made. Everything here needs TensorFlow.

A probed run makes the same steps again while every layer is watched: the first step is held against float64, and the
pictures on the way against a float64 trajectory.
"""

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional

import numpy as np

from harness.fidelity.approved import with_approved_noise
from harness.fidelity.distances import relative_l2, sketch, tensor_error
from harness.fidelity.envelopes import SPREAD, known_faults, measure_controls, measure_envelopes, one_ulp
from harness.fidelity.job import Job, medians
from harness.fidelity.oracle import ProbeKey, load_oracle, probed_tensors
from harness.precision import layer_name
from harness.records import FidelityPlan, Probe, TrialFidelity
from harness.records.events import Event, Health


class _Watched(NamedTuple):
    """What a run with probes measured."""

    first: Dict[ProbeKey, np.ndarray]
    """Tensors of the first step, by probe."""
    counts: Optional[Dict[str, np.ndarray]]
    """What float16 lost in the first step, by op; None where nothing counts it."""
    pictures: Dict[int, np.ndarray]
    """Pictures by the number of updates made."""
    local: Dict[ProbeKey, np.ndarray]
    """Tensors computed from exact inputs, by probe; empty where parts of the step cannot be run alone."""
    neutral: bool


def measure(job: Job, plan: FidelityPlan, emit: Callable[[Event], None]) -> TrialFidelity:
    """Probe the job, and measure its noise unless that is known; the controls too if its trial asks for them."""
    exact, exact_pictures = load_oracle(job, plan)
    seen = _watch(job, plan, exact, emit)
    last = [seen.pictures[updates] for updates in sorted(seen.pictures)[-plan.window :]]
    known = [updates for updates in plan.growth if updates in exact_pictures]
    marks, trial = plan.marks(job.trial.case.steps), job.trial
    narrow = [noise for noise in trial.envelopes if noise != "float32"]
    found = TrialFidelity(
        probes=tuple(_probe(key, seen, exact) for key in seen.first),
        growth=tuple((updates, relative_l2(seen.pictures[updates], exact_pictures[updates])) for updates in known),
        snapshots=tuple(sketch(seen.pictures[updates]) for updates in marks),
        reported_losses=medians(job.losses[-plan.window :]),
        true_losses=medians(job.score(last)),
        window=plan.window,
        neutral=seen.neutral,
    )
    faults = known_faults(trial.case.settings) if trial.envelopes else {}
    device = job.device.environment()
    approved = with_approved_noise(found, trial, plan, device.kind, device.tensorflow, narrow, list(faults))
    if approved is not None:
        return approved
    # One session for all: they differ in the size of the noise alone.
    spread, *envelopes = measure_envelopes(job, plan, {**SPREAD, **one_ulp(narrow)})
    healthy = [seen.pictures[updates] for updates in marks] if seen.neutral else None
    controls = measure_controls(job, plan, faults, healthy)
    return found.model_copy(update={"spread": spread, "envelopes": tuple(envelopes), "controls": controls})


def _watch(job: Job, plan: FidelityPlan, exact: Dict[ProbeKey, np.ndarray], emit: Callable[[Event], None]) -> _Watched:
    graph, steps, tensors = job.graph, job.trial.case.steps, probed_tensors(job.graph)
    # Losses are fetched by the job already; fetches keep their names whatever the mode does to the graph.
    fetches = [graph.update, *tensors.values()]
    keep = [graph.initialize, graph.result]
    prepared = job.device.prepare(graph.graph_def, fetches, job.trial.mode, keep, health=True)
    first: Dict[ProbeKey, np.ndarray] = {}
    counts: Optional[Dict[str, np.ndarray]] = None
    pictures: Dict[int, np.ndarray] = {}
    with job.device.session(prepared.graph_def) as session:
        session.run(graph.initialize)
        for updates in range(steps):
            # One fetch list for all steps: another one would be another graph, and other roundings.
            _, seen, lost = session.run([graph.update, tensors, prepared.counters])
            if prepared.counts:
                counted = {op: (int(n[0]), int(n[1]), int(n[2])) for op, n in lost.items() if n.any()}
                emit(Health(updates=updates, counts=counted))
            if updates == 0:
                first, counts = seen, lost if prepared.counts else None
            if updates + 1 in plan.marks(steps) or updates + 1 > steps - plan.window:
                pictures[updates + 1] = session.run(graph.result)
        neutral = np.array_equal(session.run(graph.result), job.result)
    if not job.device.runs_parts:
        return _Watched(first, counts, pictures, {}, neutral)
    with job.device.session(prepared.graph_def, optimize=False) as session:
        session.run(graph.initialize)
        local = _local(session, tensors, first, exact, rounded=job.trial.mode.emit == "rounded")
    return _Watched(first, counts, pictures, local, neutral)


def _local(
    session: Any,
    tensors: Mapping[ProbeKey, str],
    first: Mapping[ProbeKey, np.ndarray],
    exact: Mapping[ProbeKey, np.ndarray],
    rounded: bool,
) -> Dict[ProbeKey, np.ndarray]:
    """Compute each tensor from exact activations and gradients of all other layers, for the error of its own layer."""
    chain = [key for key in tensors if key[1] in ("activation", "gradient") and key[0] != "picture"]
    feeds = {key: _as_stored(exact[key], first[key], rounded) for key in chain}
    return {
        key: session.run(tensor, {tensors[other]: value for other, value in feeds.items() if other != key})
        for key, tensor in tensors.items()
    }


def _as_stored(exact: np.ndarray, own: np.ndarray, rounded: bool) -> np.ndarray:
    """Exact values in the format in which the mode keeps this tensor, as the mode's own values show.

    Native graphs cast what they are fed themselves.
    """
    from harness.precision.emission.writer import round_array

    exact = exact.astype(np.float32)
    return round_array(exact) if rounded and np.array_equal(round_array(own), own) else exact


def _probe(key: ProbeKey, seen: _Watched, exact: Mapping[ProbeKey, np.ndarray]) -> Probe:
    name, kind = key
    tensor = seen.first[key]
    # A loss term may be zero, as the content loss of a start from the content is: all are taken relative to the total.
    scale = exact["total", "loss"] if kind == "loss" else exact[key]
    lost: Dict[str, int] = {}
    if seen.counts is not None:
        counts = sum((count for op, count in seen.counts.items() if _watched_by(op) == key), np.zeros(3, np.int64))
        lost = dict(zip(("saturated", "underflowed", "nan"), map(int, counts)))
    return Probe(
        name=name,
        kind=kind,
        accumulated=tensor_error(tensor, exact[key], scale),
        local=tensor_error(seen.local[key], exact[key], scale) if key in seen.local else None,
        norm=float(np.sum(tensor) if kind == "loss" else np.linalg.norm(tensor)),
        sketch=sketch(tensor) if kind != "loss" else (),
        **lost,
    )


def _watched_by(op: str) -> Optional[ProbeKey]:
    """Return the probe that an op's health counts for: that of the layer whose forward or backward pass has the op."""
    layer, backward = layer_name(op), op.startswith("gradients")
    if layer.startswith(("conv", "relu")):
        return f"relu{layer[4:]}", "gradient" if backward else "activation"
    if layer.startswith("gram_"):
        return (layer[len("gram_") :], "gradient") if backward else (layer, "gram")
    return (layer[: -len("_loss")], "loss") if layer.endswith("_loss") else None
