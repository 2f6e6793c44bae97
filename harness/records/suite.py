"""What one invocation measures, and how much a suite lets its figures grow."""

from typing import Any, Optional, Sequence, Tuple

from pydantic import Field, ValidationInfo, field_validator
from typing_extensions import Literal

from harness.records.base import FileName, Record
from harness.records.case import Case, Mode
from harness.records.fidelity import FidelityPlan
from harness.records.trial import TrialResult

Metric = Literal["against", "timing", "first_step", "memory"]
"""What a timing gate judges: `against`, the step beside another revision's; the others beside stored figures."""


MOST_REPLICATES = 10_000
MOST_SECONDS = 10_000_000.0
"""Of one trial: some hundred days, which every clock and timer can count."""


class Limit(Record):
    """How much a suite lets one figure grow, where that is not the default."""

    metric: Metric
    relative: float = Field(gt=0)
    """Growth at which the figure no longer passes; 0.1 is ten percent."""
    reason: str = Field(min_length=1)
    """Why the default does not serve."""
    case: Optional[str] = None
    """Id of the case that the limit is for; None: every case."""
    mode: Optional[str] = None
    """Name of the mode that the limit is for; None: every mode."""


class Suite(Record):
    """What one invocation measures: every case in every mode, replicated."""

    name: str
    purpose: str
    cases: Tuple[Case, ...] = Field(min_length=1)
    own_cases: bool = False
    """True when options replaced the cases by the user's own, which have no baselines."""
    modes: Tuple[Mode, ...] = Field(min_length=1)
    replicates: int = Field(gt=0, le=MOST_REPLICATES)
    """Fresh processes per case and mode that are always run; with max_replicates, their spread asks for more."""
    max_replicates: Optional[int] = Field(None, le=MOST_REPLICATES)
    """Most processes per case and mode; None: exactly `replicates` of every mode.

    With a number, an emulated mode has one process: its time cannot gate and its losses are the same each time."""
    half_width: float = Field(0.015, gt=0)
    """Relative half-width of the step time's 95 % interval at which no further process is needed."""
    budget: Optional[float] = Field(None, gt=0)
    """Seconds of trials, emulated modes left out, after which no round beyond `replicates` is begun; None: no bound."""
    timeout: float = Field(600.0, gt=0, le=MOST_SECONDS)
    """Seconds that one trial may take."""
    fidelity: Optional[FidelityPlan] = None
    """What is measured of each picture's fidelity; None: pictures are drawn, but not judged."""
    limits: Tuple[Limit, ...] = ()
    """Limits of growth that differ from the default."""
    baselines: Optional[FileName] = None
    """Folder of the suite's approved results and power cards; None: the project's own."""

    @field_validator("cases", "modes")
    @classmethod
    def _told_apart(cls, value: Tuple[Any, ...], info: ValidationInfo) -> Tuple[Any, ...]:
        names = [item.id if isinstance(item, Case) else item.name for item in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two of the {info.field_name} are called {name}")
        return value

    @field_validator("max_replicates")
    @classmethod
    def _not_below_replicates(cls, value: Optional[int], info: ValidationInfo) -> Optional[int]:
        least = info.data.get("replicates", 1)
        if value is not None and value < least:
            raise ValueError(f"expected at least the {least} replicates")
        return value

    def least(self, trials: Sequence[TrialResult]) -> int:
        """Return how many processes one case and mode has at least, given its trials so far."""
        if self.max_replicates is not None and any(trial.emulated for trial in trials):
            return 1
        return self.replicates

    def rounds(self, trials: Sequence[TrialResult]) -> int:
        """Return how many processes of one case and mode are planned, given its trials so far."""
        return max([self.least(trials), *(trial.replicate for trial in trials if not trial.confirmation)])

    def first_stage(self, trials: Sequence[TrialResult]) -> Optional[int]:
        """Return how many first trials decided the number of processes by their spread; None where that is fixed.

        Those of the rounds that are always made; the first two trials, where fewer than two of those have a step time.

        Args:
            trials: the trials of one case and mode that have a step time, by replicate.
        """
        if self.max_replicates is None:
            return None
        return max(sum(trial.replicate <= self.replicates for trial in trials), 2)
