"""Two columns of numbers and the change from the one to the other, for a person at a terminal."""

from typing import Optional, Sequence, Tuple

from rich.console import Console

from reports.figures import NOT_MEASURED
from reports.language import Words
from reports.terminal.tables import Column, print_table

Row = Tuple[str, Optional[float], Optional[float]]
"""Name as it is shown, first and second number; None where a side has none."""


def print_side_by_side(console: Console, rows: Sequence[Row], headings: Tuple[str, str], words: Words) -> None:
    """Print the table; `headings` name the two sides."""
    columns = [
        Column(words(headings[0]), [_number(old) for _, old, _ in rows]),
        Column(words(headings[1]), [_number(new) for _, _, new in rows]),
        Column(words("change"), [_change(old, new) for _, old, new in rows]),
    ]
    print_table(console, Column(words("figure"), [name for name, _, _ in rows], number=False), columns, words)


def scaled(value: Optional[float], scale: float) -> Optional[float]:
    """Return a number in another unit; a scale of 1 leaves whole numbers whole."""
    return value if value is None or scale == 1.0 else value * scale


def _number(value: Optional[float]) -> str:
    if value is None:
        return NOT_MEASURED
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _change(old: Optional[float], new: Optional[float]) -> str:
    if old is None or new is None:
        return NOT_MEASURED
    if old == new:
        return "="
    if not old:
        return f"{new - old:+g}"
    change = new / old - 1
    return f"{change:+.1%}" if abs(change) >= 5e-4 else f"{change:+.1e}"
