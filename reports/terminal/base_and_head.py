"""Base beside head for a person at a terminal."""

from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.records import Comparison
from reports.base_and_head import Sides, headings, revisions, sides
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_folded, print_table

_RANKS = {"base s": 3, "head s": 2, "pairs": 1}
"""Which columns give way first; the others stay."""


def print_sides(comparison: Comparison, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the step times of both sides, the change and its interval, a table for each case."""
    console = console or open_console()
    console.print()
    print_folded(console, Text(revisions(comparison, words)))
    console.print()
    print_rows(sides(comparison.pairs, comparison.verdicts), words, console)


def print_rows(found: Sequence[Sides], words: Words, console: Console) -> None:
    """Print a table for each case, a blank line between them."""
    shown = headings(found)
    for number, case in enumerate(dict.fromkeys(row.case for row in found)):
        rows = [row for row in found if row.case == case]
        cells = [row.cells(words) for row in rows]
        columns = [
            Column(words(name), [cell[name] for cell in cells], number=name != "time", rank=_RANKS.get(name, 0))
            for name in shown
        ]
        if number:
            console.print()
        print_folded(console, Text(case, style="bold"))
        print_table(console, Column(words("mode"), [row.mode for row in rows], number=False), columns, words)
