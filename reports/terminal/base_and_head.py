"""Base beside head for a person at a terminal."""

from typing import Optional

from rich.console import Console
from rich.text import Text

from harness.records import Comparison
from reports.base_and_head import HEADINGS, headings, revisions, sides
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_folded, print_table

_RANKS = (3, 2, 0, 0, 1, 0)
"""Which of HEADINGS give way first."""


def print_sides(comparison: Comparison, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the step times of both sides, the change and its interval, a table for each case."""
    console = console or open_console()
    found = sides(comparison)
    console.print()
    print_folded(console, Text(revisions(comparison, words)))
    for case in dict.fromkeys(row.case for row in found):
        rows = [row for row in found if row.case == case]
        cells = list(zip(*(row.cells(words) for row in rows)))
        columns = [
            Column(words(heading), texts, number=heading != HEADINGS[-1], rank=rank)
            for heading, texts, rank in zip(headings(found), cells, _RANKS)
        ]
        console.print()
        print_folded(console, Text(case, style="bold"))
        print_table(console, Column(words("mode"), [row.mode for row in rows], number=False), columns, words)
