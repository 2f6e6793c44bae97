"""What verdicts say in words: those that say the same share one saying. Formats share them."""

from typing import Dict, List, NamedTuple, Sequence, Tuple

from harness.records import Verdict
from reports.language import Words

WORST_FIRST = ("fail", "missing", "inconclusive", "pass")
_MEASURED = {"against": "step time", "timing": "step time", "first_step": "first step", "memory": "peak memory"}


class Saying(NamedTuple):
    """One verdict on one or more modes of a case."""

    verdict: Verdict
    """Of the first mode; but for the mode and the details, the others' are equal."""
    modes: Tuple[str, ...]
    details: Tuple[str, ...]

    def happened(self, words: Words) -> str:
        """What the gate found."""
        return words.reason(self.verdict.reason).happened

    def objection(self, words: Words) -> str:
        """Why it does not gate; empty when it does, or when what happened says it already."""
        code = self.verdict.advisory_reason
        return words.reason(code).happened if code not in (None, self.verdict.reason) else ""

    def advice(self, words: Words) -> List[str]:
        """What to do about it; nothing about what passes and gates."""
        codes = [] if self.verdict.outcome == "pass" else [self.verdict.reason]
        codes += [self.verdict.advisory_reason] if self.verdict.advisory_reason else []
        found = [words.reason(code).advice for code in dict.fromkeys(codes)]
        return [advice for advice in found if advice]


def sayings(verdicts: Sequence[Verdict]) -> List[Saying]:
    """Return what the gates say: what gates before what does not, failures first."""
    ordered = sorted(verdicts, key=lambda verdict: (verdict.advisory, WORST_FIRST.index(verdict.outcome), verdict.gate))
    groups: Dict[str, List[Verdict]] = {}
    for verdict in ordered:
        # A failure's details are what failed; those of the others, such as a file's name, may differ.
        alike = {"mode": "", "details": verdict.details if verdict.outcome == "fail" else ()}
        groups.setdefault(verdict.model_copy(update=alike).model_dump_json(), []).append(verdict)
    return [_together(group) for group in groups.values()]


def _together(group: Sequence[Verdict]) -> Saying:
    if group[0].outcome == "fail":
        details = group[0].details
    else:
        details = tuple(dict.fromkeys(detail for verdict in group for detail in verdict.details))
    return Saying(group[0], tuple(verdict.mode for verdict in group), details)


def effect(verdict: Verdict, words: Words) -> str:
    """What a verdict rests on: change, its interval, how many pairs or processes, and what they would have found."""
    if verdict.effect is None:
        return ""
    parts = [f"{verdict.effect:+.1%} {words(_MEASURED.get(verdict.gate, ''))}".strip()]
    if verdict.low is not None and verdict.high is not None:
        confidence = f"{verdict.rule.confidence:.0%}" if verdict.rule else ""
        low, high = f"{verdict.low:+.1%}", f"{verdict.high:+.1%}"
        parts.append(words("{confidence} interval {low} to {high}", confidence=confidence, low=low, high=high).strip())
    if verdict.n is not None:
        paired = verdict.gate == "against"
        parts.append(words("{n} pairs" if paired else "{n} processes a side", n=verdict.n))
    if verdict.detectable is not None:
        parts.append(words("{change} would be found", change=f"{verdict.detectable:+.1%}"))
    if verdict.confirmation is not None:
        parts.append(words("measured again {change}", change=f"{verdict.confirmation:+.1%}"))
    return ", ".join(parts)
