"""The nouns. Everyone imports this module; of ours it imports only settings."""

import hashlib
import json
from typing import Dict, List, Optional, Tuple

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import Literal

from harness.precision.config import MUST_KEEP, PrecisionConfig
from model.settings import StyleSettings

SCHEMA_VERSION = 1
"""Of run.json and the journal. Raised when a reader of the older form would misread the newer one."""

REFERENCE_MODE = MUST_KEEP
"""On a host: float32 throughout. Ratios refer to it."""

Status = Literal["ok", "crashed", "timed_out", "diverged", "refused"]
Losses = Dict[str, float]
"""By name: content, style, tv, total."""


class Record(BaseModel):
    """Base of the nouns: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Inputs(Record):
    """What the input files of a case hold."""

    content_sha256: str
    styles_sha256: Tuple[str, ...]
    initial_sha256: Optional[str] = None
    network_sha256: str
    """Of the weights' numbers, not of the file that holds them."""
    height: int
    width: int
    """Pixels of the content picture, after resizing."""


class Case(Record):
    """What is stylized: pictures, size, steps, settings, network, start."""

    id: str
    content: str
    styles: Tuple[str, ...] = Field(min_length=1)
    size: Optional[int] = Field(None, gt=0, le=8192)
    """Width in pixels that the content picture is brought to; its own when None. The height follows."""
    steps: int = Field(gt=0)
    """Updates of the picture, warm-up included."""
    settings: StyleSettings = StyleSettings()
    network: str = "synthetic"
    initial: str = "content"
    """`content`, `noise`, or the path of a picture."""
    noise_blend: Optional[float] = Field(None, ge=0, le=1)
    """Share of noise in a start from a picture."""
    seed: int = Field(0, ge=0, lt=2**32)
    advisory: bool = False
    """Judged and shown, but no part of an exit status: too chaotic to gate on, for one."""
    inputs: Optional[Inputs] = None
    """Filled in once the files have been read."""

    def digest(self) -> str:
        """SHA-256 of all that decides the numbers; paths and names are left out. Unequal digests: incomparable."""
        if self.inputs is None:
            raise ValueError(f"case {self.id}: its input files have not been read")
        initial = self.initial if self.initial in ("content", "noise") else "picture"
        content = self.model_dump(mode="json", exclude={"id", "content", "styles", "network", "size", "advisory"})
        content["initial"] = initial
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Mode(Record):
    """A precision mode of the card with its options."""

    name: str
    """The precision mode's, with `+` and what was added to it."""
    precision: PrecisionConfig


class FidelityPlan(Record):
    """What is measured of a picture's fidelity beside the picture itself."""

    envelope: int = Field(8, ge=3)
    """Runs with one ulp of noise on the start, per envelope."""
    window: int = Field(5, gt=0)
    """Losses are medians over this many last pictures, since single ones spike."""
    growth: Tuple[int, ...] = (1, 2, 5, 10)
    """Updates after which the picture is held against float64's."""


class Suite(Record):
    """What one invocation measures: every case in every mode, replicated."""

    name: str
    purpose: str
    cases: Tuple[Case, ...]
    modes: Tuple[Mode, ...]
    replicates: int = Field(gt=0)
    """Fresh processes per case and mode."""
    warmup: int = Field(2, ge=0)
    """Steps left untimed after the first one, which compiles and is timed apart."""
    timeout: float = Field(600.0, gt=0)
    """Seconds a trial may take."""
    fidelity: Optional[FidelityPlan] = None
    """None: pictures are made, but not judged."""


class Trial(Record):
    """One case in one mode on one device, once, in a fresh process."""

    id: str
    case: Case
    mode: Mode
    device: str
    replicate: int
    """Counted from 1."""
    warmup: int
    picture: str
    """Path where the worker writes the final picture."""
    cache: str
    """Folder for things that can be made again."""
    health: bool = False
    """Run the steps once more, untimed, and count what float16 loses."""
    fidelity: Optional[FidelityPlan] = None
    """What to measure of the picture's fidelity, untimed, once it is made."""
    oracle: str = ""
    """Path of the case's float64 trajectory: read when it is there, else made and written for the other modes."""


