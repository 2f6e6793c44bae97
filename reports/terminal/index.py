"""What became of an index of runs, for a person at a terminal."""

from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.history.database import shown
from harness.history.index import Outcome
from reports.language import Words
from reports.terminal.console import open_console
from reports.terminal.history import print_problems


def print_pushed(outcomes: Sequence[Outcome], url: str, words: Words, console: Optional[Console] = None) -> None:
    """Print how many runs are new in the index, how many changed, how many were there."""
    counts = {name: outcomes.count(name) for name in ("added", "replaced", "known")}
    told = words("{added} runs added, {replaced} replaced, {known} were there already: {url}", **counts, url=shown(url))
    (console or open_console()).print(Text(told), soft_wrap=True)


def print_rebuilt(count: int, problems: Sequence[str], words: Words, console: Optional[Console] = None) -> None:
    """Print how many runs the figures were made of, and which records could not be read."""
    console = console or open_console()
    console.print(Text(words("the figures of {count} runs were made anew", count=count)), soft_wrap=True)
    print_problems(problems, words, console)


def print_pruned(count: int, words: Words, console: Optional[Console] = None) -> None:
    """Print how many runs were dropped."""
    (console or open_console()).print(Text(words("{count} runs dropped", count=count)))
