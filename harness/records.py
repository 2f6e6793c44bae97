"""The nouns. Everyone imports this module; of ours it imports only settings."""

import hashlib
import json
from typing import Any, Dict, List, Optional, Sequence, Tuple

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_serializer
from typing_extensions import Literal

from harness.precision.config import ALLOW_FP32_TO_FP16, MUST_KEEP, PrecisionConfig
from harness.precision.op_table import PACKAGED
from model.settings import LossScale, StyleSettings

SCHEMA_VERSION = 1
"""Of run.json and the journal. Raised when a reader of the older form would misread the newer one."""

REFERENCE_MODE = MUST_KEEP
"""On a host: float32 throughout. Ratios refer to it."""
CARD_REFERENCE_MODE = ALLOW_FP32_TO_FP16
"""On the card, where no float32 convolution exists."""

PLAN_DEVICE = "ascend910"
"""Whose dtype plans are: the card's, whatever machine decided them."""

Status = Literal["ok", "crashed", "timed_out", "diverged", "refused"]
Metric = Literal["against", "timing", "first_step", "memory"]
"""What a timing gate judges: the step beside another revision's; step, first step, peak memory beside stored ones."""
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
    further_contents_sha256: Tuple[str, ...] = ()
    network_sha256: str
    """Of the weights' numbers, not of the file that holds them."""
    height: int
    width: int
    """Pixels of the content picture, after resizing."""


class Case(Record):
    """What is stylized: pictures, size, steps, settings, network, start."""

    id: str
    content: str
    further_contents: Tuple[str, ...] = ()
    """Content pictures after the first; one size with it after resizing."""
    batch: int = Field(1, gt=0)
    """Pictures drawn at once: the content pictures in turn, each with a noise of its own."""
    styles: Tuple[str, ...] = Field(min_length=1)
    size: Optional[int] = Field(None, gt=0, le=8192)
    """Width in pixels that the content picture is brought to; its own when None. The height follows."""
    steps: int = Field(gt=0)
    """Updates of the picture, warm-up included. Steps made for their time alone come after them."""
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
        left_out = {"id", "content", "further_contents", "styles", "network", "size", "advisory"}
        content = self.model_dump(mode="json", exclude=left_out)
        content["initial"] = initial
        if self.batch == 1:  # what was approved before there were batches stays valid
            del content["batch"], content["inputs"]["further_contents_sha256"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Mode(Record):
    """A precision mode of the card with its options."""

    name: str
    """The precision mode's, with `+` and what was added to it."""
    precision: PrecisionConfig
    loss_scale: Optional[LossScale] = None
    overflow: Literal["saturate", "ieee"] = "saturate"
    """What the emulated chip makes of values that float16 cannot hold; the 910 only saturates."""
    emit: Literal["rounded", "native"] = "rounded"
    """How a host computes what the plan narrows: in float32 rounded as on the card, or in kernels of its own for the
    narrow format. The card does not ask."""
    npu_options: Dict[str, str] = {}
    """Further session options of the card, by key; hosts take no notice of them."""

    @property
    def format(self) -> str:
        """The narrowest format that a host computes it in: float32, float16 or bfloat16."""
        return "float32" if self.precision.mode == MUST_KEEP else self.precision.low

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialize: Any) -> Dict[str, Any]:
        """Leave out what was not asked for, so that stored modes stay as they are when options are added."""
        dumped = serialize(self)
        defaults = {"loss_scale": None, "overflow": "saturate", "emit": "rounded", "npu_options": {}}
        return {name: value for name, value in dumped.items() if name not in defaults or value != defaults[name]}


class Limit(Record):
    """How much a suite lets one figure grow, where it is not the default."""

    metric: Metric
    relative: float = Field(gt=0)
    """0.1 is ten percent."""
    reason: str = Field(min_length=1)
    case: Optional[str] = None
    mode: Optional[str] = None
    """None: every one."""


