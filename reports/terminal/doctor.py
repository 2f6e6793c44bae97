"""What `doctor` found, as a list."""

from typing import Iterable, Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.machine.requirements import Check
from harness.records import TrialResult
from reports.language import ENGLISH, Words
from reports.phases import PhaseTable
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_table


def print_checks(checks: Sequence[Check], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print what the doctor found."""
    console = console or open_console()
    for check in checks:
        mark, style = {True: ("ok", "green"), False: ("missing", "red"), None: ("optional", "yellow")}[check.ok]
        shown = Text(words(mark), style=style)
        line = Text(" " * (8 - shown.cell_len)) + shown + Text(f"  {words.message(check.name)}{words.colon}")
        console.print(line + Text(words.message(check.detail)), soft_wrap=True)
        if check.advice:
            console.print(Text(f"{'':10}{words.message(check.advice)}", style="dim"), soft_wrap=True)


def print_timing(trials: Iterable[TrialResult], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print where the time of these trials went."""
    console = console or open_console()
    table = PhaseTable.of(trials, words)
    names, *modes = map(list, zip(*table.rows))
    console.print()
    console.print(words("Where the time of a trial went, mean seconds"), soft_wrap=True)
    columns = [Column(mode, cells) for mode, cells in zip(table.headings[1:], modes)]
    print_table(console, Column(table.headings[0], names, number=False), columns, words)
