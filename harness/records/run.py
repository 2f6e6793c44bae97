"""What one invocation measured: a run with its summaries, or a comparison of two revisions."""

import math
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from pydantic import Field, model_validator
from typing_extensions import Literal

from harness.records.base import SCHEMA_VERSION, Count, Figure, NamePart, Rate, Record, Seconds
from harness.records.baseline import CasePlan, PlanFigures
from harness.records.case import REFERENCE_MODE, Case, Mode
from harness.records.environment import Environment, HostRecord
from harness.records.fidelity import ModeFidelity
from harness.records.power import PowerCard
from harness.records.suite import Suite
from harness.records.trial import LossScaling, Status, TrialResult
from harness.records.verdict import Verdict
from harness.remark import Remark
from harness.statistics import half_width

Quantity = Literal["step time", "peak memory"]


class Stratum(Record):
    """The step time of one case in one mode on machines that are alike, and unlike the run's own."""

    machine_key: str
    hosts: Tuple[str, ...]
    processes: Count
    """Processes with status ok that were timed."""
    step_seconds: Seconds
    """Geometric mean over processes of the median step."""
    ratio_to_reference: Optional[Rate] = None
    """As in the summary, on these machines."""


class Summary(Record):
    """The figures of one case in one mode over its replicates. What was not measured is None."""

    case: str
    mode: str
    replicates: Count
    """Processes that were planned for the case and mode."""
    ok: Count
    """Replicates with status ok; every figure below rests on them alone."""
    emulated: bool = False
    remarks: Tuple[Remark, ...] = ()
    steady: Optional[bool] = None
    """True when the steps of every process reached a steady state."""
    unmet: Tuple[Remark, ...] = ()
    """Conditions of a good timing that were not met."""
    step_seconds: Optional[Seconds] = None
    """Geometric mean over processes of the median step."""
    step_seconds_low: Optional[Seconds] = None
    """Lower end of the 95 % interval of step_seconds over processes; None below two processes."""
    step_seconds_high: Optional[Seconds] = None
    """Upper end of the 95 % interval of step_seconds over processes; None below two processes."""
    images_per_second: Optional[Rate] = None
    """Pictures of the batch over the step time."""
    megapixels_per_second: Optional[Rate] = None
    """Millions of pixels of the batch over the step time."""
    first_step_seconds: Optional[Seconds] = None
    """Median over processes of the first step, which compiles."""
    startup_seconds: Optional[Figure] = None
    """Median over processes of the time from their start to the end of the first step."""
    tflops: Optional[Rate] = None
    """Floating-point operations of a step over its time, 1e12 per second; None when emulated."""
    share_of_peak: Optional[Rate] = None
    """`tflops` over the device's matrix-product rate in the step's format, from the same processes."""
    peak_memory_bytes: Optional[Count] = None
    """Largest peak memory of any process."""
    ratio_to_reference: Optional[Rate] = None
    """Step time over that of the reference mode, paired within the rounds that both ran in, on one device each."""
    strata: Tuple[Stratum, ...] = ()
    """Figures of processes on machines unlike the run's own, in a run over several; no other figure rests on them."""
    final_loss: Optional[Figure] = None
    """Median over processes of the total loss as the mode computes it: of the final picture, or, of a suite that
    measures fidelity, the median of the last pictures'."""
    true_loss: Optional[Figure] = None
    """The same loss of the same pictures, scored in float32."""
    loss_scaling: Optional[LossScaling] = None
    """What loss scaling did in the first process."""

    @property
    def half_width(self) -> Optional[float]:
        """Half the width of the step time's 95 % interval, relative to its centre; None below two processes."""
        if self.step_seconds_low is None or self.step_seconds_high is None:
            return None
        return half_width(self.step_seconds_low, self.step_seconds_high)


class Growth(Record):
    """How a quantity grows with the picture: a line fitted to its logarithm over the logarithm of the pixels.

    Peak memory is that of the whole process, most of which does not depend on the picture's size.
    """

    mode: str
    quantity: Quantity
    emulated: bool = False
    exponent: Figure
    """Exponent b of quantity ~ pixels ** b; 1 is proportional to the pixels."""
    low: Figure
    """Lower end of the exponent's 95 % interval."""
    high: Figure
    """Upper end of the exponent's 95 % interval."""
    sizes: Count
    """Number of picture sizes that the line is fitted to."""
    pixels: Tuple[Count, Count]
    """Pixels of the smallest and of the largest picture."""


