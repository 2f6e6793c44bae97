"""What a worker reports to its parent: JSON lines, one event each; the last one is the trial's outcome."""

from typing import Dict, Optional, Tuple, Union

from pydantic import Field, TypeAdapter
from typing_extensions import Annotated, Literal

from harness.records import Losses, LossScaling, PhaseName, Record, Scheduling, TrialFidelity, WorkerEnvironment
from harness.records.base import Seconds
from harness.remark import Remark

StepPhase = Literal["first", "step", "extra"]
"""Phase of a step: `first` compiles, `step` is one of the case's, `extra` comes after the picture is done."""


class Started(Record):
    """The worker is up and has its device."""

    event: Literal["started"] = "started"
    environment: WorkerEnvironment


class Phase(Record):
    """The worker begins another part of the trial."""

    event: Literal["phase"] = "phase"
    name: PhaseName


class Planned(Record):
    """The step's dtypes are decided."""

    event: Literal["planned"] = "planned"
    emulated: bool
    """True when the mode's arithmetic is reproduced in float32 storage: its step time says nothing about the card."""
    remarks: Tuple[Remark, ...] = ()
    """What the card would do in another way than this device, such as refuse to compile."""


class Sample(Record):
    """One timed call: one step, or the card's loop of several."""

    event: Literal["sample"] = "sample"
    updates: int
    """Steps made before this one, or before the last step of a call that made several."""
    phase: StepPhase
    """The first one compiles; extra ones come after the picture was fetched and serve the timing alone."""
    seconds: Seconds
    """Seconds of one step: the mean, where one call makes several."""
    delayed_seconds: Optional[Seconds] = None
    """Seconds of the same step with the delay that a calibration added, slept and timed; None without a delay."""
    losses: Losses
    """Losses of the picture before this step, or before the last step of a call that made several."""
    steps: int = 1
    """Steps that this call made."""
    scale: Optional[float] = None
    """Factor that loss scaling multiplied the loss by; None without loss scaling."""
    applied: Optional[int] = None
    """Updates of the picture before this step, those of overflowed steps not counted; None without loss scaling."""


class Health(Record):
    """What float16 lost in one step."""

    event: Literal["health"] = "health"
    updates: int
    """Updates made before this step."""
    counts: Dict[str, Tuple[int, int, int]]
    """Values saturated, values made zero, and NaN made 0, by op of the plan; ops that lost nothing are left out."""


class Finished(Record):
    """The trial is complete and its picture written."""

    event: Literal["finished"] = "finished"
    startup_seconds: float
    """Seconds from the start of the process to the end of the first step, which compiles."""
    final_losses: Losses
    """Losses of the picture after all updates, as the mode computes them."""
    true_losses: Optional[Losses] = None
    """Losses of the final picture in float32 with float32 targets; None in a trial that measures its times alone."""
    step_flop: int
    """Floating-point operations of one step: convolutions and Gram products, forward and backward."""
    matmul_tflops: Optional[float] = None
    """Matrix-product rate of the device in float32, 1e12 operations per second; None where it was not measured."""
    matmul_tflops_bfloat16: Optional[float] = None
    """Matrix-product rate of the device in bfloat16, 1e12 operations per second; None where float32 is as fast."""
    peak_memory_bytes: int
    """Largest resident size of the worker, by the end of the steps."""
    picture_sha256: Optional[str] = None
    """model.images.digest of the batch's first picture, read back from its file."""
    loss_scaling: Optional[LossScaling] = None
    remarks: Tuple[Remark, ...] = ()
    """What Device.confirm found when the steps had run."""
    fidelity: Optional[TrialFidelity] = None
    scheduling: Optional[Scheduling] = None
    """What the system did to the worker from its first step to the last timed one."""


class Diverged(Record):
    """A loss is no longer finite; nothing more is computed."""

    event: Literal["diverged"] = "diverged"
    updates: int
    """Updates made before the loss that is not finite."""
    losses: Dict[str, str]
    """Loss terms by name, as text, since JSON has no NaN."""


class Refused(Record):
    """The device cannot run this trial."""

    event: Literal["refused"] = "refused"
    reason: str


Event = Union[Started, Phase, Planned, Sample, Health, Finished, Diverged, Refused]
_EVENT: "TypeAdapter[Event]" = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def parse_event(line: str) -> Event:
    """Read one line of a worker's event pipe; raises pydantic.ValidationError."""
    return _EVENT.validate_json(line)
