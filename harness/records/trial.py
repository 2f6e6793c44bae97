"""One process: what it is told to do, and what came of it."""

from typing import Dict, Optional, Tuple

from pydantic import Field
from typing_extensions import Literal

from harness.precision.number_formats import BFLOAT16, FLOAT32
from harness.records.base import Count, Figure, FileName, Losses, Rate, Record, Seconds, Time
from harness.records.case import Case, Mode
from harness.records.environment import WorkerEnvironment
from harness.records.fidelity import FidelityPlan, TrialFidelity
from harness.remark import Remark

Status = Literal["ok", "crashed", "timed_out", "diverged", "refused"]


class LossScaling(Record):
    """What loss scaling did in a trial: skipped steps are its price."""

    steps: Count
    skipped: Count
    """Steps that overflowed and did not update the picture."""
    skipped_first: Count
    """Those before the first update."""
    first_scale: Figure
    last_scale: Figure


class Trial(Record):
    """One case in one mode on one device, once, in a fresh process."""

    id: str
    case: Case
    mode: Mode
    device: str
    replicate: int
    """Counted from 1."""
    confirmation: bool = False
    """Part of a delayed second measurement, which no summary counts."""
    picture: str
    """Path where the worker writes the final picture; those of a batch get a number before the suffix."""
    cache: str
    """Folder for things that can be made again."""
    health: bool = False
    """Run the steps once more, untimed, and count what float16 loses."""
    delay: Optional[float] = None
    """Of a calibration alone: time the steps once more, each slower by this share of what they took; when 0, do not.
    Such a trial measures nothing else."""
    turns: str = ""
    """Path of a referee's socket, for a trial that steps in turns with another (harness.step.turns). Such a trial
    measures nothing but its steps."""
    fidelity: Optional[FidelityPlan] = None
    """What to measure of the picture's fidelity, untimed, once it is made."""
    envelopes: Tuple[str, ...] = ()
    """Also measure what known faults do, and noise of each of these formats: once per case, in the reference mode."""
    oracle: str = ""
    """Path of the case's float64 trajectory: read when it is there, else made and written for the other modes."""


class TrialResult(Record):
    """The outcome of a trial. Paths are relative to the run folder; what was not measured is None."""

    trial: str
    case: str
    mode: str
    device: str
    replicate: int = Field(gt=0)
    confirmation: bool = False
    status: Status
    reason: str = ""
    """One line when the status is not ok."""
    log: FileName
    log_tail: Tuple[str, ...] = ()
    samples: FileName
    picture: Optional[FileName] = None
    """The first of a batch; the others are beside it, as harness.store.files.numbered names them."""
    picture_sha256: Optional[str] = None
    """model.images.digest of the first one's pixels, as the worker wrote them."""
    health: Optional[FileName] = None
    """Counts of every step, when they were asked for."""
    lost: Dict[str, Tuple[Count, Count, Count]] = {}
    """The same, summed over the steps: by op, values saturated, values that became zero, NaN made 0."""
    emulated: bool = False
    remarks: Tuple[Remark, ...] = ()
    started: Time
    """ISO 8601, UTC."""
    wall_seconds: float = Field(ge=0, le=1e9)
    environment: Optional[WorkerEnvironment] = None
    startup_seconds: Optional[Figure] = None
    first_step_seconds: Optional[Seconds] = None
    steady: Optional[bool] = None
    """Whether the steps reached a steady state (see harness.step.sampling); None when nothing was timed."""
    warmup_steps: Optional[Count] = None
    """Steps before the timed ones: the first, which compiles, and those until the steady state."""
    timed_steps: Count = 0
    loss_scaling: Optional[LossScaling] = None
    step_seconds: Optional[Seconds] = None
    """Median of the timed steps; of all but the first, and not to be trusted, when they were never steady."""
    drift: Optional[Figure] = None
    """Relative change of the median step from the first to the last quarter of the timed steps."""
    delayed_step_seconds: Optional[Seconds] = None
    """Of a calibration: median of the steps that were slowed down."""
    final_losses: Optional[Losses] = None
    true_losses: Optional[Losses] = None
    step_flop: Optional[Count] = None
    matmul_tflops: Optional[Rate] = None
    """Of the device in float32."""
    matmul_tflops_bfloat16: Optional[Rate] = None
    """None where it is no faster than float32, and where it was not measured."""
    peak_memory_bytes: Optional[Count] = None
    fidelity: Optional[TrialFidelity] = None

    @property
    def matmul_rates(self) -> Dict[str, float]:
        """The device's matrix-product rates, TFLOP/s, by the name of the number format; only those measured."""
        rates = {FLOAT32.name: self.matmul_tflops, BFLOAT16.name: self.matmul_tflops_bfloat16}
        return {name: rate for name, rate in rates.items() if rate is not None}
