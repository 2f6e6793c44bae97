"""The figures of two stored runs beside each other, for a person at a terminal."""

from typing import Iterator, Optional

from rich.console import Console
from rich.text import Text

from harness.records import Run
from reports.figures import FIGURES
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.side_by_side import Row, print_side_by_side, scaled

_PLAN = (("casts", "casts", 1.0), ("910 floor ms", "roofline_seconds", 1e3))
"""Heading, field and scale of the figures of a dtype plan."""


def print_sides(first: Run, second: Run, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the figures of every case and mode that both runs have; what neither has measured is left out."""
    console = console or open_console()
    both = {(case.id, mode.name) for case, mode in first.pairs}
    for case, mode in second.pairs:
        rows = list(_rows(first, second, case.id, mode.name, words)) if (case.id, mode.name) in both else []
        if rows:
            console.print(Text(f"{case.id}  {mode.name}", style="bold"), soft_wrap=True)
            print_side_by_side(console, rows, ("first run", "second run"), words)
            console.print()


def _rows(first: Run, second: Run, case: str, mode: str, words: Words) -> Iterator[Row]:
    summaries = [run.summary_of(case, mode) for run in (first, second)]
    for figure in FIGURES:
        old, new = (figure.value(found) if found else None for found in summaries)
        if old is not None or new is not None:
            yield words(figure.heading), scaled(old, figure.scale), scaled(new, figure.scale)
    plans = [run.plan_of(case, mode) for run in (first, second)]
    for heading, field, scale in _PLAN:
        old, new = (getattr(plan, field) if plan else None for plan in plans)
        if old is not None or new is not None:
            yield words(heading), scaled(old, scale), scaled(new, scale)