class FidelityPlan(Record):
    """What is measured of a picture's fidelity beside the picture itself."""

    envelope: int = Field(8, ge=3)
    """Runs of the reference mode with one ulp of noise, per envelope."""
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
    """Fresh processes per case and mode; more follow as the next three fields allow."""
    max_replicates: Optional[int] = None
    """Most processes per case and mode; `replicates` when None."""
    half_width: float = Field(0.015, gt=0)
    """Relative half-width of the 95 % interval at which no further process is needed."""
    budget: Optional[float] = Field(None, gt=0)
    """Seconds that the trials may take before no further round is begun; `replicates` are always made."""
    timeout: float = Field(600.0, gt=0)
    """Seconds a trial may take."""
    fidelity: Optional[FidelityPlan] = None
    """None: pictures are made, but not judged."""
    limits: Tuple[Limit, ...] = ()

    @field_validator("max_replicates")
    @classmethod
    def _not_below_replicates(cls, value: Optional[int], info: ValidationInfo) -> Optional[int]:
        least = info.data.get("replicates", 1)
        if value is not None and value < least:
            raise ValueError(f"expected at least the {least} replicates")
        return value

    def rounds(self, trials: Sequence["TrialResult"]) -> int:
        """Rounds of every case in every mode that are planned, given the trials so far."""
        return max([self.replicates, *(trial.replicate for trial in trials if not trial.confirmation)])


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
    fidelity: Optional[FidelityPlan] = None
    """What to measure of the picture's fidelity, untimed, once it is made."""
    envelopes: Tuple[str, ...] = ()
    """Also measure what known faults do, and noise of each of these formats: once per case, in the reference mode."""
    oracle: str = ""
    """Path of the case's float64 trajectory: read when it is there, else made and written for the other modes."""


class WorkerEnvironment(Record):
    """What the worker ran on, as seen from inside it."""

    tensorflow: str
    kind: str
    """`cpu` or `gpu`."""
    device: str
    """The device's own name."""
    slot: str = ""
    """Which of several devices of a kind, such as `npu:2`; empty when there is no choice."""
    intra_op_threads: int
    inter_op_threads: int
    """As configured; 0 is TensorFlow's own choice."""
    effective_threads: int
    """That one op may use: as configured, else TF_NUM_INTRAOP_THREADS, else as many as this process may use cores."""
    usable_cores: int
    """That this process may run on (its affinity)."""
    load_average: Optional[float]
    """Of the last minute, when the worker started."""
    variables: Dict[str, str]
    """Environment variables that change TensorFlow's speed or numbers."""


class LossScaling(Record):
    """What loss scaling did in a trial: skipped steps are its price."""

    steps: int
    skipped: int
    """Steps that overflowed and did not update the picture."""
    skipped_first: int
    """Those before the first update."""
    first_scale: float
    last_scale: float


class TensorError(Record):
    """How far a tensor lies from the float64 one."""

    relative_l2: float
    """||x - y|| / ||y||; of a loss term over the total loss."""
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
    """What harmless noise does: float32 runs whose picture is off by one ulp whenever a step reads it, by seed.

    Pixels that are equal stay equal, since noise that breaks ties in max pooling is not harmless.
    """

    noise: Literal["float32", "float16", "bfloat16"]
    """The format whose ulp it is: that of the modes to judge."""
    distances: Tuple[float, ...]
    """1 - SSIM, luminance, between each run's picture and the unperturbed one."""
    true_losses: Tuple[float, ...]
    """Windowed medians of the total loss."""
    growth: Tuple[Tuple[float, ...], ...]
    """Of each run, relative L2 distance from the unperturbed picture after the updates of FidelityPlan.growth."""


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
    snapshots: Tuple[Tuple[float, ...], ...] = ()
    """Count sketches of the picture after the same updates."""
    controls: Tuple[Control, ...] = ()
    neutral: Optional[bool] = None
    """Whether the picture is the same, bit for bit, with and without the probes; None when not checked."""


class TrialResult(Record):
    """The outcome of a trial. Paths are relative to the run folder; what was not measured is None."""

    trial: str
    case: str
    mode: str
    device: str
    replicate: int
    confirmation: bool = False
    status: Status
    reason: str = ""
    """One line when the status is not ok."""
    log: str
    log_tail: Tuple[str, ...] = ()
    samples: str
    picture: Optional[str] = None
    """The first of a batch; the others are beside it, as harness.store.numbered names them."""
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
    steady: Optional[bool] = None
    """Whether the steps reached a steady state (see harness.measure); None when nothing was timed."""
    warmup_steps: Optional[int] = None
    """Steps before the timed ones: the first, which compiles, and those until the steady state."""
    timed_steps: int = 0
    loss_scaling: Optional[LossScaling] = None
    step_seconds: Optional[float] = None
    """Median of the timed steps; of all but the first, and not to be trusted, when they were never steady."""
    drift: Optional[float] = None
    """Relative change of the median step from the first to the last quarter of the timed steps."""
    delayed_step_seconds: Optional[float] = None
    """Of a calibration: median of the steps that were slowed down."""
    final_losses: Optional[Losses] = None
    true_losses: Optional[Losses] = None
    step_flop: Optional[int] = None
    matmul_tflops: Optional[float] = None
    """Of the device in float32."""
    matmul_tflops_bfloat16: Optional[float] = None
    """None where it is no faster than float32, and where it was not measured."""
    peak_memory_bytes: Optional[int] = None
    fidelity: Optional[TrialFidelity] = None


