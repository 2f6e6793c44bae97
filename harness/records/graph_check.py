"""What a graph of the user's own computes in each mode, held against float32, and what is judged by that."""

from typing import Dict, Optional, Tuple

from pydantic import Field

from harness.records.base import SCHEMA_VERSION, Count, Figure, Record, Seconds, Time
from harness.records.baseline import PlanFigures
from harness.records.case import Mode
from harness.records.fidelity import Fitness
from harness.records.verdict import Verdict
from harness.remark import Remark


class FeedSource(Record):
    """What a graph was fed; each sample is a set of feeds."""

    files: Tuple[str, ...] = ()
    """Names of the .npz files, one a sample; empty where the feeds are random."""
    samples: int = Field(gt=0)
    low: Optional[Figure] = None
    """Least value of random feeds; None where feeds come from files, or the graph takes none."""
    high: Optional[Figure] = None
    """Largest value of random feeds."""
    seed: Optional[int] = None
    """Seed of random feeds; sample k, from 0, has the seed + k."""
    shapes: Dict[str, Tuple[int, ...]] = {}
    """Shape of each placeholder's feed in the first sample."""
    sha256: str
    """Hash of all feeds."""


class FetchError(Record):
    """How far a mode's value of a fetch lies from float32's in one sample."""

    distance: Figure
    """||x - y|| / ||y|| over the elements that are finite in both; of integers and booleans the share that differs."""
    cosine: Optional[Figure] = None
    """Cosine of the angle between the two; None for integers, and where a norm is zero."""
    largest: Figure
    """Largest absolute difference of an element."""
    not_finite: Count = 0
    """Elements that are infinite or NaN in one of the two and not alike in the other."""


class CheckedFetch(Record):
    """One fetch in one mode, over all samples."""

    name: str
    """Name of the tensor, or `update of NAME` for what the steps changed a variable by."""
    errors: Tuple[FetchError, ...]
    """Errors to float32, by sample."""
    exact_errors: Tuple[Figure, ...] = ()
    """Distances to float64, by sample; empty where there is no float64 value."""
    headroom: Optional[Figure] = None
    """Geometric mean over the samples of the error to float64 over that of float32, both floored."""
    mean: Figure
    """Geometric mean of the distances to float32, each floored; 0 where there is none at all."""
    interval: Optional[Tuple[Figure, Figure]] = None
    """95 % interval of the mean over the samples; None for a single one."""
    limit: Optional[Figure] = None
    """Largest distance of a fit fetch, from noise of one ulp on the inputs; None where noise was not measured."""
    fitness: Fitness
    reasons: Tuple[Remark, ...] = ()

    @property
    def furthest(self) -> float:
        """The largest distance to float32 of any sample."""
        return max(error.distance for error in self.errors)


class LostValues(Record):
    """What one op lost over all samples and steps where its values were rounded to float16."""

    op: str
    type: str
    """Ascend type of the op; empty for a rounding that belongs to none."""
    saturated: Count = 0
    flushed: Count = 0
    """Values other than zero that became zero."""
    nan: Count = 0
    """NaN that were made 0."""


class CheckedOp(Record):
    """The first output of one op, held against float32's in the sample in which the mode is furthest from float32."""

    op: str
    type: str
    dtypes: str
    """Short form of the planned dtypes, such as `16,16>32`."""
    rule: str
    """Rule by which the compiler chose them."""
    distance: Figure
    limit: Figure
    """Largest distance that noise explains."""
    parts: bool
    """True when the distance is beyond the limit, or the two are not finite in the same places."""


