"""What every format of a report is: something that writes a stored run."""

from pathlib import Path
from typing import Callable, Optional

from typing_extensions import Protocol

from harness.errors import UsageError
from harness.store.files import write_atomic
from reports.language import Words
from reports.stored_run import Evidence


class Exporter(Protocol):
    """Shows stored runs in one form. Each module that reports.formats names has one, called EXPORTER."""

    def check(self) -> None:
        """Raise UsageError where this form cannot be had."""

    def write(self, evidence: Evidence, folder: Path, words: Words) -> Optional[Path]:
        """Write the run and return the path of its file in the folder; None when it went elsewhere."""


def make_folder(folder: Path) -> None:
    """Make a folder for files; raises UsageError when it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"report folder {folder}: {error.strerror} (expected one that can be written)") from error


class FileExporter:
    """Writes a document that is made whole in memory."""

    def __init__(self, name: str, render: Callable[[Evidence, Words], bytes]) -> None:
        self._name, self._render = name, render

    def check(self) -> None:
        """Nothing is needed but the folder."""

    def write(self, evidence: Evidence, folder: Path, words: Words) -> Optional[Path]:
        """Write the document whole or not at all."""
        path = folder / self._name
        write_atomic(path, self._render(evidence, words))
        return path
