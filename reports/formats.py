"""The formats of a report by name."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

from harness.errors import UsageError
from harness.records import GraphCheck
from harness.store.files import write_atomic
from reports.exporter import Exporter, make_folder
from reports.language import Words
from reports.plain_text import shown_path
from reports.stored_run import Evidence

if TYPE_CHECKING:
    from reports.blame_answer import BlameAnswer

FORMATS: Dict[str, str] = {
    "html": "reports.html.page",
    "markdown": "reports.documents.markdown",
    "junit": "reports.documents.junit",
    "json": "reports.documents.run_json",
    "pytest-benchmark": "reports.documents.pytest_benchmark",
    "bmf": "reports.documents.bencher",
    "github": "reports.documents.github",
    "text": "reports.terminal.text",
}
"""The module that holds each one's exporter; it is imported when it is asked for."""
CHECK_FORMATS: Dict[str, Tuple[str, str]] = {
    "html": ("reports.html.check_page", "check.html"),
    "markdown": ("reports.documents.check_markdown", "check.md"),
    "junit": ("reports.documents.check_junit", "junit.xml"),
}
"""Of the check of a graph: the module that renders each, and its file."""
BLAME_FORMATS: Dict[str, Tuple[str, str]] = {"html": ("reports.html.blame_page", "blame.html")}
"""The same of a search for the cause of a wrong mode."""
PRINTED = ("github", "text")
"""Formats that go to standard output, wholly or in part."""


def exporter(name: str) -> Exporter:
    """Return the exporter of a format."""
    found: Exporter = importlib.import_module(FORMATS[name]).EXPORTER
    return found


def parse(names: str) -> List[str]:
    """Split a list such as `html,markdown`; `none` is the empty one.

    Raises:
        UsageError: a format is unknown, or cannot be had here.
    """
    chosen = parse_among(FORMATS, names)
    for name in chosen:
        exporter(name).check()
    return chosen


def write(names: Sequence[str], evidence: Evidence, folder: Path, words: Words) -> List[Path]:
    """Write the run in each format, every file whole or not at all; return their paths.

    Raises:
        UsageError: the folder cannot be made.
    """
    make_folder(folder)
    written = [exporter(name).write(evidence, folder, words) for name in names]
    return [path for path in written if path is not None]


def parse_among(known: Mapping[str, object], names: str) -> List[str]:
    """Split a list of these formats; `none` is the empty one. Raises UsageError when one is unknown."""
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen if chosen != ["none"] else ():
        if name not in known:
            raise UsageError(f"report format {name!r} is unknown (expected some of {', '.join(known)}, or none)")
    return [] if chosen == ["none"] else list(dict.fromkeys(chosen))


def write_check(names: Sequence[str], check: GraphCheck, folder: Path, words: Words) -> List[Path]:
    """Write the check in each format into its folder, every file whole or not at all; return their paths."""
    written = []
    for name in names:
        module, file = CHECK_FORMATS[name]
        render = importlib.import_module(module).render_check
        write_atomic(folder / file, render(check, shown_path(folder), words))
        written.append(folder / file)
    return written


def write_blame(names: Sequence[str], answer: "BlameAnswer", folder: Path, words: Words) -> List[Path]:
    """Write the answer of a search into its folder in each format, each file whole or not at all; return the paths."""
    written = []
    for name in names:
        module, file = BLAME_FORMATS[name]
        write_atomic(folder / file, importlib.import_module(module).render_blame(answer, words))
        written.append(folder / file)
    return written
