"""What `doctor` found, as a list."""

from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.machine.requirements import Check
from reports.terminal.console import open_console


def print_checks(checks: Sequence[Check], console: Optional[Console] = None) -> None:
    """Print what the doctor found."""
    console = console or open_console()
    for check in checks:
        mark, style = {True: ("ok", "green"), False: ("missing", "red"), None: ("optional", "yellow")}[check.ok]
        console.print(
            Text(f"{mark:>8}  ", style=style) + Text(f"{check.name}: {check.detail}", style=""), soft_wrap=True
        )
        if check.advice:
            console.print(Text(f"{'':10}{check.advice}", style="dim"), soft_wrap=True)
