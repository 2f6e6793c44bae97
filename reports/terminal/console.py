"""Where everything for people is printed: names stay text, and no encoding of a stream ends a command."""

import io
import sys
from typing import Callable, Iterable, List, Optional

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from reports.plain_text import printable, replacing

_ENDLESS = 10_000
"""Columns of what is no terminal: programs want each row in one line."""


class PlainConsole(Console):
    """A console on which a name with escape sequences in it is shown and does nothing."""

    def render(self, renderable: RenderableType, options: Optional[ConsoleOptions] = None) -> Iterable[Segment]:
        """Yield the segments of what is printed; rich's own control codes pass, those within texts are replaced."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def lines_of(width: int, draw: Callable[[Console], None]) -> List[str]:
    """Return what `draw` prints on a console of this width, line by line."""
    written = io.StringIO()
    draw(PlainConsole(file=written, width=width))
    return written.getvalue().splitlines()


def open_console(stderr: bool = False, quiet: bool = False) -> Console:
    """Return a console on standard output or standard error as they are now; `quiet` prints nothing.

    What is no terminal, such as a pipe or a file, is as wide as any line needs. Standard error, where progress is
    drawn, is a terminal when it is one, and not when FORCE_COLOR is set.
    """
    file = replacing(sys.stderr if stderr else sys.stdout)
    width = None if file.isatty() else _ENDLESS
    force_terminal = file.isatty() if stderr else None
    return PlainConsole(file=file, highlight=False, quiet=quiet, width=width, force_terminal=force_terminal)