class Summary(Record):
    """One case in one mode over its replicates. What was not measured is None."""

    case: str
    mode: str
    replicates: int
    """Processes that were to be run."""
    ok: int
    """Replicates with status ok; every figure below rests on them alone."""
    emulated: bool = False
    remarks: Tuple[str, ...] = ()
    steady: Optional[bool] = None
    """Whether the steps of every process reached a steady state."""
    unmet: Tuple[str, ...] = ()
    """Conditions of a good timing that were not met, in words."""
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
    """Of the device's float32 matrix-product rate measured in the same processes."""
    peak_memory_bytes: Optional[int] = None
    ratio_to_reference: Optional[float] = None
    """Step time over that of the reference mode, same case, same run."""
    final_loss: Optional[float] = None
    true_loss: Optional[float] = None
    """Medians over processes of the total losses."""
    loss_scaling: Optional[LossScaling] = None
    """Of the first process."""


class Growth(Record):
    """How a quantity grows with the picture: a line fitted to its logarithm over that of the pixels.

    Peak memory is the whole process's, and most of that is there whatever the size.
    """

    mode: str
    quantity: Literal["step time", "peak memory"]
    emulated: bool = False
    exponent: float
    """Of the pixels; 1 is proportional to them."""
    low: float
    high: float
    """Its 95 % interval."""
    sizes: int
    pixels: Tuple[int, int]
    """Smallest and largest picture."""


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


class TimingFigures(Record):
    """What one case in one mode took on one machine: a value per process, in the order they ran."""

    machine_key: str
    """Absolute times compare only where this is equal."""
    emulated: bool
    steps: int
    """Timed ones of a process."""
    step_seconds: Tuple[float, ...]
    """Medians of the timed steps."""
    first_step_seconds: Tuple[float, ...]
    peak_memory_bytes: Tuple[int, ...]


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
    regression: Literal["pass", "fail", "inconclusive", "missing"]
    regression_reason: str
    """A key of harness.reasons.REASONS."""
    regression_details: Tuple[str, ...] = ()
    regression_bounds: Tuple[Bound, ...] = ()
    """Empty without a comparable baseline."""
    faster: Optional[bool] = None
    """Than the reference mode; None where the time is emulated or was not measured."""
    gateable: Optional[bool] = None
    """False: noise alone may move the picture further than each known fault does: at this horizon SSIM shows none."""


class FidelityFigures(Record):
    """A mode's fidelity as far as a gate compares it; the picture is a PNG beside the file."""

    tensorflow: str
    """The version it was made with; a baseline is of its major one."""
    picture_sha256: str
    """Of the PNG file."""
    headroom: Dict[str, float]
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
    """What was approved for one case and mode on one device. A section that is None was not approved."""

    schema_version: int = SCHEMA_VERSION
    suite: str
    case: str
    case_digest: str
    mode: Mode
    device: str = PLAN_DEVICE
    """`cpu`, `gpu` or `npu` for what was measured there."""
    plan: Optional[PlanFigures] = None
    timing: Optional[TimingFigures] = None
    fidelity: Optional[FidelityFigures] = None
    run: str
    revision: Optional[str]
    packages: Dict[str, str]
    reason: str
    """Why it was approved, in the words of who did."""
    date: str


class Rule(Record):
    """When a measured change counts."""

    confidence: float
    """Of the intervals; what is left is the family-wise error rate of the verdicts."""
    band: float
    """A change counts as real when its interval lies wholly beyond this, and"""
    limit: float
    """as too much when the estimate is at least this. Wholly within it, two measurements are equal."""


class Verdict(Record):
    """What a gate says of one case in one mode. What could not be measured is never a pass."""

    gate: Literal["coverage", "plan", "against", "timing", "first_step", "memory", "regression", "fitness"]
    case: str
    mode: str
    outcome: Literal["pass", "fail", "inconclusive", "missing"]
    reason: str
    """A key of harness.reasons.REASONS."""
    details: Tuple[str, ...] = ()
    advisory: bool = False
    """Shown, but no part of the exit status."""
    advisory_reason: Optional[str] = None
    """Why: a key of harness.reasons.REASONS."""
    effect: Optional[float] = None
    """Relative change of what the gate measures; 0.1 is ten percent more. None, as is the rest, where nothing is
    estimated: a plan is equal or not."""
    low: Optional[float] = None
    high: Optional[float] = None
    """Its interval, at the rule's confidence."""
    n: Optional[int] = None
    """Independent pairs of processes it rests on; where they are not paired, processes on the side that has fewer."""
    detectable: Optional[float] = None
    """Smallest change that as many processes of this spread would find four times in five."""
    confirmation: Optional[float] = None
    """The effect when it was measured again, later, in fresh processes."""
    rule: Optional[Rule] = None


