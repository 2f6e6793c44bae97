"""What the gates say, failures first, for a person at a terminal."""

import itertools
import sys
from typing import Iterator, List, Optional, Sequence, Set, Tuple

from rich.console import Console
from rich.text import Text

from harness.reasons import REASONS
from harness.records import PowerCard, Verdict
from reports.power import card_line

_ORDER = ("fail", "missing", "inconclusive", "pass")
_STYLE = {"fail": "bold red", "missing": "bold yellow", "inconclusive": "bold yellow", "pass": "green"}
_MEASURED = {"against": "step time", "timing": "step time", "first_step": "first step", "memory": "peak memory"}
_INDENT = 14
_DETAILS = 12
"""Lines shown of one verdict; the rest is in run.json."""


class ComparisonProgress:
    """Says on standard error which tree is being measured."""

    def __init__(self, pairs: int, console: Optional[Console] = None) -> None:
        self._pairs = pairs
        self._console = console or Console(file=sys.stderr, highlight=False)

    def measuring(self, number: int, tree: str, mode: str) -> None:
        """One measurement is about to begin; `number` is the pair's, from 1."""
        self._console.print(Text(f"[pair {number}/{self._pairs}] {tree}  {mode}"), soft_wrap=True)


def print_verdicts(
    verdicts: Sequence[Verdict], cards: Sequence[PowerCard] = (), console: Optional[Console] = None
) -> None:
    """Print what each gate says, with its reason, what it rests on, and what to do; then the power cards, the count.

    Verdicts that say the same of several modes share a line, and each advice is given once.
    """
    console = console or Console(highlight=False)
    console.print()
    given: Set[str] = set()
    for verdict, modes in _grouped(verdicts):
        line = Text(f"{verdict.outcome:>{_INDENT - 2}}  ", style=_STYLE[verdict.outcome])
        line.append(f"{verdict.gate}  {verdict.case}  {', '.join(modes)}: {REASONS[verdict.reason].happened}", style="")
        if verdict.advisory:
            line.append(f" ({_objection(verdict)}does not gate)", style="dim")
        console.print(line, soft_wrap=True)
        if verdict.effect is not None:
            console.print(Text(f"{'':{_INDENT}}{_figures(verdict)}"), soft_wrap=True)
        _print_details(console, verdict.details)
        for code in (verdict.reason, verdict.advisory_reason):
            advice = REASONS[code].advice if code else ""
            if advice and advice not in given:
                console.print(Text(f"{'':{_INDENT}}{advice}", style="dim"), soft_wrap=True)
                given.add(advice)
    for card in cards:
        console.print(Text(card_line(card)), soft_wrap=True)
    console.print(Text(_count(verdicts), style="bold"), soft_wrap=True)


def _grouped(verdicts: Sequence[Verdict]) -> Iterator[Tuple[Verdict, List[str]]]:
    """Each verdict with its modes, failures first and what gates before what does not."""
    ordered = sorted(verdicts, key=lambda verdict: (verdict.advisory, _ORDER.index(verdict.outcome), verdict.gate))
    for _, group in itertools.groupby(ordered, lambda verdict: verdict.model_copy(update={"mode": ""})):
        same = list(group)
        yield same[0], [verdict.mode for verdict in same]


def _objection(verdict: Verdict) -> str:
    if verdict.advisory_reason in (None, verdict.reason):
        return ""
    return f"{REASONS[verdict.advisory_reason].happened}; "


def _figures(verdict: Verdict) -> str:
    confidence = f"{verdict.rule.confidence:.0%} " if verdict.rule else ""
    units = "pairs" if verdict.gate == "against" else "processes a side"
    text = f"{verdict.effect:+.1%} {_MEASURED[verdict.gate]}, {confidence}interval {verdict.low:+.1%} to"
    text += f" {verdict.high:+.1%} over {verdict.n} {units}; {verdict.detectable:+.1%} would be found"
    return text if verdict.confirmation is None else f"{text}; measured again {verdict.confirmation:+.1%}"


def _count(verdicts: Sequence[Verdict]) -> str:
    gating = [verdict for verdict in verdicts if not verdict.advisory]
    counts = [f"{sum(verdict.outcome == outcome for verdict in gating)} {outcome}" for outcome in _ORDER]
    shown = len(verdicts) - len(gating)
    text = "gate: " + (", ".join(counts) if gating else "nothing was gated")
    return f"{text}; {shown} shown that do not gate" if shown else text


def _print_details(console: Console, details: Sequence[str]) -> None:
    for detail in details[:_DETAILS]:
        console.print(Text(f"{'':{_INDENT}}{detail}"), soft_wrap=True)
    if len(details) > _DETAILS:
        console.print(Text(f"{'':{_INDENT}}and {len(details) - _DETAILS} more, see run.json"), soft_wrap=True)
