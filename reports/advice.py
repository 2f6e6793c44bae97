"""What to do about a verdict, with commands that name the run, suite and mode at hand."""

import re
import shlex
from typing import Callable, Dict, NamedTuple

_COMMAND = re.compile("`([^`]*)`")


class Origin(NamedTuple):
    """The run and the suite that commands name."""

    run: str
    """Path of the run's folder."""
    suite: str


ANY_RUN = Origin("RUN", "SUITE")
"""For verdicts of which the run is not at hand."""


class Advice(NamedTuple):
    """A text whose commands stand between backticks, with the names {run}, {suite} and {mode} in them."""

    template: str
    values: Dict[str, str]

    def text(self, command: Callable[[str], str] = str, other: Callable[[str], str] = str) -> str:
        """Return the text with its names filled in, its commands and the rest each brought into a format's form."""
        quoted = {name: shlex.quote(value) for name, value in self.values.items()}
        parts = _COMMAND.split(self.template)
        return "".join(
            command(part.format(**quoted)) if index % 2 else other(part) for index, part in enumerate(parts) if part
        )
