"""Run folders: every file in them is written whole or not at all, but for the journal, which grows by whole lines."""

import json
import os
import secrets
import stat
from datetime import datetime, timezone
from pathlib import Path
from typing import List, Sequence, Tuple, Type

from pydantic import ValidationError

from harness.errors import UsageError
from harness.reading import UnreadableError, parse_json, read_file
from harness.records import Calibration, Comparison, Record, Run, TrialResult
from harness.records.events import Sample, parse_event
from harness.store.files import (
    R,
    first_problem,
    parse_record,
    read_record,
    read_record_bytes,
    slug,
    write_atomic,
)

_OWNER = "run"
"""Key of a journal's line that says whose it is."""


def inside(folder: Path, name: str) -> Path:
    """Return the path of a file that a record in `folder` names; a record from elsewhere may name anything.

    Raises:
        UsageError: the name is of no regular file below the folder, or a link stands on the way to it.
    """
    base = folder.resolve()
    path = base / name
    try:
        if os.path.isabs(name) or ".." in Path(name).parts or path.resolve() != path:
            raise UsageError(f"file {name!r}: it leads out of {folder} (expected a plain path below the record)")
        if not stat.S_ISREG(os.lstat(str(path)).st_mode):
            raise UsageError(f"file {path}: not a file")
    except (OSError, ValueError, RuntimeError) as error:  # no such file; NUL in the name; links in a circle
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"file {name!r} in {folder}: {reason}") from error
    return path


