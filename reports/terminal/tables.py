"""Tables that hold at any width: no name is ever broken, and columns give way in a stated order."""

import re
from typing import List, NamedTuple, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from reports.language import Words
from reports.plain_text import printable

_LEAST_TEXT = 40
"""Columns below which a long text stands beneath its row instead of in it."""
_INDENT = 4
"""Columns that such a text is indented by, and the figures beneath a name that leaves them no room."""

_TOKENS = re.compile(r"（*(?:[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef]+)[，。、；：！？）]*\s*|\s+")
"""A Chinese character, or a word, each with the marks that no line may begin or end with, and the blanks after it."""


class Column(NamedTuple):
    """A heading and a cell for each row."""

    heading: str
    cells: Sequence[str]
    number: bool = True
    """Whether its cells stand at the right."""
    rank: int = 0
    """The column of the highest rank gives way first; those of rank 0 stay."""
    long: bool = False
    """Whether it is a text that may take several lines; a table has one such column at most."""
    styles: Sequence[str] = ()
    """A style for each cell; empty: none."""

    @property
    def width(self) -> int:
        """Terminal columns that it takes in one line."""
        return max(map(cell_len, (self.heading, *self.cells)), default=0)

    def cell(self, row: int) -> Text:
        """Return a cell in its style."""
        return Text(self.cells[row], self.styles[row] if self.styles else "")


def print_table(console: Console, names: Column, columns: Sequence[Column], words: Words) -> None:
    """Print a row for each name, and beneath the table which columns had no room.

    Where the table is too wide, the gaps shrink first; then columns give way by rank; then names stand in lines of
    their own, above their figures.
    """
    names, columns = _plain(names), [_plain(column) for column in columns]
    short = [column for column in columns if not column.long]
    kept = [column for column in short if not column.rank]
    stacked = _width([names, *kept], 1) > console.width
    room = console.width - _INDENT if stacked else console.width
    first = [] if stacked else [names]
    while _width([*first, *short], 1) > room and len(short) > len(kept):
        short.remove(max(short, key=lambda column: column.rank))
    gap = 2 if _width([*first, *short], 2) <= room else 1
    left = room - _width([*first, *short], gap) - gap
    texts = [column for column in columns if column.long and any(column.cells)]
    beside = [column for column in texts if left >= min(column.width, _LEAST_TEXT)]
    shown = [column for column in columns if column in short or column in beside]
    widths = [min(column.width, left) if column in beside else column.width for column in (*first, *shown)]
    lines = _Lines(console, widths, gap, _INDENT if stacked else 0)
    lines.heading([*first, *shown])
    for row in range(len(names.cells)):
        if stacked:
            console.print(names.cell(row), soft_wrap=True)
        lines.row([*first, *shown], row)
        for column in texts:
            if column not in beside:
                lines.beneath(column.cell(row))
    absent = [column.heading for column in columns if column not in short and not column.long and column.heading]
    if absent:
        text = words("no room for: {columns}", columns=words.comma.join(absent))
        console.print(Text(text, style="dim"))


def folded(text: Text, width: int) -> List[Text]:
    """Return the text in lines of at most `width` columns, broken at blanks and between Chinese characters alone.

    A name that is wider than that has a longer line to itself.
    """
    breaks, begin = [], 0
    for token in _TOKENS.finditer(text.plain):
        if begin < token.start() and cell_len(text.plain[begin : token.end()].rstrip()) > width:
            breaks.append(token.start())
            begin = token.start()
    lines = list(text.divide(breaks))
    for line in lines:
        line.rstrip()
    return lines


def print_folded(console: Console, text: Text, indent: int = 0) -> None:
    """Print a text in as many lines as it takes, broken as `folded` breaks it, each `indent` columns from the left."""
    for line in folded(text, console.width - indent):
        console.print(Text(" " * indent) + line, soft_wrap=True)


def _plain(column: Column) -> Column:
    """Return the column with cells of one line each, as they will be shown, so that they can be measured."""
    return column._replace(cells=[printable(" ".join(cell.split("\n"))) for cell in column.cells])


def _width(columns: Sequence[Column], gap: int) -> int:
    return sum(column.width + gap for column in columns) - gap


class _Lines:
    """Prints the lines of one table; three jobs: the heading, the rows, a text beneath a row."""

    def __init__(self, console: Console, widths: Sequence[int], gap: int, indent: int) -> None:
        self._console, self._widths, self._gap, self._indent = console, widths, gap, indent

    def heading(self, columns: Sequence[Column]) -> None:
        """Print the headings and a line beneath them."""
        self._print([[Text(column.heading, "bold")] for column in columns], columns)
        rule = "─" if self._console.encoding.startswith("utf") else "-"
        length = sum(self._widths) + self._gap * (len(self._widths) - 1)
        self._console.print(Text(" " * self._indent + rule * length, "dim"), soft_wrap=True)

    def row(self, columns: Sequence[Column], row: int) -> None:
        """Print one row, as many lines as its longest text takes."""
        cells = []
        for column, width in zip(columns, self._widths):
            cell = column.cell(row)
            cells.append(folded(cell, width))
        self._print(cells, columns)

    def beneath(self, text: Text) -> None:
        """Print a text under its row, indented."""
        for line in folded(text, self._console.width - 2 * _INDENT) if text else []:
            self._console.print(Text(" " * 2 * _INDENT) + line, soft_wrap=True)

    def _print(self, cells: Sequence[List[Text]], columns: Sequence[Column]) -> None:
        for index in range(max(map(len, cells), default=0)):
            line = Text(" " * self._indent)
            for number, (column, width, lines) in enumerate(zip(columns, self._widths, cells)):
                cell = lines[index] if index < len(lines) else Text("")
                space = Text(" " * (width - cell.cell_len))
                line += (space + cell) if column.number else (cell + space)
                line += Text(" " * self._gap if number + 1 < len(columns) else "")
            line.rstrip()
            self._console.print(line, soft_wrap=True)
