"""What a worker reports to its parent: JSON lines, one event each; the last one is the trial's outcome."""

from typing import Dict, Optional, Tuple, Union

from pydantic import Field, TypeAdapter
from typing_extensions import Annotated, Literal

from harness.records import Losses, LossScaling, Record, TrialFidelity, WorkerEnvironment
from harness.records.base import Seconds
from harness.remark import Remark

StepPhase = Literal["first", "step", "extra", "delayed"]
"""Whether a step compiles, is one of the job's, or is made after the picture for its time alone."""


class Started(Record):
    """The worker is up and has its device."""

    event: Literal["started"] = "started"
    environment: WorkerEnvironment


class Phase(Record):
    """The worker begins something else."""

    event: Literal["phase"] = "phase"
    name: Literal["network", "targets", "graph", "steps", "finish", "timing", "health", "fidelity"]


class Planned(Record):
    """The step's dtypes are decided."""

    event: Literal["planned"] = "planned"
    emulated: bool
    """The mode's arithmetic is reproduced in float32 storage: its step time says nothing about the card."""
    remarks: Tuple[Remark, ...] = ()
    """What the card would do otherwise, such as refuse to compile."""


class Sample(Record):
    """One timed call: one step, or the card's loop of several."""

    event: Literal["sample"] = "sample"
    updates: int
    """Updates made before this step, the last one where the call made several; the losses are those of the picture
    then."""
    phase: StepPhase
    """The first one compiles; extra ones come after the picture was fetched and serve the timing alone; delayed ones
    were slowed down, to see whether a gate notices."""
    seconds: Seconds
    """Of one step: the mean, where one call makes several."""
    losses: Losses
    steps: int = 1
    """Made by this call."""
    scale: Optional[float] = None
    """With loss scaling: by what the loss was multiplied."""
    applied: Optional[int] = None
    """With loss scaling: updates of the picture before this step; steps that overflowed made none."""


class Health(Record):
    """What float16 lost in one step."""

    event: Literal["health"] = "health"
    updates: int
    """Updates made before this step."""
    counts: Dict[str, Tuple[int, int, int]]
    """By op of the plan: values saturated, values that became zero, NaN made 0; ops that lost nothing are left out."""


class Finished(Record):
    """The trial is complete and its picture written."""

    event: Literal["finished"] = "finished"
    startup_seconds: float
    """From process start to the end of the first step, which compiles."""
    final_losses: Losses
    """After all updates, as the mode computes them."""
    true_losses: Optional[Losses] = None
    """Of the same picture, by a float32 graph with float32 targets; None in a calibration, which draws none."""
    step_flop: int
    """Floating-point operations of one step: convolutions and Gram products, forward and backward."""
    matmul_tflops: Optional[float] = None
    """The device's float32 matrix-product rate, measured after the steps; None when they were emulated, and in a
    calibration."""
    matmul_tflops_bfloat16: Optional[float] = None
    """The same in bfloat16; None where it is no faster than float32."""
    peak_memory_bytes: int
    picture_sha256: Optional[str] = None
    """model.images.digest of the first picture, read back from its file."""
    loss_scaling: Optional[LossScaling] = None
    remarks: Tuple[Remark, ...] = ()
    """What was found when the steps had run."""
    fidelity: Optional[TrialFidelity] = None


class Diverged(Record):
    """A loss is no longer finite; nothing more is computed."""

    event: Literal["diverged"] = "diverged"
    updates: int
    losses: Dict[str, str]
    """As text, since JSON has no NaN."""


class Refused(Record):
    """The device cannot run this trial."""

    event: Literal["refused"] = "refused"
    reason: str


Event = Union[Started, Phase, Planned, Sample, Health, Finished, Diverged, Refused]
_EVENT: "TypeAdapter[Event]" = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def parse_event(line: str) -> Event:
    """Read one line of a worker's event pipe; raises pydantic.ValidationError."""
    return _EVENT.validate_json(line)
