"""What a search for a cause found, for a person at a terminal."""

from typing import Optional

from rich.console import Console
from rich.text import Text

from harness.blame.findings import Findings
from reports.blame_answer import BlameAnswer
from reports.language import ENGLISH, Words
from reports.plain_text import shown_path
from reports.terminal.console import open_console
from reports.terminal.tables import print_folded

_STYLES = {"wrong": "bold red", "hint": "bold yellow", "": ""}
"""By the weight of a line."""


def print_answer(answer: BlameAnswer, console: Optional[Console] = None) -> None:
    """Print what was found, the ops, and the command that judges the file with them."""
    console = console or open_console()
    for line in answer.finding:
        print_folded(console, Text(line.text, style=_STYLES[line.weight]))
    for op in answer.ops:
        print_folded(console, Text(f"    {op}", style="bold"))
    for line in answer.grounds:
        print_folded(console, Text(line.text, style=_STYLES[line.weight]))
    if answer.command:
        console.print(Text(f"    {answer.command}"), soft_wrap=True)


def print_interrupted(findings: Findings, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print where what was found before an interruption is kept."""
    console = console or open_console()
    text = words(
        "The search was stopped; sets tried: {count}, kept in {journal}.",
        count=len(findings.scores),
        journal=shown_path(findings.journal),
    )
    print_folded(console, Text(text, style="bold"))
    if findings.smallest is not None:
        text = words(
            "With these {count} ops in float32 the mode is fit, maybe with fewer: {file}",
            count=len(findings.smallest.ops),
            file=shown_path(findings.file),
        )
        print_folded(console, Text(text))
