"""Run folders: every file in them is written whole or not at all, but for the journal, which grows by whole lines."""

import json
import os
import re
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Iterable, List, Optional, Type, TypeVar

from pydantic import ValidationError

from harness.errors import UsageError
from harness.records import SCHEMA_VERSION, Baseline, Record, Run, TrialResult

R = TypeVar("R", bound=Record)


def write_atomic(path: Path, data: bytes) -> None:
    """Write the file whole or not at all, and onto the disk before it takes its name; raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private
        os.replace(temporary, str(path))
    except BaseException:
        os.unlink(temporary)
        raise


def slug(text: str) -> str:
    """The text as a file name: letters, digits, and . _ + - alone."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip(".-") or "unnamed"


def numbered(path: str, index: int) -> str:
    """Path of picture `index` of a batch, from 0: a.png, a-2.png, a-3.png."""
    stem, suffix = os.path.splitext(path)
    return f"{stem}-{index + 1}{suffix}" if index else path


class RunFolder:
    """One run's files: run.json, journal.jsonl, and a folder with log, samples and picture for each trial."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @classmethod
    def create(cls, results: Path, suite: str) -> "RunFolder":
        """Make a folder no other run has; raises UsageError when `results` cannot be written."""
        stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
        try:
            results.mkdir(parents=True, exist_ok=True)
            number = 1
            while True:
                path = results / (f"{suite}-{stamp}" if number == 1 else f"{suite}-{stamp}-{number}")
                try:
                    path.mkdir()  # fails when it exists: two runs of one second get two folders
                    return cls(path)
                except FileExistsError:
                    if not path.is_dir():
                        raise
                    number += 1
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(
                f"output folder {results}: {reason} (expected one that can be written; see --output)"
            ) from error

    def trial_folder(self, trial_id: str) -> Path:
        """Make and return the folder of one trial."""
        folder = self.path / "trials" / slug(trial_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def append_journal(self, result: TrialResult) -> None:
        """Add a finished trial to the journal and onto the disk."""
        with open(self.path / "journal.jsonl", "ab") as file:
            file.write(result.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def recover_journal(self) -> List[TrialResult]:
        """Return the finished trials, and drop a last line that was torn by a crash.

        Raises:
            UsageError: another line cannot be read.
        """
        path = self.path / "journal.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
            write_atomic(path, b"".join(lines))
        try:
            return [TrialResult.model_validate_json(line) for line in lines]
        except ValidationError as error:
            raise UsageError(f"journal {path}: damaged: {_first_line(error)} (measure anew)") from error

    def load(self) -> Run:
        """Read run.json; raises UsageError when it is not there or not one this version reads."""
        path = self.path / "run.json"
        if not path.exists():
            raise UsageError(f"run {self.path}: no run.json in it (expected a run's folder)")
        return _validated(Run, f"run {path}", path)

    def save(self, run: Run) -> Path:
        """Write run.json and return its path."""
        path = self.path / "run.json"
        write_atomic(path, (run.model_dump_json(indent=1) + "\n").encode())
        return path


class Baselines:
    """The approved results: one small JSON file per suite, case and mode."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, suite: str, case: str, mode: str) -> Path:
        """File of the dtype plan approved for a case and mode; a plan is the card's, whatever it was made on."""
        return self.root / slug(suite) / slug(case) / f"ascend910-{slug(mode)}.json"

    def load(self, suite: str, case: str, mode: str) -> Optional[Baseline]:
        """Return the baseline, None when there is none.

        Raises:
            UsageError: the file is damaged, or of a newer schema.
        """
        path = self.path(suite, case, mode)
        if not path.exists():
            return None
        return _validated(Baseline, f"baseline {path}", path)

    def save(self, baseline: Baseline) -> Path:
        """Write the baseline whole or not at all, and return its path."""
        path = self.path(baseline.suite, baseline.case, baseline.mode.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(baseline.model_dump(mode="json"), indent=1, sort_keys=True)
        write_atomic(path, (text + "\n").encode())
        return path


def _validated(record: Type[R], what: str, path: Path) -> R:
    """Read a JSON file with a schema version; raises UsageError that begins with `what`."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{what}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{what}: not JSON: {error}") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise UsageError(f"{what}: schema version {version}, expected {SCHEMA_VERSION}")
    try:
        return record.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{what}: {_first_line(error)}") from error


def _first_line(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write one JSON line per record, the file whole or not at all."""
    write_atomic(path, b"".join(record.model_dump_json().encode() + b"\n" for record in records))