class ModeCheck(Record):
    """The graph in one mode."""

    mode: Mode
    plan: PlanFigures
    fitness: Fitness
    reasons: Tuple[Remark, ...] = ()
    fetches: Tuple[CheckedFetch, ...] = ()
    lost: Tuple[LostValues, ...] = ()
    """Ops that lost values, in the graph's order."""
    first: Optional[CheckedOp] = None
    """First op, in the graph's order, at which the mode parts from float32; None where none does or none was sought."""
    ops: Tuple[CheckedOp, ...] = ()
    """Every op that could be compared; only where that was asked for."""
    remarks: Tuple[Remark, ...] = ()
    """What the card would do in another way."""
    seconds: Optional[Seconds] = None
    """Time of all samples in this mode, without planning."""

    @property
    def worst(self) -> Optional[CheckedFetch]:
        """The fetch that decides: the first wrong one, else the one nearest to its limit."""
        return min(self.fetches, key=_badness, default=None)


def _badness(fetch: CheckedFetch) -> Tuple[int, float]:
    return ("wrong", "not_judged", "fit").index(fetch.fitness), -fetch.furthest / (fetch.limit or 1.0)


class GraphCheck(Record):
    """One graph in several modes."""

    schema_version: int = SCHEMA_VERSION
    graph: str
    """Name of the graph's file."""
    sha256: str
    """Hash of the graph that was run."""
    started: Time
    options: Tuple[str, ...] = ()
    """The options of a command line that say which graph is run, for what and how; without modes."""
    tensorflow: str
    fetches: Tuple[str, ...]
    """What the graph was run for: tensors, and operations that have no output."""
    is_guessed: bool = False
    """True when nobody said what the graph is run for."""
    initializers: Tuple[str, ...] = ()
    """Operations that set the variables; empty for a graph without."""
    steps: int = Field(gt=0)
    feeds: FeedSource
    noise_runs: int
    """Runs with noise that the limits rest on, over all samples."""
    modes: Tuple[ModeCheck, ...]
    remarks: Tuple[Remark, ...] = ()
    float32_seconds: Seconds
    """Time of all samples in float32."""
    verdicts: Tuple[Verdict, ...] = ()


class GraphBlame(Record):
    """Which ops of a graph make a mode wrong."""

    schema_version: int = SCHEMA_VERSION
    graph: str
    mode: str
    options: Tuple[str, ...] = ()
    """As GraphCheck.options."""
    before: ModeCheck
    """The mode as it is."""
    ops: Tuple[str, ...] = ()
    """Ops of a smallest set found that makes the mode fit when kept in float32; empty when it is fit or none does."""
    after: Optional[ModeCheck] = None
    """The mode with the dtypes of `customize_dtypes`, read from a file as the card's adapter reads it; None without."""
    tried: Count
    """Number of sets that were tried."""
    customize_dtypes: str = ""
    """Text of a customize_dtypes file that keeps the ops in float32; empty without such ops."""

    @property
    def fit_before(self) -> bool:
        """Say whether every fetch is fit in the mode as it is."""
        return all(fetch.fitness == "fit" for fetch in self.before.fetches)

    @property
    def fit_after(self) -> bool:
        """Say whether every fetch is fit in the mode as it is, or with the ops in float32."""
        kept = self.after.fetches if self.after else ()
        return self.fit_before or (bool(kept) and all(fetch.fitness == "fit" for fetch in kept))


class CheckedUse(Record):
    """What two checks must have in common to be compared; the graph itself may change."""

    fetches: Tuple[str, ...]
    feeds: str
    """Hash of all feeds."""
    steps: int


class ApprovedCheck(Record):
    """What was approved of a mode."""

    mode: Mode
    use: CheckedUse
    fitness: Fitness
    distances: Dict[str, Figure]
    """The largest distance to float32 of any sample, by fetch."""
    tensorflow: str
    reason: str
    """Why it was approved, in the words of the person who approved it."""
    date: Time


class CheckBaseline(Record):
    """What was approved of a graph's numbers, for each mode."""

    schema_version: int = SCHEMA_VERSION
    checksum: str = ""
    """SHA-256 over all other fields, as harness.store.baselines.sealed computes it."""
    checks: Dict[str, ApprovedCheck] = {}
    """By name of the mode."""
