"""Where a comparison of two revisions is, on standard error: on a terminal the pairs so far, redrawn; else lines."""

import time
from typing import List, Optional, Sequence, Tuple

from rich.console import Console, Group, RenderableType
from rich.text import Text

from harness.records import Pair
from harness.runs.observer import PairObserver
from reports.base_and_head import sides
from reports.language import ENGLISH, Words
from reports.terminal.base_and_head import print_rows
from reports.terminal.console import lines_of, open_console
from reports.terminal.progress import duration
from reports.terminal.redrawn import Redrawn


class ComparisonProgress(Redrawn, PairObserver):
    """Says which pair of which mode is measured and shows what the pairs before it say; use as a context manager."""

    def __init__(
        self,
        pairs: int,
        modes: int = 1,
        quiet: bool = False,
        words: Words = ENGLISH,
        console: Optional[Console] = None,
    ) -> None:
        """Set how many pairs each mode has at most, and how many modes there are."""
        console = console or open_console(stderr=True, quiet=quiet)
        super().__init__(console, words, words("preparing both revisions"))
        self._pairs, self._modes = pairs, modes
        self._begun = time.monotonic()
        self._measured: Sequence[Pair] = ()
        self._first: Optional[int] = None
        """How many pairs there were before this process measured any."""
        self._table: Tuple[Optional[Tuple[int, int]], List[str]] = (None, [])
        """The table, and the number of pairs and the width that it was made for."""

    def measuring(self, number: int, trees: str, mode: str, host: str = "") -> None:
        """Name the pair that begins; elsewhere than on a terminal a line for each."""
        pair = self._words("pair {number}/{pairs}", number=number, pairs=self._pairs)
        place = self._words("at {host}", host=host) if host else ""
        self._begin("  ".join(filter(None, [f"[{pair}] {self._words(trees)}", mode, place])))
        if not self.console.is_terminal:
            self._print(self._activity)

    def measured(self, pairs: Sequence[Pair]) -> None:
        """Take the pairs so far into the table."""
        self._measured = pairs
        if self._first is None:
            self._first, self._begun = self._done(), time.monotonic()

    def _done(self) -> int:
        return len({(pair.mode, pair.number) for pair in self._measured})

    def _draw(self) -> RenderableType:
        lines = self._lines()
        if len(lines) > self.console.height - 2:
            lines = []
        elapsed = time.monotonic() - self._begun
        told = self._words("{time} so far", time=duration(elapsed, self._words))
        total = self._words.comma.join(filter(None, [told, self._left(elapsed)]))
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in [*lines, self._activity, total]))

    def _lines(self) -> List[str]:
        key = len(self._measured), self.console.width
        if self._table[0] != key:  # it is drawn more often than pairs end
            rows = sides(self._measured)
            self._table = key, lines_of(key[1], lambda out: print_rows(rows, self._words, out)) if rows else []
        return self._table[1]

    def _left(self, elapsed: float) -> str:
        """Say how long the pairs that may still come take at the pace of those before; empty before the first."""
        done = self._done() - (self._first or 0)
        left = self._pairs * self._modes - self._done()
        if done <= 0 or left <= 0:
            return ""
        return self._words("at most about {time} left", time=duration(elapsed / done * left, self._words))
