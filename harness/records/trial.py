"""One process: what it is told to do, and what came of it."""

from typing import Dict, List, Optional, Sequence, Tuple

from pydantic import Field
from typing_extensions import Literal

from harness.precision.number_formats import BFLOAT16, FLOAT32
from harness.records.base import Count, Figure, FileName, Losses, Rate, Record, Seconds, Time
from harness.records.case import Case, Mode
from harness.records.environment import WorkerEnvironment
from harness.records.fidelity import FidelityPlan, TrialFidelity
from harness.records.scheduling import DISTURBED, Scheduling
from harness.remark import Remark, remark

Status = Literal["ok", "crashed", "timed_out", "diverged", "refused"]

PhaseName = Literal[
    "interpreter",
    "tensorflow",
    "network",
    "targets",
    "graph",
    "plan",
    "session",
    "first_step",
    "steps",
    "finish",
    "timing",
    "picture",
    "score",
    "rates",
    "health",
    "fidelity",
    "shutdown",
]
"""Part of a trial, in the order they come. The worker names all but the first, the last, and the end of the first step.

`plan` is the card's dtype decisions and the graph that computes so, `timing` the steps after the picture is done,
`score` the picture's losses in float32, `rates` the processor's matrix products.
"""


class LossScaling(Record):
    """What loss scaling did in a trial: skipped steps are its price."""

    steps: Count
    """Steps that the trial made, skipped ones included."""
    skipped: Count
    """Steps that overflowed and did not update the picture."""
    skipped_first: Count
    """Steps that were skipped before the first update of the picture."""
    first_scale: Figure
    """Loss scale of the first step."""
    last_scale: Figure
    """Loss scale after the last step."""


class Trial(Record):
    """One case in one mode on one device, once, in a fresh process."""

    id: str
    case: Case
    mode: Mode
    device: str
    replicate: int
    """Number of this process among those of its case and mode, counted from 1."""
    confirmation: bool = False
    """True for a trial of the delayed second measurement, which no summary counts."""
    attempt: Count = 1
    """Number of this attempt at the trial, from 1: each has a folder of its own, and only a lost one has another."""
    picture: str
    """Path where the worker writes the final picture; further pictures of a batch get a number before the suffix."""
    cache: str
    """Folder for files that can be made again, such as the synthetic network."""
    health: bool = False
    """True when the worker makes the steps once more, untimed, to count what float16 loses."""
    delay: float = Field(0.0, ge=0, le=10)
    """Share of its own time by which a calibration makes each step longer; each sample has both times."""
    rates: bool = False
    """True when the worker measures the device's matrix-product rates: once a run, as all its trials share them."""
    turns: str = ""
    """Path of the referee's socket, for a trial that steps in turns with another (harness.step.turns); else empty.

    A trial that steps in turns measures nothing but its steps."""
    fidelity: Optional[FidelityPlan] = None
    """What to measure, untimed, of the finished picture's fidelity; None: nothing."""
    envelopes: Tuple[str, ...] = ()
    """Number formats whose noise is measured, with known faults: once per case, in the reference mode; else empty."""
    targets: str = ""
    """Path of the case's targets in this mode, which the first trial that needs them writes and the others read."""
    suite: str = ""
    """Name of the suite, under which its baselines are stored."""
    baselines: str = ""
    """Path of the folder of baselines, whose noise an unchanged picture takes over; empty: it is measured."""
    oracle: str = ""
    """Path of the case's float64 trajectory, which the first trial that needs it writes and the others read."""