class Pair(Record):
    """The step times of two revisions, in one pair of processes."""

    case: str
    mode: NamePart
    number: int = Field(gt=0)
    """Number of the pair among those of its case and mode, counted from 1."""
    base_seconds: Optional[Seconds]
    """Median step of base; None when its steps never settled."""
    head_seconds: Optional[Seconds]
    """Median step of head; None when its steps never settled."""
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
    """Git revision that this tree is compared with, as the user named it."""
    base_commit: str = ""
    """Hash of base's commit, since names of revisions move."""
    head: Optional[str] = None
    """This tree's revision, as Environment.revision says it."""
    modes: Tuple[NamePart, ...] = ()
    """Names of the modes that are compared."""
    options: Tuple[str, ...] = ()
    """Options that both trees were given on their command lines."""
    looks: Tuple[int, int] = (2, 2)
    """Fewest and most pairs of each mode."""
    in_turns: Optional[bool] = None
    """True when base and head stepped in turns, False when one ran after the other; None until that is known."""
    budget: Optional[float] = Field(None, gt=0)
    """Seconds after which no pair is begun beyond the fewest; None: no limit."""
    timeout: Optional[float] = Field(None, gt=0)
    """Seconds that one pair may take; None in older records."""
    complete: bool = True
    """False while the comparison is measured, and when it was interrupted."""
    started: str
    """Start of the comparison: ISO 8601, UTC."""
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
    """Devices that trials are spread over, or `auto` where there is no card; each trial says what it ran on."""
    health: bool = False
    """True when the first replicate of each mode also counts what float16 loses."""
    started: str
    """Start of the run: ISO 8601, UTC."""
    complete: bool = False
    """False while the run is measured, and when it was interrupted."""
    reference_mode: str = REFERENCE_MODE
    """Name of the mode that ratios refer to."""
    command: Tuple[str, ...] = ()
    environment: Environment
    """Of this machine; of a run over several, that of most of their devices."""
    hosts: Tuple[HostRecord, ...] = ()
    """Machines that the trials were spread over; empty when they ran on this one."""
    for_gate: bool = False
    """True when every verdict was asked for, also those on what has no baseline."""
    plan_only: bool = False
    """True when the run records dtype plans and no trial was to be run."""
    plans: List[CasePlan] = []
    """The card's dtype plans; empty in a run that only steps in turns with another."""
    trials: List[TrialResult] = []
    summaries: List[Summary] = []
    growth: List[Growth] = []
    """How step time and peak memory grow with the picture; empty unless the suite's cases differ in size alone."""
    fidelity: List[ModeFidelity] = []
    """Fidelity of each case and mode, when the suite measures it."""
    verdicts: List[Verdict] = []
    power_cards: List[PowerCard] = []
    """Power cards that the timing gates of the run's cases rest on; a case without a current card has none."""

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
        """True when the run is to be judged: it was made for a gate, or its suite judges pictures."""
        return bool(self.suite.fidelity) or self.for_gate

    @property
    def has_baselines(self) -> bool:
        """False when options changed the suite's cases and no gate was asked for: nothing stored is of such cases."""
        return self.for_gate or not self.suite.own_cases

    @property
    def pairs(self) -> List[Tuple[Case, Mode]]:
        """Every case in every mode."""
        return [(case, mode) for case in self.suite.cases for mode in self.suite.modes]

    def trials_of(
        self, case: str, mode: str, status: Optional[Status] = "ok", confirmation: bool = False
    ) -> List[TrialResult]:
        """Return the trials of a case and mode that ended with `status`, or in any way when `status` is None.

        Args:
            confirmation: return the trials of the delayed second measurement instead of those of the first.
        """
        found = [trial for trial in self.trials if (trial.case, trial.mode) == (case, mode)]
        return [trial for trial in found if trial.confirmation == confirmation and status in (None, trial.status)]

    def summary_of(self, case: str, mode: str) -> Optional[Summary]:
        """The summary of a case and mode; None when there is none."""
        return next((item for item in self.summaries if (item.case, item.mode) == (case, mode)), None)

    def plan_of(self, case: str, mode: str) -> Optional[PlanFigures]:
        """The card's dtype plan of a case and mode; None when there is none."""
        return next((plan.figures for plan in self.plans if (plan.case, plan.mode) == (case, mode)), None)

    def fidelity_of(self, case: str, mode: str) -> Optional[ModeFidelity]:
        """What was judged of the picture of a case and mode; None when nothing was."""
        return next((item for item in self.fidelity if (item.case, item.mode) == (case, mode)), None)

    def of_its_machine(self, trials: Iterable[TrialResult]) -> List[TrialResult]:
        """Return the trials that ran on the machine which `environment` describes, or on one like it."""
        return [trial for trial in trials if trial.machine_key in ("", self.environment.machine_key)]

    @property
    def planned_trials(self) -> int:
        """Number of trials in the rounds that have begun or are certain to come."""
        if self.plan_only:
            return 0
        by_pair: Dict[Tuple[str, str], List[TrialResult]] = {
            (case.id, mode.name): [] for case in self.suite.cases for mode in self.suite.modes
        }
        for trial in self.trials:
            by_pair.setdefault((trial.case, trial.mode), []).append(trial)
        return sum(map(self.suite.rounds, by_pair.values()))