class WorkerEnvironment(Record):
    """What the worker ran on, as seen from inside it."""

    tensorflow: str
    kind: str
    """`cpu` or `gpu`."""
    device: str
    """The device's own name."""
    intra_op_threads: int
    inter_op_threads: int
    """0: TensorFlow's own choice."""
    variables: Dict[str, str]
    """Environment variables that change TensorFlow's speed or numbers."""


class TensorError(Record):
    """How far a tensor lies from the float64 one."""

    relative_l2: float
    """||x - y|| / ||y||."""
    cosine: Optional[float] = None
    """None when a norm is zero."""
    max_abs: float


class Probe(Record):
    """One tensor of the first step, held against a float64 run of the same graph."""

    name: str
    """Of the layer, such as `relu4_1` or `pool2`; `gram_relu4_1`; of a loss term; `picture`."""
    kind: Literal["activation", "gradient", "gram", "loss"]
    """`gradient` is that of the total loss with respect to the layer's output, or to the picture."""
    accumulated: TensorError
    """The tensor as the mode's step has it."""
    local: Optional[TensorError] = None
    """The tensor as the mode computes it from exact inputs: what this layer alone adds."""
    norm: float
    """L2 norm; of a loss term its value."""
    sketch: Tuple[float, ...] = ()
    """Count sketch: its distance from another one estimates the distance of the tensors (harness.fidelity.sketch)."""
    saturated: int = 0
    underflowed: int = 0
    """Values other than zero that became zero."""
    nan: int = 0


class Envelope(Record):
    """What harmless noise does: one value per run with one ulp of noise on the start, in the order of their seeds."""

    noise: Literal["float32", "float16"]
    """The format whose ulp the noise has. float32: in the mode itself; float16: in the reference mode."""
    distances: Tuple[float, ...]
    """1 - SSIM, luminance, between the run's picture and the unperturbed one."""
    reported_losses: Tuple[float, ...]
    """Windowed medians of the total loss, as are the next."""
    true_losses: Tuple[float, ...]


class Control(Record):
    """A known fault, run beside the healthy job: what a gate must be able to tell from noise."""

    fault: str
    distance: float
    """1 - SSIM, luminance, between its picture and the healthy one."""


class TrialFidelity(Record):
    """What a worker measured of its picture's fidelity; all of it is deterministic on one build."""

    probes: Tuple[Probe, ...] = ()
    growth: Tuple[Tuple[int, float], ...] = ()
    """Updates made, and the picture's relative L2 distance from the float64 trajectory then."""
    reported_losses: Losses
    """Windowed medians, as the mode reports them."""
    true_losses: Losses
    """Windowed medians of the same pictures, re-scored in float32."""
    window: int
    envelopes: Tuple[Envelope, ...] = ()
    control: Optional[Control] = None
    neutral: Optional[bool] = None
    """Whether the picture is the same, bit for bit, with and without the probes; None when not checked."""


class TrialResult(Record):
    """The outcome of a trial. Paths are relative to the run folder; what was not measured is None."""

    trial: str
    case: str
    mode: str
    device: str
    replicate: int
    status: Status
    reason: str = ""
    """One line when the status is not ok."""
    log: str
    log_tail: Tuple[str, ...] = ()
    samples: str
    picture: Optional[str] = None
    health: Optional[str] = None
    """Counts of every step, when they were asked for."""
    lost: Dict[str, Tuple[int, int, int]] = {}
    """The same, summed over the steps: by op, values saturated, values that became zero, NaN made 0."""
    emulated: bool = False
    remarks: Tuple[str, ...] = ()
    started: str
    """ISO 8601, UTC."""
    wall_seconds: float
    environment: Optional[WorkerEnvironment] = None
    startup_seconds: Optional[float] = None
    first_step_seconds: Optional[float] = None
    step_seconds: Optional[float] = None
    """Median of the timed steps."""
    timed_steps: int = 0
    final_losses: Optional[Losses] = None
    true_losses: Optional[Losses] = None
    step_flop: Optional[int] = None
    matmul_tflops: Optional[float] = None
    peak_memory_bytes: Optional[int] = None
    fidelity: Optional[TrialFidelity] = None


