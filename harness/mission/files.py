"""The files of a stylization: where they may go, and how they get there."""

import glob
import os
import tempfile
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterable, Optional, Sequence

from harness.errors import UsageError
from harness.store.files import write_atomic
from model import images


class OutputError(Exception):
    """A file cannot be written; one line. Nothing half written is left."""


class Writer:
    """Encodes and writes files beside the steps: one task at a time, in the order given.

    What a task raises, the next call raises; after it nothing more is written. Leaving the context waits for the last.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._last: Optional[Future[None]] = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: Optional[type], *error: object) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._pool.shutdown()

    def submit(self, task: Callable[[], None]) -> None:
        """Run the task once the one before it is done."""
        self.wait()
        self._last = self._pool.submit(task)

    def check(self) -> None:
        """Raise what the last task raised, if it has ended."""
        if self._last is not None and self._last.done():
            self.wait()

    def wait(self) -> None:
        """Wait for the last task, and raise what it raised."""
        if self._last is not None:
            self._last.result()


def fill(template: str, updates: int) -> str:
    """Put the number into a path's {} or % placeholder; raises UsageError when there is none that takes it."""
    try:
        return template.format(updates) if "{" in template else template % updates
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"--checkpoint-output {template}: expected one placeholder for the iteration, such as {{}} or %d"
        ) from error


def check(pictures: Sequence[str], others: Sequence[str]) -> None:
    """Refuse outputs that could not be written at the end; leaves no file behind.

    Raises:
        UsageError, images.ImageError: a name or its folder cannot be used.
    """
    paths = [*pictures, *others]
    path, times = Counter(paths).most_common(1)[0]
    if times > 1:
        raise UsageError(f"output {path}: two files of one job would have this name")
    for suffix in {os.path.splitext(path)[1]: None for path in pictures}:
        images.check_suffix(suffix)
    for path in paths:
        if os.path.isdir(path):
            raise UsageError(f"output {path}: is a folder")
    for folder in {os.path.dirname(path): None for path in paths}:
        try:
            tempfile.TemporaryFile(dir=folder or ".").close()
        except OSError as error:
            raise UsageError(f"output folder {folder or '.'}: {error.strerror or error}") from error


def protect(paths: Iterable[str]) -> None:
    """Raise UsageError when one of the files exists."""
    for path in paths:
        if os.path.lexists(path):
            raise UsageError(f"output {path} exists (use --overwrite to replace it, --resume to continue its job)")


def write(path: str, data: bytes) -> None:
    """Write the file whole or not at all; raises OutputError."""
    try:
        write_atomic(Path(path), data)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def remove(path: str) -> None:
    """Remove the file if it exists; raises OutputError."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error


def remove_unfinished(path: str) -> None:
    """Remove what killed writers of this file left; raises OutputError."""
    # As harness.store.files.write_atomic names them: the file's name and mkstemp's eight characters.
    folder, name = os.path.split(path)
    for leftover in glob.glob(os.path.join(glob.escape(folder), f".{glob.escape(name)}." + "?" * 8)):
        remove(leftover)
