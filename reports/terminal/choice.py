"""What the command choose says before it begins and at its end; the tables between are those of any run."""

from pathlib import Path
from typing import Optional

from rich.console import Console
from rich.text import Text

from harness.records import Choice, Suite
from reports.language import ENGLISH, Words
from reports.ready import not_mended, ready_modes
from reports.terminal.console import open_console
from reports.terminal.tables import print_folded

_MUCH = 1.5
"""Times the work of the default size and steps from which on it is said."""


def print_beforehand(
    suite: Suite,
    work: float,
    seconds: float,
    words: Words = ENGLISH,
    quiet: bool = False,
    console: Optional[Console] = None,
) -> None:
    """Say on standard error what is about to be drawn and how long that takes.

    Args:
        work: how many times the work of the default size and steps it is.
        seconds: what looking for the cause may take.
    """
    console = console or open_console(stderr=True, quiet=quiet)
    (case,) = suite.cases
    text = words(
        "Drawing {count} modes at {size} pixels, {steps} steps; then looking, for {seconds} s at most, "
        "for what spoils the wrong ones.",
        seconds=f"{seconds:g}",
        count=len(suite.modes),
        size=case.size,
        steps=case.steps,
    )
    print_folded(console, Text(text))
    long = words(
        "This is {times} times the work of the default size and steps, which take a few minutes.", times=f"{work:.1f}"
    )
    print_folded(console, Text(long if work >= _MUCH else words("It takes a few minutes.")))
    text = words("The answer on each mode comes first; a search that is interrupted keeps what it has found.")
    print_folded(console, Text(text))


def print_choice(choice: Choice, folder: Path, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the modes that may be used, with the options and files that tell the card, and which were not mended.

    Args:
        folder: the run's.
    """
    console = console or open_console()
    console.print()
    if choice.ready:
        print_folded(console, Text(words("Ready for the card, the quickest first:"), style="bold"))
    else:
        text = words("No mode is right on a 910 for these pictures, with or without ops in float32.")
        print_folded(console, Text(text, style="bold red"))
    for each in ready_modes(choice, folder, words):
        print_folded(console, Text(each.mode, style="bold green") + Text(words.colon + each.told))
        console.print(Text(f"    {each.options}"), soft_wrap=True)
    for text in not_mended(choice, words):
        print_folded(console, Text(text))