class Summary(Record):
    """One case in one mode over its replicates. What was not measured is None."""

    case: str
    mode: str
    replicates: int
    ok: int
    """Replicates with status ok; every figure below rests on them alone."""
    emulated: bool = False
    remarks: Tuple[str, ...] = ()
    step_seconds: Optional[float] = None
    """Geometric mean over processes of the median step."""
    step_seconds_low: Optional[float] = None
    step_seconds_high: Optional[float] = None
    """95 % interval over processes; None below two of them."""
    images_per_second: Optional[float] = None
    megapixels_per_second: Optional[float] = None
    first_step_seconds: Optional[float] = None
    startup_seconds: Optional[float] = None
    tflops: Optional[float] = None
    """None when emulated, as is the next."""
    share_of_peak: Optional[float] = None
    """Of the device's matrix-product rate measured in the same processes."""
    peak_memory_bytes: Optional[int] = None
    ratio_to_reference: Optional[float] = None
    """Step time over that of the reference mode, same case, same run."""
    final_loss: Optional[float] = None
    true_loss: Optional[float] = None
    """Medians over processes of the total losses."""


class PlanFigures(Record):
    """A dtype plan as far as a gate compares it; see harness.precision.DtypePlan for the whole."""

    casts: int
    bytes_cast: int
    units: Dict[str, int]
    """Ops by unit and dtype, such as `cube float16`."""
    ai_cpu: Tuple[str, ...]
    """Ops that would fall to the AI CPU."""
    refused: Tuple[str, ...]
    """Ops that would not compile."""
    unknown_types: Tuple[str, ...]
    flop: int
    roofline_seconds: float
    """Least time of a step on a 910, with the assumed bandwidth."""
    layers: Dict[str, str]
    """By layer: Ascend type and dtypes of each op."""


class CasePlan(Record):
    """The plan of one case's step in one mode."""

    case: str
    mode: str
    figures: PlanFigures


class PictureDistance(Record):
    """How far a picture lies from another."""

    ssim: float
    """Of the luminance."""
    ssim_channels: Tuple[float, float, float]
    """Of red, green, blue."""
    psnr: Optional[float]
    """Decibels; None for equal pictures, where it is infinite."""
    flip_mean: Optional[float] = None
    """NVIDIA's FLIP at 67 pixels per degree, as is the next; None: not evaluated, flip-evaluator is not installed."""
    flip_p99: Optional[float] = None


class Bound(Record):
    """A figure and what it may be: the decision of a gate, or of the fitness."""

    figure: str
    """Such as `ssim to reference`, `true loss`, `relu4_1 gradient`."""
    value: float
    limit: float
    at_least: bool = False
    """The limit is a lower one."""
    ok: bool


class ModeFidelity(Record):
    """The fidelity of one case in one mode: what its regression verdict and its fitness rest on."""

    case: str
    mode: str
    to_reference: Optional[PictureDistance] = None
    """From the reference mode's picture of the same run."""
    to_baseline: Optional[PictureDistance] = None
    """From the stored picture."""
    baseline_picture: Optional[str] = None
    """Path of the stored picture, relative to the project."""
    headroom: Dict[str, float] = {}
    """By probe, `name kind`: error of the mode over that of the reference mode, floored."""
    fitness: Literal["fit", "wrong", "not_judged"]
    reasons: Tuple[str, ...] = ()
    """Why, one clause each: `style Gram saturates at relu1_1 ... relu5_1`."""
    fit_bounds: Tuple[Bound, ...] = ()
    regression_bounds: Tuple[Bound, ...] = ()
    """Empty without a baseline."""
    faster: Optional[bool] = None
    """Than the reference mode; None where the time is emulated or was not measured."""
    gateable: Optional[bool] = None
    """False: noise alone moves the picture as far as a known fault, so that its SSIM tells nothing at this horizon."""


class FidelityFigures(Record):
    """A mode's fidelity as far as a gate compares it; the picture lies beside the file."""

    device: str
    """`cpu`, `gpu` or `npu`."""
    tensorflow: str
    """The version it was made with; a baseline is of its major one."""
    picture_sha256: str
    """Of the pixels."""
    measured: TrialFidelity


