"""How good the timing gates are on one machine, and the calibration that measures it."""

from typing import Dict, Optional

from pydantic import Field, model_validator

from harness.records.base import SCHEMA_VERSION, Count, Figure, Record, Seconds
from harness.records.case import Case, Mode
from harness.records.environment import Environment
from harness.records.verdict import Rule


class PowerCard(Record):
    """How good the timing gates are on one machine, for one case: measured, by comparing it with itself."""

    schema_version: int = SCHEMA_VERSION
    checksum: str = ""
    """SHA-256 over everything else, as harness.store.baselines seals it."""
    machine_key: str
    suite: str
    case: str
    case_digest: str
    mode: str
    device: str
    rule: Rule
    pairs: int = Field(gt=0)
    """Of each comparison."""
    comparisons: Count
    undecided: Count
    """Comparisons in which a process's steps never settled; every count and rate below is of the others."""
    false_alarms: Count
    """Comparisons that called the same thing slower or faster."""
    false_alarm_low: Figure
    false_alarm_high: Figure
    """Exact 95 % interval of their rate, as are the next ones."""
    no_answers: Optional[Count] = None
    """Comparisons of the same thing that ended in "cannot tell"; cards of an older rule do not say."""
    no_answer_low: Optional[Figure] = None
    no_answer_high: Optional[Figure] = None
    delay: Figure
    """Relative delay that was injected to be detected."""
    detections: Count
    """Comparisons that called the slower one slower."""
    detection_low: Figure
    detection_high: Figure
    spread: Figure
    """Standard deviation of the log ratios of pairs."""
    step_seconds: Seconds
    needed_pairs: Optional[Count]
    """Fewest pairs that would detect the delay four times in five; None: more than power_card.MOST_PAIRS."""
    run: str
    revision: Optional[str]
    packages: Dict[str, str]
    date: str

    @model_validator(mode="after")
    def _has_rates(self) -> "PowerCard":
        if self.undecided >= self.comparisons:
            raise ValueError("undecided: expected fewer than the comparisons")
        return self

    @property
    def settled(self) -> int:
        """Comparisons in which all steps settled: what the rates are of."""
        return self.comparisons - self.undecided


class Calibration(Record):
    """What a power card is being measured from; its pairs are in the journal beside it."""

    schema_version: int = SCHEMA_VERSION
    id: str
    suite: str
    case: Case
    mode: Mode
    device: str
    timeout: float = Field(gt=0, le=1e7)
    comparisons: int = Field(gt=0, le=10_000)
    pairs: int = Field(ge=2, le=1_000)
    """Of each comparison."""
    started: str
    environment: Environment

    @property
    def planned_pairs(self) -> int:
        """Pairs of processes in all."""
        return self.comparisons * self.pairs


class CalibrationPair(Record):
    """The step times of two processes that ran the same, and of one of them when it was slowed down."""

    number: int = Field(gt=0)
    """Counted from 1, over all comparisons."""
    base_seconds: Optional[Seconds]
    head_seconds: Optional[Seconds]
    delayed_seconds: Optional[Seconds]
    """None: the steps never settled."""
    log_ratio: Optional[float] = Field(None, ge=-100, le=100)
    """Median over the steps of log(head / base), which were made in turns; None where they were not."""
    delayed_log_ratio: Optional[float] = Field(None, ge=-100, le=100)
    """The same of the steps that were slowed down in head's place, and not in base's."""