class RunFolder:
    """One run's files: run.json, journal.jsonl, and a folder with log, samples and picture for each trial."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(str(path)))  # Path.resolve raises RuntimeError on a link that leads to itself

    @classmethod
    def create(cls, results: Path, suite: str) -> "RunFolder":
        """Make a folder that no other run has; raises UsageError when `results` cannot be written.

        Its name is the run's id: by its random end it differs from those that other machines make in the same second.
        """
        stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
        try:
            results.mkdir(parents=True, exist_ok=True)
            while True:
                path = results / f"{suite}-{stamp}-{secrets.token_hex(3)}"
                try:
                    path.mkdir()
                    return cls(path)
                except FileExistsError:
                    if not path.is_dir():
                        raise
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(
                f"output folder {results}: {reason} (expected one that can be written; see --output)"
            ) from error

    def trial_path(self, trial_id: str, attempt: int = 1) -> Path:
        """Return the path of the folder of an attempt at a trial, which need not be there."""
        suffix = f".attempt-{attempt}" if attempt > 1 else ""
        return self.path / "trials" / f"{slug(trial_id)}{suffix}"

    def trial_folder(self, trial_id: str, attempt: int = 1) -> Path:
        """Make and return the folder of an attempt at a trial."""
        folder = self.trial_path(trial_id, attempt)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def next_attempt(self, trial_id: str) -> int:
        """Return the number, from 1, of the first attempt at a trial that no file tells of."""
        attempt = 1
        while (self.trial_path(trial_id, attempt) / "log.txt").exists():
            attempt += 1
        return attempt

    def oracle_path(self, case_id: str) -> Path:
        """File of a case's float64 trajectory, which lives as long as the run is measured: some 50 MB."""
        return self.path / f"{slug(case_id)}.oracle.npz"

    def targets_path(self, case_id: str, mode: str) -> Path:
        """File of a case's targets in a mode, which lives as long as the run is measured: some 10 MB."""
        return self.path / f"{slug(f'{case_id}.{mode}')}.targets.npz"

    def drop_shared(self) -> None:
        """Remove what the trials shared, and only the measurement needed."""
        for kind in ("oracle", "targets"):
            for path in self.path.glob(f"*.{kind}.npz*"):
                path.unlink()

    @property
    def journal_path(self) -> Path:
        """File of the journal: one line of JSON for each finished trial, or pair of trials."""
        return self.path / "journal.jsonl"

    def append_journal(self, owner: str, result: Record) -> None:
        """Add a finished trial, or pair of trials, to the journal and onto the disk; the line names its owner's id."""
        with open(self.journal_path, "ab") as file:
            file.write(_journal_line(owner, result))
            file.flush()
            os.fsync(file.fileno())

    def recover_journal(self, owner: str, record: Type[R] = TrialResult) -> List[R]:  # type: ignore[assignment]
        """Return the finished trials, or pairs, and drop a last line that was torn by a crash.

        Args:
            owner: id of the run or calibration; lines without one were written before lines had any.

        Raises:
            UsageError: the journal, or a line before the last, cannot be read, or is of another owner.
        """
        path = self.journal_path
        try:
            lines = read_file(path).splitlines(keepends=True) if os.path.lexists(path) else []
        except UnreadableError as error:
            raise UsageError(f"journal {path}: {error}") from error
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
            write_atomic(path, b"".join(lines))
        return [
            _of_journal(f"journal {path}: line {number}", line, owner, record) for number, line in enumerate(lines, 1)
        ]

    def rewrite_journal(self, owner: str, results: Sequence[Record]) -> None:
        """Write the journal anew, with these results alone."""
        write_atomic(self.journal_path, b"".join(_journal_line(owner, result) for result in results))

    def samples(self, trial: TrialResult) -> List[Sample]:
        """Return the steps of a trial, up to the first line that cannot be read; none when the file is not there."""
        try:
            lines = read_file(inside(self.path, trial.samples)).decode("utf-8", "replace").splitlines()
        except (UsageError, UnreadableError):
            return []
        samples: List[Sample] = []
        for line in lines:
            try:
                event = parse_event(line)
            except ValidationError:
                break
            if isinstance(event, Sample):
                samples.append(event)
        return samples

    def load(self) -> Run:
        """Read run.json; raises UsageError when it is not there or not one this version reads."""
        return self._load(Run, "run")

    def load_with_bytes(self) -> Tuple[Run, bytes]:
        """Read run.json and return what it holds with its bytes; raises as `load` does."""
        path = self._path("run")
        what = f"run {path}"
        data = read_record_bytes(what, path)
        return parse_record(Run, what, data), data

    def save(self, run: Run) -> Path:
        """Write run.json and return its path."""
        return self._save(run, "run")

    def load_comparison(self) -> Comparison:
        """Read comparison.json; raises as `load` does."""
        return self._load(Comparison, "comparison")

    def save_comparison(self, comparison: Comparison) -> Path:
        """Write comparison.json and return its path."""
        return self._save(comparison, "comparison")

    def load_calibration(self) -> Calibration:
        """Read calibration.json; raises UsageError as `load` does."""
        return self._load(Calibration, "calibration")

    def save_calibration(self, calibration: Calibration) -> Path:
        """Write calibration.json and return its path."""
        return self._save(calibration, "calibration")

    def _load(self, record: Type[R], name: str) -> R:
        path = self._path(name)
        return read_record(record, f"{name} {path}", path)

    def _path(self, name: str) -> Path:
        path = self.path / f"{name}.json"
        if not os.path.lexists(path):
            raise UsageError(f"{name} {self.path}: no {name}.json in it (expected a {name}'s folder)")
        return path

    def _save(self, record: Record, name: str) -> Path:
        path = self.path / f"{name}.json"
        write_atomic(path, (record.model_dump_json(indent=1) + "\n").encode())
        return path


def _journal_line(owner: str, result: Record) -> bytes:
    return json.dumps({_OWNER: owner, **result.model_dump(mode="json")}).encode() + b"\n"


def _of_journal(what: str, line: bytes, owner: str, record: Type[R]) -> R:
    """Read a journal's line; raises UsageError that begins with `what`."""
    try:
        document = parse_json(line)
        if not isinstance(document, dict):
            raise UnreadableError("expected a JSON object")
        theirs = document.pop(_OWNER, owner)
        if theirs != owner:
            raise UsageError(f"{what} is of run {theirs}, expected lines of {owner} alone (measure anew)")
        return record.model_validate(document)
    except UnreadableError as error:
        raise UsageError(f"{what} is damaged: {error} (measure anew)") from error
    except ValidationError as error:
        raise UsageError(f"{what} is damaged: {first_problem(error)} (measure anew)") from error
