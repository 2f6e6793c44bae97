"""What one invocation measured: a run with its summaries, or a comparison of two revisions."""

import math
from typing import Dict, Iterator, List, Optional, Tuple

from pydantic import Field, model_validator
from typing_extensions import Literal

from harness.records.base import SCHEMA_VERSION, Count, Figure, NamePart, Rate, Record, Seconds
from harness.records.baseline import CasePlan, PlanFigures
from harness.records.case import REFERENCE_MODE, Case, Mode
from harness.records.environment import Environment
from harness.records.fidelity import ModeFidelity
from harness.records.power import PowerCard
from harness.records.suite import Suite
from harness.records.trial import LossScaling, Status, TrialResult
from harness.records.verdict import Verdict
from harness.remark import Remark
from harness.statistics import half_width

Quantity = Literal["step time", "peak memory"]


class Summary(Record):
    """One case in one mode over its replicates. What was not measured is None."""

    case: str
    mode: str
    replicates: Count
    """Processes that were to be run."""
    ok: Count
    """Replicates with status ok; every figure below rests on them alone."""
    emulated: bool = False
    remarks: Tuple[Remark, ...] = ()
    steady: Optional[bool] = None
    """Whether the steps of every process reached a steady state."""
    unmet: Tuple[Remark, ...] = ()
    """Conditions of a good timing that were not met."""
    step_seconds: Optional[Seconds] = None
    """Geometric mean over processes of the median step."""
    step_seconds_low: Optional[Seconds] = None
    step_seconds_high: Optional[Seconds] = None
    """95 % interval over processes; None below two of them."""
    images_per_second: Optional[Rate] = None
    megapixels_per_second: Optional[Rate] = None
    first_step_seconds: Optional[Seconds] = None
    startup_seconds: Optional[Figure] = None
    tflops: Optional[Rate] = None
    """None when emulated, as is the next."""
    share_of_peak: Optional[Rate] = None
    """Of the device's matrix-product rate in the step's format, float32 or bfloat16, in the same processes."""
    peak_memory_bytes: Optional[Count] = None
    ratio_to_reference: Optional[Rate] = None
    """Step time over that of the reference mode, same case, same run."""
    final_loss: Optional[Figure] = None
    true_loss: Optional[Figure] = None
    """Medians over processes of the total losses."""
    loss_scaling: Optional[LossScaling] = None
    """Of the first process."""

    @property
    def half_width(self) -> Optional[float]:
        """Half the 95 % interval of the step time, relative to it; None below two processes."""
        if self.step_seconds_low is None or self.step_seconds_high is None:
            return None
        return half_width(self.step_seconds_low, self.step_seconds_high)


class Growth(Record):
    """How a quantity grows with the picture: a line fitted to its logarithm over that of the pixels.

    Peak memory is the whole process's, and most of that is there whatever the size.
    """

    mode: str
    quantity: Quantity
    emulated: bool = False
    exponent: Figure
    """Of the pixels; 1 is proportional to them."""
    low: Figure
    high: Figure
    """Its 95 % interval."""
    sizes: Count
    pixels: Tuple[Count, Count]
    """Smallest and largest picture."""


class Pair(Record):
    """The step times of two revisions, in one pair of processes."""

    case: str
    mode: NamePart
    number: int = Field(gt=0)
    base_seconds: Optional[Seconds]
    head_seconds: Optional[Seconds]
    """None: the steps never settled."""
    log_ratio: Optional[float] = Field(None, ge=-100, le=100)
    """Median over the steps of log(head / base), where the two made them in turns; None where they did not."""
    emulated: bool

    @property
    def ratio(self) -> Optional[float]:
        """head / base; None where the steps of a side that did not step in turns never settled."""
        if self.log_ratio is not None:
            return math.exp(self.log_ratio)
        if self.base_seconds is None or self.head_seconds is None:
            return None
        return self.head_seconds / self.base_seconds


