"""What `doctor` found, as a list."""

from typing import Iterable, Optional, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from harness.machine.requirements import Check
from harness.records import TrialResult
from reports.language import ENGLISH, Words
from reports.phases import PhaseTable
from reports.terminal.console import open_console
from reports.terminal.tables import Column, folded, print_folded, print_table

_INDENT = 10


def print_checks(checks: Sequence[Check], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print what the doctor found."""
    console = console or open_console()
    for check in checks:
        mark, style = {True: ("ok", "green"), False: ("missing", "red"), None: ("optional", "yellow")}[check.ok]
        space = Text(" " * (_INDENT - 2 - cell_len(words(mark)))) + Text(words(mark), style=style) + Text("  ")
        details = [words.message(check.detail), words.comma.join(map(words.remark, check.remarks))]
        said = Text(words.colon.join([words.message(check.name), *filter(None, details)]))
        for line in folded(said, console.width - _INDENT):
            console.print(space + line, soft_wrap=True)
            space = Text(" " * _INDENT)
        if check.advice:
            print_folded(console, Text(words.message(check.advice), style="dim"), _INDENT)


def print_timing(trials: Iterable[TrialResult], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print where the time of these trials went."""
    console = console or open_console()
    table = PhaseTable.of(trials, words)
    names, *modes = map(list, zip(*table.rows))
    console.print()
    print_folded(console, Text(words("Where the time of a trial went, mean seconds")))
    columns = [Column(mode, cells) for mode, cells in zip(table.headings[1:], modes)]
    print_table(console, Column(table.headings[0], names, number=False), columns, words)
