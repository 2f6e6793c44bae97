"""What `doctor` found, as a list."""

from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.machine.requirements import Check
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console


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