class TrialResult(Record):
    """The outcome of a trial. Paths are relative to the run folder; what was not measured is None."""

    trial: str
    case: str
    mode: str
    device: str
    replicate: int = Field(gt=0)
    confirmation: bool = False
    """True for a trial of the delayed second measurement, which no summary counts."""
    attempt: Count = 1
    """Number of the attempt that this is the outcome of."""
    result_lost: bool = False
    """True when the trial ran on a machine whose result never came: --resume makes another attempt."""
    host: str = ""
    """Name of the machine that ran the trial, in a run over several; else empty."""
    machine_key: str = ""
    """Environment.machine_key of that machine; empty for the machine that the run's own environment describes."""
    status: Status
    reason: str = ""
    """Why the status is not ok, in one line; empty when it is."""
    log: FileName
    """Path of the log of the worker's output."""
    log_tail: Tuple[str, ...] = ()
    """Last lines of the log; empty when the status is ok."""
    samples: FileName
    """Path of the file of the timed steps, one JSON line each."""
    picture: Optional[FileName] = None
    """Path of the batch's first picture; further ones are beside it, named by harness.store.files.numbered."""
    picture_sha256: Optional[str] = None
    """model.images.digest of the batch's first picture, as the worker wrote it."""
    health: Optional[FileName] = None
    """Path of the file of what float16 lost in every step; None when that was not counted."""
    lost: Dict[str, Tuple[Count, Count, Count]] = {}
    """Values saturated, values that became zero, and NaN made 0, summed over the steps, by op of the plan."""
    emulated: bool = False
    """True when the mode's arithmetic was reproduced in float32 storage: its step time says nothing about the card."""
    remarks: Tuple[Remark, ...] = ()
    started: Time
    """Start of the trial: ISO 8601, UTC."""
    wall_seconds: float = Field(ge=0, le=1e9)
    """Seconds from the start of the worker to its end."""
    phases: Dict[PhaseName, Figure] = {}
    """Seconds of each part of the trial; their sum is wall_seconds."""
    environment: Optional[WorkerEnvironment] = None
    startup_seconds: Optional[Figure] = None
    """Seconds from the start of the worker to the end of the first step."""
    first_step_seconds: Optional[Seconds] = None
    """Seconds of the first step, which compiles."""
    steady: Optional[bool] = None
    """True when the steps reached a steady state (harness.step.steady_state); None when nothing was timed."""
    warmup_steps: Optional[Count] = None
    """Steps before the timed ones: the first, which compiles, and those until the steady state."""
    timed_steps: Count = 0
    """Steps that step_seconds rests on."""
    loss_scaling: Optional[LossScaling] = None
    """What loss scaling did; None without it."""
    step_seconds: Optional[Seconds] = None
    """Median of the timed steps; of all but the first, and not to be trusted, when they were never steady."""
    drift: Optional[Figure] = None
    """Relative change of the median step from the first to the last quarter of the timed steps."""
    delayed_step_seconds: Optional[Seconds] = None
    """step_seconds with the delay that a calibration added; None without one, and when the steps never settled."""
    final_losses: Optional[Losses] = None
    """Losses of the final picture, as the mode computes them."""
    true_losses: Optional[Losses] = None
    """Losses of the final picture, scored in float32 against float32 targets."""
    step_flop: Optional[Count] = None
    """Floating-point operations of one step: convolutions and Gram products, forward and backward."""
    matmul_tflops: Optional[Rate] = None
    """Matrix-product rate of the device in float32, 1e12 operations per second."""
    matmul_tflops_bfloat16: Optional[Rate] = None
    """Matrix-product rate of the device in bfloat16, 1e12 operations per second; None where float32 is as fast."""
    peak_memory_bytes: Optional[Count] = None
    """Largest resident size of the worker, by the end of the steps."""
    fidelity: Optional[TrialFidelity] = None
    scheduling: Optional[Scheduling] = None
    """What the system did to the worker while its steps were timed."""

    @property
    def slot(self) -> str:
        """Which device of which machine ran the trial, such as `npu:2`; empty when there was no choice."""
        device = self.environment.slot if self.environment else self.device if ":" in self.device else ""
        return f"{self.host}/{device}" if self.host else device

    @property
    def lost_share(self) -> float:
        """Share of its time that the worker lost to others while its steps were timed; 0 where nothing tells.

        An emulated trial's time is nobody's figure, and others of its run may have been beside it.
        """
        return self.scheduling.lost_share if self.scheduling and not self.emulated else 0.0

    @property
    def matmul_rates(self) -> Dict[str, float]:
        """Matrix-product rates of the device that were measured, 1e12 operations per second, by number format."""
        rates = {FLOAT32.name: self.matmul_tflops, BFLOAT16.name: self.matmul_tflops_bfloat16}
        return {name: rate for name, rate in rates.items() if rate is not None}


def undisturbed(trials: Sequence[TrialResult]) -> List[TrialResult]:
    """Return the trials that others did not disturb: those that a step time is taken from.

    All of them, where fewer than two are: their step time then bears a remark.
    """
    found = [trial for trial in trials if trial.lost_share < DISTURBED]
    return found if len(found) > 1 else list(trials)


def disturbance(trials: Sequence[TrialResult]) -> Tuple[Remark, ...]:
    """Say how many of the trials others disturbed, how much, and whether their step time counts; empty when none."""
    shares = [trial.lost_share for trial in trials if trial.lost_share >= DISTURBED]
    if not shares:
        return ()
    code = "disturbed_counted" if len(undisturbed(trials)) == len(trials) else "disturbed_left_out"
    return (remark(code, disturbed=len(shares), processes=len(trials), share=max(shares)),)
