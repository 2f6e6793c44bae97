"""What one invocation measures, and how much a suite lets its figures grow."""

from typing import Optional, Sequence, Tuple

from pydantic import Field, ValidationInfo, field_validator
from typing_extensions import Literal

from harness.records.base import Record
from harness.records.case import Case, Mode
from harness.records.fidelity import FidelityPlan
from harness.records.trial import TrialResult

Metric = Literal["against", "timing", "first_step", "memory"]
"""What a timing gate judges: the step beside another revision's; step, first step, peak memory beside stored ones."""


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

    def rounds(self, trials: Sequence[TrialResult]) -> int:
        """Rounds of every case in every mode that are planned, given the trials so far."""
        return max([self.replicates, *(trial.replicate for trial in trials if not trial.confirmation)])
