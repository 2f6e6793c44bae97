"""The search for what makes a mode compute a user's graph wrong, when it is done."""

import shlex
from pathlib import Path
from typing import Optional

from rich.console import Console
from rich.text import Text

from harness.records import GraphBlame
from reports.graph_check import why
from reports.language import ENGLISH, Words
from reports.plain_text import shown_path
from reports.terminal.console import open_console

PHASES = {
    "reference": "running it in float32",
    "noise": "measuring how far harmless noise moves it",
    "proof": "running it with what the file says",
}
STAGES = {
    0: "first the whole",
    1: "stage 1 of 4, layers",
    2: "stage 2 of 4, scopes",
    3: "stage 3 of 4, types of op",
    4: "stage 4 of 4, ops",
}
"""By the number of a stage: where the search is."""


def print_graph_blame(found: GraphBlame, file: Path, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the answer, and where the file is that makes the mode fit, with the command that judges it."""
    console = console or open_console()
    said = {"mode": found.mode, "graph": found.graph}
    if found.fit_before:
        _print(console, words("{mode} is fit for {graph}: nothing to blame.", **said))
        return
    _print(console, words("{mode} is wrong for {graph}: {why}", why=why(found.before, words), **said))
    if not found.ops:
        _print(console, words("It stays so with every op in float32."), "bold red")
        return
    _print(console, words("It is fit with these ops in float32:"))
    for op in found.ops:
        _print(console, f"    {op}", "bold")
    text = words("{count} sets were tried.", count=found.tried) + " "
    _print(console, text + words("Without any one of these ops it is wrong again."))
    if not found.fit_after:
        _print(console, words("Read from the file it is not fit: take it as a hint alone."), "bold red")
    _print(console, words("customize_dtypes file: {file}; judge it with", file=shown_path(file)))
    mode = found.before.mode.precision.mode
    command = ["python", "bench.py", "check", *found.options, "--modes", mode, "--customize-dtypes", shown_path(file)]
    _print(console, f"    {' '.join(map(shlex.quote, command))}")


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)
