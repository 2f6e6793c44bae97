"""Two columns of numbers and the change from the one to the other, for a person at a terminal."""

from typing import Optional, Sequence, Tuple

from rich import box
from rich.table import Table
from rich.text import Text

from reports.figures import NOT_MEASURED
from reports.language import Words

Row = Tuple[str, Optional[float], Optional[float]]
"""Name, first and second number; None where a side has none."""


def side_by_side(rows: Sequence[Row], headings: Tuple[str, str], words: Words) -> Table:
    """Return the table; `headings` name the two sides."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(words("figure"), min_width=24)
    for name in (*headings, "change"):
        table.add_column(words(name), justify="right", min_width=12)
    for name, old, new in rows:
        table.add_row(Text(words(name)), _number(old), _number(new), _change(old, new))
    return table


def _number(value: Optional[float]) -> str:
    if value is None:
        return NOT_MEASURED
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _change(old: Optional[float], new: Optional[float]) -> str:
    if old is None or new is None:
        return NOT_MEASURED
    if old == new:
        return "="
    return f"{new / old - 1:+.1%}" if old else f"{new - old:+g}"
