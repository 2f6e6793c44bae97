"""The state file: what a stylization needs to continue after its process has died."""

import io
import json
import os
from typing import Any, Dict, NamedTuple, Optional

import numpy as np

from harness.errors import UsageError
from harness.machine import environment
from harness.mission.job import Job
from harness.reading import DAMAGED_NPZ

_VARIABLE = "variable:"
_SHOWN_DIFFERENCES = 3
_NOT_THE_JOB = {"id", "content", "further_contents", "styles", "size", "steps", "network"}
"""Fields of a case that may differ on resume: where files lie, since their hashes count, and the number of steps."""


class State(NamedTuple):
    """A stylization after some updates."""

    updates: int
    variables: Dict[str, np.ndarray]
    """Variables of the step's graph by name: pixels, Adam's moments and powers."""
    rows: np.ndarray
    """Losses before each update: float64 of shape (updates, 4), in the order of model.losses.LOSSES."""
    seconds: np.ndarray
    """Seconds of each update: float64 of shape (updates,)."""
    best_totals: np.ndarray
    """Smallest total loss of each picture of the batch at a checkpoint so far; infinite before the first."""
    best: Optional[np.ndarray]
    """Pictures with the loss of best_totals, less the mean pixel: float32 RGB of shape (batch, height, width, 3).

    None before a checkpoint.
    """


def identity(job: Job, kind: str) -> Dict[str, Any]:
    """Everything that decides the numbers, by name; a state is continued only where all of it is equal.

    Args:
        kind: kind of the device that runs the job, and not `auto`, which may stand for another one tomorrow.
    """
    case = job.case.model_dump(mode="json", exclude=_NOT_THE_JOB)
    case["initial"] = job.case.initial if job.case.initial in ("content", "noise") else "picture"
    packages = {name: version for name, version in environment.installed_packages().items() if "tensor" in name}
    return {
        **case.pop("settings"),
        **case.pop("inputs"),
        **case,
        "precision_mode": job.mode.name,
        "precision": job.mode.model_dump(mode="json")["precision"],
        "device": kind,
        "checkpoint_iterations": job.checkpoint_iterations,
        "packages": {**packages, "numpy": np.__version__},
    }


def encode(job: Dict[str, Any], state: State) -> bytes:
    """Return the bytes of a state file of the job with this identity."""
    buffer = io.BytesIO()
    arrays: Dict[str, Any] = {_VARIABLE + name: value for name, value in state.variables.items()}
    if state.best is not None:
        arrays["best"] = state.best
    text = np.frombuffer(json.dumps(job).encode(), np.uint8)
    np.savez(buffer, job=text, rows=state.rows, seconds=state.seconds, best_totals=state.best_totals, **arrays)
    return buffer.getvalue()


def read(job: Job, kind: str) -> Optional[State]:
    """Return the state the job left, or None when there is none.

    Raises:
        UsageError: the file is damaged, of another job, or ahead of this one.
    """
    path = job.state()
    if not os.path.lexists(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        theirs = json.loads(arrays["job"].tobytes().decode())
        state = _state(arrays)
    except DAMAGED_NPZ as error:
        raise UsageError(
            f"state {path}: not a whole state file of this version (start anew: without --resume, with --overwrite)"
        ) from error
    # As JSON would have it: no tuples.
    difference = _difference(theirs, json.loads(json.dumps(identity(job, kind))))
    if difference:
        raise UsageError(f"state {path} is of another job: {difference}")
    if state.updates > job.case.steps:
        raise UsageError(f"state {path} is after {state.updates} updates, more than --iterations {job.case.steps}")
    return state


def _state(arrays: Dict[str, np.ndarray]) -> State:
    variables = {name[len(_VARIABLE) :]: value for name, value in arrays.items() if name.startswith(_VARIABLE)}
    if "best" in arrays and arrays["best"].dtype != np.float32:
        raise ValueError("best: expected float32")  # earlier versions kept finished pixels
    return State(
        updates=len(arrays["rows"]),
        variables=variables,
        rows=arrays["rows"],
        seconds=arrays["seconds"],
        best_totals=arrays["best_totals"],
        best=arrays.get("best"),
    )


def _difference(theirs: Dict[str, Any], ours: Dict[str, Any]) -> str:
    names = [name for name in ours if theirs.get(name) != ours[name]]
    shown = [f"{name} {_short(theirs.get(name))} there, {_short(ours[name])} here" for name in names]
    rest = len(shown) - _SHOWN_DIFFERENCES
    return ", ".join(shown[:_SHOWN_DIFFERENCES]) + (f", and {rest} more" if rest > 0 else "")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
