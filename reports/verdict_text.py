"""Verdicts in words, for all formats: those that say the same of several modes share one saying."""

from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

from harness.records import Verdict
from harness.remark import Remark
from reports.advice import Advice, Origin
from reports.language import Words

WORST_FIRST = ("fail", "missing", "inconclusive", "pass")
_MEASURED = {"against": "step time", "timing": "step time", "first_step": "first step", "memory": "peak memory"}


class Saying(NamedTuple):
    """One verdict on one or more modes of a case."""

    verdict: Verdict
    """The verdict on the first mode; those on the others differ in the mode and the details alone."""
    modes: Tuple[str, ...]
    remarks: Tuple[Remark, ...]
    """The details of all these verdicts."""

    def details(self, words: Words) -> List[str]:
        """Return what the finding rests on, one line each."""
        return list(dict.fromkeys(words.remark(remark) for remark in self.remarks))

    def happened(self, words: Words) -> str:
        """Return what the gate found."""
        return words.reason(self.verdict.reason).happened

    def objection(self, words: Words) -> str:
        """Return why the verdict does not gate; empty when it does, or when `happened` says it already."""
        code = self.verdict.advisory_reason
        return words.reason(code).happened if code not in (None, self.verdict.reason) else ""

    def advice(self, words: Words, origin: Origin) -> List[Advice]:
        """Return what to do about it; empty for what passes and gates."""
        codes = [] if self.verdict.outcome == "pass" else [self.verdict.reason]
        codes += [self.verdict.advisory_reason] if self.verdict.advisory_reason else []
        templates = [words.reason(code).advice for code in dict.fromkeys(codes)]
        names = {**origin._asdict(), "mode": self.modes[0]}
        return [Advice(template, names) for template in templates if template]


def sayings(verdicts: Sequence[Verdict]) -> List[Saying]:
    """Return what the gates say: what gates before what does not, failures first."""
    ordered = sorted(verdicts, key=lambda verdict: (verdict.advisory, WORST_FIRST.index(verdict.outcome), verdict.gate))
    groups: Dict[str, List[Verdict]] = {}
    for verdict in ordered:
        # A failure's details are what failed; those of the others, such as a file's name, may differ.
        alike = {"mode": "", "details": verdict.details if verdict.outcome == "fail" else ()}
        groups.setdefault(repr(verdict.model_copy(update=alike)), []).append(verdict)
    return [_together(group) for group in groups.values()]


def _together(group: Sequence[Verdict]) -> Saying:
    # Of those that failed the details are alike.
    told = group[:1] if group[0].outcome == "fail" else group
    remarks = tuple(remark for verdict in told for remark in verdict.details)
    return Saying(group[0], tuple(verdict.mode for verdict in group), remarks)


def advised(found: Sequence[Saying], words: Words, origin: Origin) -> List[Tuple[Saying, List[Advice]]]:
    """Return each saying with what to do about it; every advice once, with the first saying that gives it."""
    given: Set[str] = set()
    pairs = []
    for saying in found:
        new = [advice for advice in saying.advice(words, origin) if advice.text() not in given]
        given.update(advice.text() for advice in new)
        pairs.append((saying, new))
    return pairs


def effect(verdict: Verdict, words: Words) -> str:
    """Return the change, its interval, how many pairs or processes it rests on, and what they would have found."""
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
    return words.comma.join(parts)
