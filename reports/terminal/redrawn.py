"""What a command is doing, on standard error: redrawn in place on a terminal, and there alone."""

import time
from types import TracebackType
from typing import Optional, Type

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text
from typing_extensions import Self

from reports.language import Words

_REDRAWS_PER_SECOND = 2
"""Each takes about a millisecond of one core, so the steps lose some 0.1 % of a two-core machine."""


class Redrawn:
    """Lines that stand at the end of a terminal while something goes on; use as a context manager around it."""

    def __init__(self, console: Console, words: Words, activity: str) -> None:
        self.console = console
        self._words = words
        self._activity, self._since = activity, time.monotonic()
        self._live: Optional[Live] = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:  # elsewhere it would still write an empty line
            self._live = Live(
                console=self.console, get_renderable=self._draw, refresh_per_second=_REDRAWS_PER_SECOND, transient=True
            )
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _begin(self, activity: str) -> None:
        self._activity, self._since = activity, time.monotonic()

    def _seconds(self) -> str:
        """Return how long the activity has gone on."""
        return self._words("{seconds} s", seconds=f"{time.monotonic() - self._since:.0f}")

    def _draw(self) -> RenderableType:
        return Text(f"{self._activity}  {self._seconds()}", no_wrap=True, overflow="ellipsis")

    def _print(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)