class Blame(Record):
    """Which blocks of the step make a mode's picture wrong."""

    schema_version: int = SCHEMA_VERSION
    case: str
    mode: str
    steps: int
    size: int
    """Pixels of width; steps and size are those of the search, not of a suite."""
    fit_before: bool
    """The mode as it is."""
    blocks: Tuple[str, ...] = ()
    """A smallest set found that, kept in float32, makes the mode fit; empty when the mode is fit or no set does."""
    fit_after: bool = False
    """The mode with those blocks in float32."""
    scores: Tuple[Tuple[Tuple[str, ...], float, float, bool], ...] = ()
    """Every set tried: blocks in float32, 1 - SSIM to float32, true loss over float32's, fit."""
    neutral: bool = True
    """Watching the step changed nothing."""
    customize_dtypes: str = ""
    """A ready file."""


class Baseline(Record):
    """What was approved for one case and mode."""

    schema_version: int = SCHEMA_VERSION
    suite: str
    case: str
    case_digest: str
    mode: Mode
    plan: Optional[PlanFigures] = None
    fidelity: Optional[FidelityFigures] = None
    run: str
    revision: Optional[str]
    packages: Dict[str, str]
    reason: str
    """Why it was approved, in the words of who did."""
    date: str


class Verdict(Record):
    """What a gate says of one case in one mode. What could not be measured is never a pass."""

    gate: Literal["coverage", "plan", "against", "regression", "fitness"]
    case: str
    mode: str
    outcome: Literal["pass", "fail", "inconclusive", "missing"]
    reason: str
    """A key of harness.gate.REASONS."""
    details: Tuple[str, ...] = ()
    advisory: bool = False
    """Shown, but no part of the exit status."""
    effect: Optional[float] = None
    """Relative change of the step time; 0.1 is ten percent slower."""
    low: Optional[float] = None
    high: Optional[float] = None
    """Its 95 % interval."""
    n: Optional[int] = None
    """Independent pairs of processes it rests on."""
    detectable: Optional[float] = None
    """Smallest change that this many pairs of this spread would find four times in five."""


class Pair(Record):
    """The step times of two revisions, measured one right after the other."""

    case: str
    mode: str
    number: int
    base_seconds: float
    head_seconds: float
    emulated: bool


class Comparison(Record):
    """Everything a comparison of two revisions measured."""

    schema_version: int = SCHEMA_VERSION
    base: str
    """The git revision."""
    started: str
    command: Tuple[str, ...]
    pairs: Tuple[Pair, ...]
    verdicts: Tuple[Verdict, ...]


class Environment(Record):
    """The machine and software of a run, as seen by the parent."""

    machine: str
    processor: str
    cores: int
    logical_cores: int
    memory_bytes: int
    system: str
    python: str
    packages: Dict[str, str]
    """Versions of the installed distributions that matter here."""
    revision: Optional[str]
    """Of this project's git checkout, with `-dirty` for uncommitted changes."""
    load_average: Optional[float]
    """Of the last minute, at the start."""


class Run(Record):
    """Everything one invocation measured."""

    schema_version: int = SCHEMA_VERSION
    id: str
    suite: Suite
    device: str
    """As asked for; each trial says what it ran on."""
    health: bool = False
    started: str
    """ISO 8601, UTC."""
    complete: bool = False
    """False while it runs, and when it was interrupted."""
    reference_mode: str = REFERENCE_MODE
    command: Tuple[str, ...] = ()
    environment: Environment
    plan_only: bool = False
    """No trial was to be run."""
    plans: List[CasePlan] = []
    """The card's dtype plans, when a gate asked for them."""
    trials: List[TrialResult] = []
    summaries: List[Summary] = []
    fidelity: List[ModeFidelity] = []
    """By case and mode, when the suite measures fidelity."""
    verdicts: List[Verdict] = []

    @property
    def planned_trials(self) -> int:
        """Trials of the whole suite."""
        if self.plan_only:
            return 0
        return len(self.suite.cases) * len(self.suite.modes) * self.suite.replicates
