"""The formats of a report by name. Each is a module with `render(evidence, words) -> bytes`."""

import importlib
import os
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

from harness.errors import UsageError
from harness.store.files import write_atomic
from reports.language import Words
from reports.stored_run import Evidence


class Format(NamedTuple):
    """A way to show a run."""

    module: str
    file: str
    """Name of the file it writes; empty when it reports to the place it runs in."""


FORMATS: Dict[str, Format] = {
    "html": Format("reports.html.page", "report.html"),
    "markdown": Format("reports.documents.markdown", "report.md"),
    "junit": Format("reports.documents.junit", "junit.xml"),
    "json": Format("reports.documents.run_json", "run.json"),
    "pytest-benchmark": Format("reports.documents.pytest_benchmark", "pytest-benchmark.json"),
    "github": Format("reports.documents.github", ""),
}


def parse(names: str) -> List[str]:
    """Split a list such as `html,markdown`; `none` is the empty one.

    Raises:
        UsageError: a format is unknown, or cannot be had here.
    """
    chosen = [name.strip() for name in names.split(",")]
    if chosen == ["none"]:
        return []
    for name in chosen:
        if name not in FORMATS:
            raise UsageError(f"report format {name!r} is unknown (expected some of {', '.join(FORMATS)}, or none)")
    if "github" in chosen and not os.environ.get("GITHUB_ACTIONS"):
        raise UsageError("report format github: only within GitHub Actions (GITHUB_ACTIONS is not set)")
    return list(dict.fromkeys(chosen))


def render(name: str, evidence: Evidence, words: Words) -> bytes:
    """Return the run in this format."""
    return importlib.import_module(FORMATS[name].module).render(evidence, words)


def write(names: Sequence[str], evidence: Evidence, folder: Path, words: Words) -> List[Path]:
    """Write the run in each format, every file whole or not at all; return their paths.

    Raises:
        UsageError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"report folder {folder}: {error.strerror} (expected one that can be written)") from error
    written = []
    for name in names:
        path = folder / FORMATS[name].file
        if name == "github":
            importlib.import_module(FORMATS[name].module).announce(evidence, words)
        elif name == "json" and folder == evidence.folder:
            continue  # the run's own record is there already
        else:
            write_atomic(path, render(name, evidence, words))
            written.append(path)
    return written
