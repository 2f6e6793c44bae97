"""What the gates say, failures first, for a person at a terminal."""

import sys
from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.gate import Proposal
from harness.records import Verdict
from reports.figures import effect
from reports.words import ENGLISH, Words

_ORDER = ("fail", "missing", "inconclusive", "pass")
_STYLE = {"fail": "bold red", "missing": "bold yellow", "inconclusive": "bold yellow", "pass": "green"}
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
    verdicts: Sequence[Verdict], words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None
) -> None:
    """Print one line per verdict with its reason, what it rests on, and what to do; then the count.

    When quiet, what passes is only counted.
    """
    console = console or Console(highlight=False)
    console.print()
    for verdict in sorted(verdicts, key=lambda verdict: _ORDER.index(verdict.outcome)):
        if quiet and verdict.outcome == "pass":
            continue
        reason = words.reason(verdict.reason)
        line = Text(f"{words(verdict.outcome):>8}  ", style=_STYLE[verdict.outcome])
        line.append(f"{words(verdict.gate)}  {verdict.case}  {verdict.mode}: {reason.happened}", style="")
        if verdict.advisory:
            line.append(" " + words("(emulated: says nothing about the card, does not gate)"), style="dim")
        console.print(line, soft_wrap=True)
        if verdict.effect is not None:
            console.print(Text(f"{'':10}{effect(verdict, words)}"), soft_wrap=True)
        _print_details(console, verdict.details)
        if reason.advice and verdict.outcome != "pass":
            console.print(Text(f"{'':10}{reason.advice}", style="dim"), soft_wrap=True)
    counts = [f"{sum(verdict.outcome == outcome for verdict in verdicts)} {words(outcome)}" for outcome in _ORDER]
    console.print(Text(f"{words('gate')}: " + ", ".join(counts), style="bold"))


def print_proposals(proposals: Sequence[Proposal], console: Optional[Console] = None) -> None:
    """Print what would be approved, old against new."""
    console = console or Console(highlight=False)
    if not proposals:
        console.print("Nothing to approve: every plan of this run is the approved one.")
    for proposal in proposals:
        baseline = proposal.baseline
        console.print(Text(f"{proposal.kind:>8}  {baseline.case}  {baseline.mode.name}", style="bold"), soft_wrap=True)
        _print_details(console, proposal.changes)


def print_written(paths: Sequence[str], console: Optional[Console] = None) -> None:
    """Print which files an approval wrote."""
    for path in paths:
        (console or Console(highlight=False)).print(Text(f"wrote {path}"), soft_wrap=True)


def _print_details(console: Console, details: Sequence[str]) -> None:
    for detail in details[:_DETAILS]:
        console.print(Text(f"{'':10}{detail}"), soft_wrap=True)
    if len(details) > _DETAILS:
        console.print(Text(f"{'':10}and {len(details) - _DETAILS} more, see run.json"), soft_wrap=True)
