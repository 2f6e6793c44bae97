"""How good the timing gates are on one machine, and the calibration that measures it."""

from typing import Dict, Optional, Tuple

from pydantic import Field, model_validator

from harness.records.base import SCHEMA_VERSION, Count, Figure, FileName, Record, Seconds
from harness.records.case import Case, Mode
from harness.records.environment import Environment
from harness.records.suite import Limit
from harness.records.verdict import Rule


class PowerCard(Record):
    """How good the timing gates are on one machine, for one case: measured, by comparing it with itself."""

    schema_version: int = SCHEMA_VERSION
    checksum: str = ""
    """SHA-256 over all other fields, as harness.store.baselines.sealed computes it."""
    machine_key: str
    """Environment.machine_key of the machine that the card is valid for."""
    suite: str
    case: str
    case_digest: str
    """Case.digest() of the case; the card says nothing of a case with another digest."""
    mode: str
    device: str
    rule: Rule
    """Rule that the comparisons were judged by; the card says nothing of another rule's error rates."""
    disturbed: bool = False
    """True when a load that starts and stops was beside the measurement, on one core."""
    pairs: int = Field(gt=0)
    """Most pairs of processes in a comparison; fewer, where it was decided before."""
    comparisons: Count
    """Comparisons of the machine with itself, those that never settled among them."""
    undecided: Count
    """Comparisons in which a process's steps never settled; every count and rate below is of the others."""
    false_alarms: Count
    """Comparisons of the same code with itself that called it slower or faster."""
    false_alarm_low: Figure
    """Lower end of the exact 95 % interval of the rate of false alarms."""
    false_alarm_high: Figure
    """Upper end of the exact 95 % interval of the rate of false alarms."""
    equals: Optional[Count] = None
    """Comparisons of the same code with itself that called it equal; None in cards of an older rule."""
    no_answers: Optional[Count] = None
    """Comparisons of the same code with itself that ended in "cannot tell"; None in cards of an older rule."""
    no_answer_low: Optional[Figure] = None
    """Lower end of the exact 95 % interval of the rate of comparisons without an answer."""
    no_answer_high: Optional[Figure] = None
    """Upper end of the exact 95 % interval of the rate of comparisons without an answer."""
    median_pairs: Optional[Figure] = None
    """Median over the comparisons of the same code with itself of the pairs that it took; None in older cards."""
    median_seconds: Optional[Seconds] = None
    """Median over the comparisons of the same code with itself of the time that these pairs took."""
    delay: Figure
    """Delay injected into each step, relative to its time; 0.1 is ten percent."""
    detections: Count
    """Comparisons with the delayed side that called it slower."""
    detection_low: Figure
    """Lower end of the exact 95 % interval of the rate of detections."""
    detection_high: Figure
    """Upper end of the exact 95 % interval of the rate of detections."""
    spread: Figure
    """Standard deviation over the pairs of log(head / base), both sides running the same code."""
    step_seconds: Seconds
    """Geometric mean over the pairs of base's median step."""
    needed_pairs: Optional[Count]
    """Fewest pairs, judged once, that detect the delay four times in five; None: more than power_card.MOST_PAIRS."""
    run: str
    """Id of the calibration that measured the card."""
    revision: Optional[str]
    """Environment.revision of the calibration."""
    packages: Dict[str, str]
    """Environment.packages of the calibration."""
    date: str
    """Time at which the card was made: ISO 8601, UTC."""

    @model_validator(mode="after")
    def _has_rates(self) -> "PowerCard":
        if self.undecided >= self.comparisons:
            raise ValueError("undecided: expected fewer than the comparisons")
        return self

    @property
    def settled(self) -> int:
        """Comparisons in which all steps settled; the card's rates are shares of these."""
        return self.comparisons - self.undecided


class Calibration(Record):
    """The plan of the measurements for a power card; the pairs measured so far are in the journal beside it."""

    schema_version: int = SCHEMA_VERSION
    id: str
    suite: str
    case: Case
    mode: Mode
    device: str
    timeout: float = Field(gt=0, le=1e7)
    """Seconds that one process may take."""
    comparisons: int = Field(gt=0, le=10_000)
    looks: Tuple[int, int]
    """Fewest and most pairs of processes in each comparison, as Comparison.looks."""
    disturbed: bool = False
    """True when a load that starts and stops runs beside the measurement, on one core."""
    limits: Tuple[Limit, ...] = ()
    """Limits of the suite's that differ from the default."""
    baselines: Optional[FileName] = None
    """Folder that gets the card, as Suite.baselines says it."""
    started: str
    """Start of the calibration: ISO 8601, UTC."""
    environment: Environment

    @model_validator(mode="after")
    def _has_looks(self) -> "Calibration":
        if not 2 <= self.looks[0] <= self.looks[1] <= 1_000:
            raise ValueError("looks: expected the fewest pairs, from 2, and the most, to 1000")
        return self


class CalibrationPair(Record):
    """The step times of two processes that ran the same code, and of one of them with a delay added to each step."""

    comparison: int = Field(gt=0)
    """Number of the comparison that the pair is of, counted from 1."""
    number: int = Field(gt=0)
    """Number of the pair in its comparison, counted from 1."""
    wall_seconds: Seconds
    """Time that the two processes took, from start to end."""
    base_seconds: Optional[Seconds]
    """Median step of the first process; None when its steps never settled."""
    head_seconds: Optional[Seconds]
    """Median step of the second process; None when its steps never settled."""
    delayed_seconds: Optional[Seconds]
    """Median step of the second process with the delay; None when its steps never settled."""
    log_ratio: Optional[float] = Field(None, ge=-100, le=100)
    """Median over the steps of log(head / base), where the two made them in turns; None where they did not."""
    delayed_log_ratio: Optional[float] = Field(None, ge=-100, le=100)
    """Median over the steps of log(delayed head / base), where the two made them in turns; None where they did not."""
