"""What the command choose says before it begins and at its end; the tables between are those of any run."""

from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Tuple

from rich.console import Console
from rich.text import Text

from harness.records import Suite
from reports.language import ENGLISH, Words
from reports.plain_text import shown_path
from reports.terminal.console import open_console

_MUCH = 1.5
"""Times the work of the default size and steps from which on it is said."""


class Ready(NamedTuple):
    """A mode that may be used, and how the card is told."""

    name: str
    precision_mode: str
    file: Optional[Path]
    """The customize_dtypes file; None where none is needed."""
    ops: Tuple[str, ...]
    """Ops that the file keeps in float32 so that the picture is right; empty where it is right anyway."""
    floor_seconds: float
    """Least time of a step on a 910, from the plan."""


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
    console.print(Text(text), soft_wrap=True)
    long = words(
        "This is {times} times the work of the default size and steps, which take a few minutes.", times=f"{work:.1f}"
    )
    console.print(Text(long if work >= _MUCH else words("It takes a few minutes.")), soft_wrap=True)
    text = words("The answer on each mode comes first; a search that is interrupted keeps what it has found.")
    console.print(Text(text), soft_wrap=True)


def print_ready(ready: Sequence[Ready], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the modes that may be used, with the options and files that tell the card."""
    console = console or open_console()
    console.print()
    if not ready:
        text = words("No mode is right on a 910 for these pictures, with or without ops in float32.")
        console.print(Text(text, style="bold red"), soft_wrap=True)
        return
    console.print(Text(words("Ready for the card, the quickest first:"), style="bold"), soft_wrap=True)
    for each in ready:
        floor = words("at least {floor} ms a step", floor=f"{each.floor_seconds * 1e3:.3f}")
        how = words("right with {count} ops in float32", count=len(each.ops)) if each.ops else words("right as it is")
        console.print(
            Text(each.name, style="bold green") + Text(words.colon + words.comma.join([how, floor])), soft_wrap=True
        )
        options = [f"precision_mode={each.precision_mode}"]
        options += [f"customize_dtypes={shown_path(each.file)}"] if each.file is not None else []
        console.print(Text(f"    {'  '.join(options)}"), soft_wrap=True)


def print_left(
    left: Sequence[str],
    slow: Sequence[str],
    seconds: float,
    words: Words = ENGLISH,
    console: Optional[Console] = None,
) -> None:
    """Print which wrong modes the time did not suffice for, and which were not worth mending.

    Args:
        left: names of the first.
        slow: names of the others.
        seconds: what the search was given.
    """
    console = console or open_console()
    if slow:
        text = words("No quicker on the card than what is right, so not mended: {modes}", modes=words.comma.join(slow))
        console.print(Text(text), soft_wrap=True)
    if left:
        text = words(
            "Not mended within {seconds} s: {modes}; --search gives more time, and blame searches for one mode",
            seconds=f"{seconds:g}",
            modes=words.comma.join(left),
        )
        console.print(Text(text), soft_wrap=True)
