"""What a gate says, and the rule it says it by."""

from typing import Optional, Tuple

from typing_extensions import Literal

from harness.records.base import Count, Figure, Record
from harness.remark import Remark

Gate = Literal["coverage", "plan", "against", "timing", "first_step", "memory", "losses", "regression", "fitness"]
Outcome = Literal["pass", "fail", "inconclusive", "missing"]


class Rule(Record):
    """When a measured change counts: a growth of at most `band` does not fail, one of `limit` or more does not pass."""

    version: int = 1
    """Version of the procedure, which the other fields do not tell; records without it were judged by version 1."""
    confidence: Figure
    """Confidence of the intervals; 1 - confidence is the family-wise error rate of the verdicts."""
    band: Figure
    """Growth that is none: a figure fails when its interval lies wholly above this and reaches `limit`."""
    limit: Figure
    """Growth that is too much: a figure passes when its interval lies wholly below this."""
    looks: Optional[Tuple[Count, Count]] = None
    """Fewest and most pairs of a comparison that is judged after each pair in between; None: judged once."""


class Verdict(Record):
    """What a gate says of one case in one mode. What could not be measured is never a pass."""

    gate: Gate
    case: str
    mode: str
    outcome: Outcome
    reason: str
    """Why the outcome is what it is: a key of harness.gates.reasons.REASONS."""
    details: Tuple[Remark, ...] = ()
    """What was found in particular, such as the casts that a plan gained."""
    advisory: bool = False
    """True when the verdict is shown, but is no part of the exit status."""
    advisory_reason: Optional[str] = None
    """Why the verdict is advisory: a key of harness.gates.reasons.REASONS; None when it is not."""
    effect: Optional[Figure] = None
    """Relative change of what the gate measures; 0.1 is ten percent more. None where the gate estimates nothing."""
    low: Optional[Figure] = None
    """Lower end of the effect's interval, at the rule's confidence."""
    high: Optional[Figure] = None
    """Upper end of the effect's interval, at the rule's confidence."""
    n: Optional[Count] = None
    """Pairs of processes that the effect rests on; of processes that are not paired, those on the smaller side."""
    detectable: Optional[Figure] = None
    """Smallest change that as many processes of this spread would find four times in five."""
    confirmation: Optional[Figure] = None
    """Effect in the second measurement, made later in fresh processes; None without one."""
    rule: Optional[Rule] = None
    """Rule that the outcome follows from; None where the gate estimates nothing."""
