"""What one invocation measures, and how much a suite lets its figures grow."""

from typing import Any, Optional, Sequence, Tuple

from pydantic import Field, ValidationInfo, field_validator
from typing_extensions import Literal

from harness.records.base import Record
from harness.records.case import Case, Mode
from harness.records.fidelity import FidelityPlan
from harness.records.trial import TrialResult

Metric = Literal["against", "timing", "first_step", "memory"]
"""What a timing gate judges: the step beside another revision's; step, first step, peak memory beside stored ones."""


MOST_REPLICATES = 10_000
MOST_SECONDS = 10_000_000.0
"""Of one trial: some hundred days, which every clock and timer can count."""


class Limit(Record):
    """How much a suite lets one figure grow, where it is not the default."""

    metric: Metric
    relative: float = Field(gt=0)
    """0.1 is ten percent."""
    reason: str = Field(min_length=1)
    case: Optional[str] = None
    mode: Optional[str] = None
    """None: every one."""


class Suite(Record):
    """What one invocation measures: every case in every mode, replicated."""

    name: str
    purpose: str
    cases: Tuple[Case, ...] = Field(min_length=1)
    modes: Tuple[Mode, ...] = Field(min_length=1)
    replicates: int = Field(gt=0, le=MOST_REPLICATES)
    """Fresh processes per case and mode; their spread decides how many follow, as the next three fields allow."""
    max_replicates: Optional[int] = Field(None, le=MOST_REPLICATES)
    """Most processes per case and mode, and an emulated mode has one: its time cannot gate and its losses are the same
    each time. None: `replicates` of every mode, exactly."""
    half_width: float = Field(0.015, gt=0)
    """Relative half-width of the 95 % interval that is narrow enough."""
    budget: Optional[float] = Field(None, gt=0)
    """Seconds that the trials of modes that are not emulated may take before no further round is begun; `replicates`
    are always made."""
    timeout: float = Field(600.0, gt=0, le=MOST_SECONDS)
    """Seconds a trial may take."""
    fidelity: Optional[FidelityPlan] = None
    """None: pictures are made, but not judged."""
    limits: Tuple[Limit, ...] = ()

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
        """Processes that one case and mode has at least, given its trials so far."""
        if self.max_replicates is not None and any(trial.emulated for trial in trials):
            return 1
        return self.replicates

    def rounds(self, trials: Sequence[TrialResult]) -> int:
        """Processes of one case and mode that are planned, given its trials so far."""
        return max([self.least(trials), *(trial.replicate for trial in trials if not trial.confirmation)])

    def first_stage(self, trials: Sequence[TrialResult]) -> Optional[int]:
        """How many of these, by replicate, decided with their spread how many processes there are; None: they did not.

        Args:
            trials: those of one case and mode that have a step time; the first two where fewer than that ended well in
                the rounds that are always made.
        """
        if self.max_replicates is None:
            return None
        return max(sum(trial.replicate <= self.replicates for trial in trials), 2)
