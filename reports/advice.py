"""What to do about a verdict, with commands that name the run, suite and mode at hand."""

import re
import shlex
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple

from harness.records import Run
from reports.plain_text import shown_path

_COMMAND = re.compile("`([^`]*)`")


class Origin(NamedTuple):
    """The run and the suite that commands name."""

    run: str
    """Path of the run's folder."""
    suite: str
    pictures: str = ""
    """Options of a command line that name pictures of one's own, ready for a shell, after a blank."""


ANY_RUN = Origin("RUN", "SUITE")
"""For verdicts of which the run is not at hand."""


def origin(run: Run, folder: Path) -> Origin:
    """Return what commands about a run in this folder name."""
    pictures = "".join(f" {shlex.quote(word)}" for word in picture_options(run))
    return Origin(shown_path(folder), run.suite.name, pictures)


def picture_options(run: Run) -> List[str]:
    """Return the options that draw a run's first case again; empty where it is not of pictures of one's own."""
    if not run.suite.own_cases:
        return []
    case = run.suite.cases[0]
    words = ["--content", shown_path(Path(case.content))]
    for style in case.styles:
        words += ["--styles", shown_path(Path(style))]
    words += ["--size", str(case.size)] if case.size else []
    words += ["--steps", str(case.steps)]
    return words + (["--network", case.network] if case.network != "synthetic" else [])


class Advice(NamedTuple):
    """A text whose commands stand between backticks, with {mode} and the names of Origin's fields in them."""

    template: str
    values: Dict[str, str]

    def text(self, command: Callable[[str], str] = str, other: Callable[[str], str] = str) -> str:
        """Return the text with its names filled in, its commands and the rest each brought into a format's form."""
        quoted = {name: value if name == "pictures" else shlex.quote(value) for name, value in self.values.items()}
        parts = _COMMAND.split(self.template)
        return "".join(
            command(part.format(**quoted)) if index % 2 else other(part) for index, part in enumerate(parts) if part
        )
