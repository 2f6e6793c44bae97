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
    """Updates of the picture, warm-up included."""
    settings: StyleSettings = StyleSettings()
    network: str = "synthetic"
    initial: str = "content"
    """`content`, `noise`, or the path of a picture."""
    noise_blend: Optional[float] = Field(None, ge=0, le=1)
    """Share of noise in a start from a picture."""
    seed: int = Field(0, ge=0, lt=2**32)
    inputs: Optional[Inputs] = None
    """Filled in once the files have been read."""

    def digest(self) -> str:
        """SHA-256 of all that decides the numbers; paths and names are left out. Unequal digests: incomparable."""
        if self.inputs is None:
            raise ValueError(f"case {self.id}: its input files have not been read")
        initial = self.initial if self.initial in ("content", "noise") else "picture"
        content = self.model_dump(
            mode="json", exclude={"id", "content", "further_contents", "styles", "network", "size"}
        )
        content["initial"] = initial
        if self.batch == 1:  # what was approved before there were batches stays valid
            del content["batch"], content["inputs"]["further_contents_sha256"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Mode(Record):
    """A precision mode of the card with its options."""

    name: str
    """The precision mode's, with `+` and what was added to it."""
    precision: PrecisionConfig


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
    """Path where the worker writes the final picture; those of a batch get a number before the suffix."""
    cache: str
    """Folder for things that can be made again."""
    health: bool = False
    """Run the steps once more, untimed, and count what float16 loses."""


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
    step_seconds: Optional[float] = None
    """Median of the timed steps."""
    timed_steps: int = 0
    final_losses: Optional[Losses] = None
    true_losses: Optional[Losses] = None
    step_flop: Optional[int] = None
    matmul_tflops: Optional[float] = None
    peak_memory_bytes: Optional[int] = None


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


class Baseline(Record):
    """What was approved for one case and mode."""

    schema_version: int = SCHEMA_VERSION
    suite: str
    case: str
    case_digest: str
    mode: Mode
    plan: PlanFigures
    run: str
    revision: Optional[str]
    packages: Dict[str, str]
    reason: str
    """Why it was approved, in the words of who did."""
    date: str


class Verdict(Record):
    """What a gate says of one case in one mode. What could not be measured is never a pass."""

    gate: Literal["coverage", "plan", "against"]
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
    verdicts: List[Verdict] = []

    @property
    def planned_trials(self) -> int:
        """Trials of the whole suite."""
        if self.plan_only:
            return 0
        return len(self.suite.cases) * len(self.suite.modes) * self.suite.replicates