class Pair(Record):
    """The step times of two revisions, measured one right after the other."""

    case: str
    mode: str
    number: int
    base_seconds: Optional[float]
    head_seconds: Optional[float]
    """None: the steps never settled."""
    emulated: bool


class PowerCard(Record):
    """How good the timing gates are on one machine, for one case: measured, by comparing it with itself."""

    schema_version: int = SCHEMA_VERSION
    machine_key: str
    suite: str
    case: str
    case_digest: str
    mode: str
    device: str
    rule: Rule
    pairs: int
    """Of each comparison."""
    comparisons: int
    undecided: int
    """Comparisons without a verdict, because a process's steps never settled."""
    false_alarms: int
    """Comparisons that called the same thing slower or faster."""
    false_alarm_low: float
    false_alarm_high: float
    """Exact 95 % interval of their rate, as are the next ones."""
    delay: float
    """Relative delay that was injected to be detected."""
    detections: int
    """Comparisons that called the slower one slower."""
    detection_low: float
    detection_high: float
    spread: float
    """Standard deviation of the log ratios of pairs."""
    step_seconds: float
    needed_pairs: Optional[int]
    """Fewest pairs that would detect the delay four times in five; None: more than harness.power.MOST_PAIRS."""
    run: str
    revision: Optional[str]
    packages: Dict[str, str]
    date: str


class Comparison(Record):
    """Everything a comparison of two revisions measured."""

    schema_version: int = SCHEMA_VERSION
    base: str
    """The git revision."""
    started: str
    command: Tuple[str, ...]
    pairs: Tuple[Pair, ...]
    verdicts: Tuple[Verdict, ...]
    power_cards: Tuple[PowerCard, ...] = ()


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
    accelerators: Tuple[str, ...] = ()
    """Model of each card in the machine."""
    variables: Dict[str, str] = {}
    """Environment variables that change TensorFlow's speed or numbers."""
    machine_key: str
    """Equal where step times may be compared; see harness.environment.machine_key."""
    revision: Optional[str]
    """Of this project's git checkout, with `-dirty` for uncommitted changes."""
    op_table: str = PACKAGED
    """Where the operator table comes from: `packaged`, or the path of CANN's and its SHA-256."""
    load_average: Optional[float]
    """Of the last minute, at the start."""
    machine_key: str = ""
    """Timings are comparable where it is equal; see harness.environment.machine_key."""


class Calibration(Record):
    """What a power card is being measured from; its pairs are in the journal beside it."""

    schema_version: int = SCHEMA_VERSION
    id: str
    suite: str
    case: Case
    mode: Mode
    device: str
    timeout: float
    comparisons: int = Field(gt=0)
    pairs: int = Field(ge=2)
    """Of each comparison."""
    started: str
    environment: Environment

    @property
    def planned_pairs(self) -> int:
        """Pairs of processes in all."""
        return self.comparisons * self.pairs


class CalibrationPair(Record):
    """The step times of two processes that ran the same, and of one of them when it was slowed down."""

    number: int
    """Counted from 1, over all comparisons."""
    base_seconds: Optional[float]
    head_seconds: Optional[float]
    delayed_seconds: Optional[float]
    """None: the steps never settled."""


class Run(Record):
    """Everything one invocation measured."""

    schema_version: int = SCHEMA_VERSION
    id: str
    suite: Suite
    device: str
    """One or several, or `auto` where there is no card; each trial says what it ran on."""
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
    growth: List[Growth] = []
    """Of suites that differ in size alone."""
    fidelity: List[ModeFidelity] = []
    """By case and mode, when the suite measures fidelity."""
    verdicts: List[Verdict] = []
    power_cards: List[PowerCard] = []
    """How good the timing gates are here, for the cases that have a current card."""

    @property
    def planned_trials(self) -> int:
        """Trials of the rounds begun or certain to come."""
        if self.plan_only:
            return 0
        return len(self.suite.cases) * len(self.suite.modes) * self.suite.rounds(self.trials)