class Comparison(Record):
    """Everything a comparison of two revisions measured."""

    schema_version: int = SCHEMA_VERSION
    base: str
    """The git revision, as the user named it."""
    base_commit: str = ""
    """Its hash; names of revisions move."""
    head: Optional[str] = None
    """This tree's revision, as Environment.revision says it."""
    modes: Tuple[NamePart, ...] = ()
    options: Tuple[str, ...] = ()
    """What both trees were told on their command lines."""
    looks: Tuple[int, int] = (2, 2)
    """Fewest and most pairs of each mode."""
    in_turns: Optional[bool] = None
    """Whether base and head stepped in turns; False: one after the other. None until that is known."""
    complete: bool = True
    """False while it is measured, and when it was interrupted."""
    started: str
    command: Tuple[str, ...]
    pairs: Tuple[Pair, ...] = ()
    verdicts: Tuple[Verdict, ...] = ()
    power_cards: Tuple[PowerCard, ...] = ()

    @property
    def owner(self) -> str:
        """What the lines of its journal name as theirs: which base, and since when."""
        return f"{self.base_commit or self.base} {self.started}"


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

    @model_validator(mode="after")
    def _is_of_its_suite(self) -> "Run":
        """What was measured is of the suite's cases and modes, of read files, and each trial is there once."""
        for case in self.suite.cases:
            if case.inputs is None:
                raise ValueError(f"suite.cases: {case.id} has no inputs (expected what its files held)")
        known = {(case.id, mode.name) for case, mode in self.pairs}
        for what, case_id, mode_name in self._named():
            if (case_id, mode_name) not in known:
                raise ValueError(f"{what}: case {case_id} in mode {mode_name} is not of suite {self.suite.name}")
        seen = set()
        for trial in self.trials:
            key = (trial.case, trial.mode, trial.replicate, trial.confirmation)
            if key in seen:
                raise ValueError(f"trials: {trial.trial} is there twice")
            seen.add(key)
        return self

    def _named(self) -> Iterator[Tuple[str, str, str]]:
        """List, case and mode of everything that was measured."""
        for what in ("trials", "summaries", "plans", "fidelity"):
            for item in getattr(self, what):
                yield what, item.case, item.mode

    @property
    def gated(self) -> bool:
        """Whether the run is to be judged: it was made for a gate, or its suite judges pictures."""
        return bool(self.suite.fidelity) or (bool(self.plans) and not self.plan_only)

    @property
    def pairs(self) -> List[Tuple[Case, Mode]]:
        """Every case in every mode."""
        return [(case, mode) for case in self.suite.cases for mode in self.suite.modes]

    def trials_of(
        self, case: str, mode: str, status: Optional[Status] = "ok", confirmation: bool = False
    ) -> List[TrialResult]:
        """The trials of a case and mode that ended so, or in any way when `status` is None.

        Those of the confirmation are another measurement, and never among the others.
        """
        found = [trial for trial in self.trials if (trial.case, trial.mode) == (case, mode)]
        return [trial for trial in found if trial.confirmation == confirmation and status in (None, trial.status)]

    def summary_of(self, case: str, mode: str) -> Optional[Summary]:
        """The summary of a case and mode; None when there is none."""
        return next((item for item in self.summaries if (item.case, item.mode) == (case, mode)), None)

    def plan_of(self, case: str, mode: str) -> Optional[PlanFigures]:
        """The card's dtype plan of a case and mode; None when no gate asked for it."""
        return next((plan.figures for plan in self.plans if (plan.case, plan.mode) == (case, mode)), None)

    def fidelity_of(self, case: str, mode: str) -> Optional[ModeFidelity]:
        """What was judged of the picture of a case and mode; None when nothing was."""
        return next((item for item in self.fidelity if (item.case, item.mode) == (case, mode)), None)

    @property
    def planned_trials(self) -> int:
        """Trials of the rounds begun or certain to come."""
        if self.plan_only:
            return 0
        by_pair: Dict[Tuple[str, str], List[TrialResult]] = {
            (case.id, mode.name): [] for case in self.suite.cases for mode in self.suite.modes
        }
        for trial in self.trials:
            by_pair.setdefault((trial.case, trial.mode), []).append(trial)
        return sum(map(self.suite.rounds, by_pair.values()))
