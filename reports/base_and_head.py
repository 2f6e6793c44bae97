"""Base beside head: what a comparison of two revisions measured, pair by pair, as every format shows it."""

from typing import Dict, List, NamedTuple, Optional, Sequence

from harness.records import Comparison, Pair, Verdict
from harness.statistics import geometric_mean
from reports.figures import NOT_MEASURED
from reports.language import Words

_SHORT = 12
"""Digits shown of a commit's hash."""
HEADINGS = ("base s", "head s", "change", "interval", "pairs", "time")
"""Of the columns after case and mode; all but the last hold numbers."""


class Sides(NamedTuple):
    """One case in one mode on both sides."""

    case: str
    mode: str
    base_seconds: Optional[float]
    """Geometric mean over the pairs of base's median step; None where its steps never settled."""
    head_seconds: Optional[float]
    """The same of head."""
    ratios: List[float]
    """head / base of each pair that has one."""
    verdict: Optional[Verdict]
    """What the gate says of the change."""
    emulated: bool

    def cells(self, words: Words) -> Dict[str, str]:
        """Return what stands under each of HEADINGS."""
        found = self.verdict
        effect = found.effect if found else None
        if effect is None and self.ratios:
            effect = geometric_mean(self.ratios) - 1
        interval = NOT_MEASURED
        if found and found.low is not None and found.high is not None:
            interval = f"{found.low:+.1%} … {found.high:+.1%}"
        return {
            "base s": NOT_MEASURED if self.base_seconds is None else f"{self.base_seconds:.4f}",
            "head s": NOT_MEASURED if self.head_seconds is None else f"{self.head_seconds:.4f}",
            "change": NOT_MEASURED if effect is None else f"{effect:+.1%}",
            "interval": interval,
            "pairs": str(len(self.ratios)),
            "time": words("emulated") if self.emulated else "",
        }


def sides(measured: Sequence[Pair], judged: Sequence[Verdict] = ()) -> List[Sides]:
    """Return both sides of each case and mode, in the order they were measured; before the end nothing is judged."""
    found = []
    for case, mode in dict.fromkeys((pair.case, pair.mode) for pair in measured):
        pairs = [pair for pair in measured if (pair.case, pair.mode) == (case, mode)]
        verdicts = [item for item in judged if (item.gate, item.case, item.mode) == ("against", case, mode)]
        found.append(
            Sides(
                case,
                mode,
                _mean([pair.base_seconds for pair in pairs]),
                _mean([pair.head_seconds for pair in pairs]),
                _ratios(pairs),
                next(iter(verdicts), None),
                any(pair.emulated for pair in pairs),
            )
        )
    return found


def headings(found: Sequence[Sides]) -> Sequence[str]:
    """Return those of HEADINGS under which something stands."""
    empty = set()
    if not any(row.emulated for row in found):
        empty.add("time")
    if not any(row.verdict for row in found):
        empty.add("interval")
    return [heading for heading in HEADINGS if heading not in empty]


def revisions(comparison: Comparison, words: Words) -> str:
    """Return which two revisions are compared: base as it was asked for, and both by their hashes."""
    base = comparison.base
    if comparison.base_commit and not comparison.base_commit.startswith(base):
        base += f" ({comparison.base_commit[:_SHORT]})"
    head = comparison.head or NOT_MEASURED
    if len(head.split("-")[0]) > _SHORT:  # a hash, perhaps followed by -dirty
        head = head[:_SHORT] + ("-dirty" if head.endswith("-dirty") else "")
    return words("base {base}, head {head}", base=base, head=head)


def _mean(seconds: Sequence[Optional[float]]) -> Optional[float]:
    known = [value for value in seconds if value is not None]
    return geometric_mean(known) if known else None


def _ratios(pairs: Sequence[Pair]) -> List[float]:
    return [pair.ratio for pair in pairs if pair.ratio is not None]
