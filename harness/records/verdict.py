"""What a gate says, and the rule it says it by."""

from typing import Optional, Tuple

from typing_extensions import Literal

from harness.records.base import Record


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
    """A key of harness.gates.reasons.REASONS."""
    details: Tuple[str, ...] = ()
    advisory: bool = False
    """Shown, but no part of the exit status."""
    advisory_reason: Optional[str] = None
    """Why: a key of harness.gates.reasons.REASONS."""
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
