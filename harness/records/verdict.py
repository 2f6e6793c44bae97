"""What a gate says, and the rule it says it by."""

from typing import Optional, Tuple

from typing_extensions import Literal

from harness.records.base import Count, Figure, Record
from harness.remark import Remark

Gate = Literal["coverage", "plan", "against", "timing", "first_step", "memory", "regression", "fitness"]
Outcome = Literal["pass", "fail", "inconclusive", "missing"]


class Rule(Record):
    """When a measured change counts: a growth of at most `band` does not fail, one of `limit` or more does not pass."""

    version: int = 1
    """Of the procedure, which these numbers alone do not tell; records without it were judged by the first one."""
    confidence: Figure
    """Of the intervals; what is left is the family-wise error rate of the verdicts."""
    band: Figure
    """A change fails when its interval lies wholly above this, unless it passes;"""
    limit: Figure
    """it passes when its interval lies wholly below this."""
    looks: Optional[Tuple[Count, Count]] = None
    """Fewest and most pairs, where the comparison was judged after each pair in between; None: judged once."""


class Verdict(Record):
    """What a gate says of one case in one mode. What could not be measured is never a pass."""

    gate: Gate
    case: str
    mode: str
    outcome: Outcome
    reason: str
    """A key of harness.gates.reasons.REASONS."""
    details: Tuple[Remark, ...] = ()
    advisory: bool = False
    """Shown, but no part of the exit status."""
    advisory_reason: Optional[str] = None
    """Why: a key of harness.gates.reasons.REASONS."""
    effect: Optional[Figure] = None
    """Relative change of what the gate measures; 0.1 is ten percent more. None, as is the rest, where nothing is
    estimated: a plan is equal or not."""
    low: Optional[Figure] = None
    high: Optional[Figure] = None
    """Its interval, at the rule's confidence."""
    n: Optional[Count] = None
    """Independent pairs of processes it rests on; where they are not paired, processes on the side that has fewer."""
    detectable: Optional[Figure] = None
    """Smallest change that as many processes of this spread would find four times in five."""
    confirmation: Optional[Figure] = None
    """The effect when it was measured again, later, in fresh processes."""
    rule: Optional[Rule] = None
