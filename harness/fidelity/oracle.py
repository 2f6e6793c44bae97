"""The float64 trajectory that every mode of a case is compared with."""

import io
import os
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple

import numpy as np

from harness.fidelity.job import Job
from harness.records import FidelityPlan
from harness.records.fidelity import ProbeKind
from harness.step import building
from harness.store.files import write_atomic

ProbeKey = Tuple[str, ProbeKind]
"""Name and kind of a probe."""


def probed_tensors(graph: Any) -> Dict[ProbeKey, str]:
    """Return the names of the tensors of a model.stylization.StepGraph that are watched, by probe."""
    kinds: Dict[ProbeKind, Dict[str, str]] = {
        "activation": graph.activations,
        "gram": graph.grams,
        "loss": graph.losses,
        "gradient": {"picture": graph.gradient, **graph.gradients},
    }
    prefixes = {"gram": "gram_"}
    return {(prefixes.get(kind, "") + name, kind): tensor for kind, of in kinds.items() for name, tensor in of.items()}


def load_oracle(job: Job, plan: FidelityPlan) -> Tuple[Dict[ProbeKey, np.ndarray], Dict[int, np.ndarray]]:
    """The tensors of the first step and the pictures on the way, in float64 throughout, targets too."""
    path = job.trial.oracle
    if path and os.path.exists(path):
        with np.load(path) as stored:
            found = dict(stored)
    else:
        found = _run_oracle(job, plan)
        if path:
            write_atomic(Path(path), _npz(found))  # another device may be at it too
    tensors = {tuple(name.split(" ")): value for name, value in found.items()}
    pictures = {int(name): tensors.pop((name, kind)) for name, kind in list(tensors) if kind == "updates"}
    return tensors, pictures


def _npz(arrays: Mapping[str, Any]) -> bytes:
    stored = io.BytesIO()
    np.savez(stored, **arrays)
    return stored.getvalue()


def _run_oracle(job: Job, plan: FidelityPlan) -> Dict[str, np.ndarray]:
    import tensorflow.compat.v1 as tf

    graph = building.build_step(job.trial.case, None, job.device, job.pictures, job.network, tf.float64)
    found: Dict[str, np.ndarray] = {}
    names = {f"{name} {kind}": tensor for (name, kind), tensor in probed_tensors(graph).items()}
    with job.device.reference.session(graph.graph_def, optimize=False) as session:
        session.run(graph.initialize)
        for updates in range(1, min(max(plan.growth), job.trial.case.steps) + 1):
            watched, _ = session.run([names if updates == 1 else {}, graph.update])
            found.update(watched)
            if updates in plan.growth:
                found[f"{updates} updates"] = session.run(graph.result)
    return found
