"""Run folders: every file in them is written whole or not at all, but for the journal, which grows by whole lines."""

import hashlib
import json
import os
import re
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Iterable, List, Optional, Type, TypeVar

import numpy as np
from pydantic import ValidationError

from harness.errors import UsageError
from harness.records import PLAN_DEVICE, SCHEMA_VERSION, Baseline, Calibration, PowerCard, Record, Run, TrialResult
from model import images

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

    def oracle_path(self, case_id: str) -> Path:
        """File of a case's float64 trajectory, which lives as long as the run is measured: some 50 MB."""
        return self.path / f"{slug(case_id)}.oracle.npz"

    def drop_oracles(self) -> None:
        """Remove what only the measurement needed."""
        for path in self.path.glob("*.oracle.npz*"):
            path.unlink()

    def append_journal(self, result: Record) -> None:
        """Add a finished trial, or pair of trials, to the journal and onto the disk."""
        with open(self.path / "journal.jsonl", "ab") as file:
            file.write(result.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def recover_journal(self, record: Type[R] = TrialResult) -> List[R]:  # type: ignore[assignment]
        """Return the finished trials, or pairs, and drop a last line that was torn by a crash.

        Raises:
            UsageError: another line cannot be read.
        """
        path = self.path / "journal.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
            write_atomic(path, b"".join(lines))
        try:
            return [record.model_validate_json(line) for line in lines]
        except ValidationError as error:
            raise UsageError(f"journal {path}: damaged: {_first_line(error)} (measure anew)") from error

    def load(self) -> Run:
        """Read run.json; raises UsageError when it is not there or not one this version reads."""
        return self._load(Run, "run")

    def save(self, run: Run) -> Path:
        """Write run.json and return its path."""
        return self._save(run, "run")

    def load_calibration(self) -> Calibration:
        """Read calibration.json; raises UsageError as `load` does."""
        return self._load(Calibration, "calibration")

    def save_calibration(self, calibration: Calibration) -> Path:
        """Write calibration.json and return its path."""
        return self._save(calibration, "calibration")

    def _load(self, record: Type[R], name: str) -> R:
        path = self.path / f"{name}.json"
        if not path.exists():
            raise UsageError(f"{name} {self.path}: no {name}.json in it (expected a {name}'s folder)")
        return _validated(record, f"{name} {path}", path)

    def _save(self, record: Record, name: str) -> Path:
        path = self.path / f"{name}.json"
        write_atomic(path, (record.model_dump_json(indent=1) + "\n").encode())
        return path


class Baselines:
    """The approved results and the power cards: one small JSON file each."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, suite: str, case: str, mode: str, device: str = PLAN_DEVICE) -> Path:
        """File of what was approved for a case and mode on a device."""
        return self.root / slug(suite) / slug(case) / f"{slug(device)}-{slug(mode)}.json"

    def load(self, suite: str, case: str, mode: str, device: str = PLAN_DEVICE) -> Optional[Baseline]:
        """Return the baseline, None when there is none.

        Raises:
            UsageError: the file is damaged, or of a newer schema.
        """
        path = self.path(suite, case, mode, device)
        return _validated(Baseline, f"baseline {path}", path) if path.exists() else None

    def load_all(self, suite: str) -> List[Baseline]:
        """Return the suite's baselines, but for those that cannot be read."""
        found = []
        for path in sorted((self.root / slug(suite)).glob("*/*.json")):
            try:
                found.append(_validated(Baseline, f"baseline {path}", path))
            except UsageError:
                continue  # named where it is needed
        return found

    def picture_path(self, baseline: Baseline) -> Path:
        """The picture that belongs to a baseline with a fidelity section."""
        path = self.path(baseline.suite, baseline.case, baseline.mode.name, baseline.device)
        return path.with_name(f"{path.name[: -len('.json')]}.png")

    def picture(self, baseline: Baseline) -> np.ndarray:
        """Pixels of the stored picture, uint8 RGB; raises UsageError when it is not the one that was approved."""
        path = self.picture_path(baseline)
        try:
            data = path.read_bytes()
            pixels = images.read(str(path))
        except (OSError, images.ImageError) as error:
            raise UsageError(f"baseline {path}: {error}") from error
        if baseline.fidelity is None or hashlib.sha256(data).hexdigest() != baseline.fidelity.picture_sha256:
            raise UsageError(f"baseline {path}: not the picture that was approved (its SHA-256 differs)")
        return pixels

    def save(self, baseline: Baseline, picture: Optional[bytes] = None) -> Path:
        """Write the baseline, each file whole or not at all, and return its path; a picture goes first."""
        if picture is not None:
            path = self.picture_path(baseline)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, picture)
        return _save_readable(self.path(baseline.suite, baseline.case, baseline.mode.name, baseline.device), baseline)

    def card_path(self, machine_key: str, suite: str, case: str) -> Path:
        """File of the power card of a machine, suite and case."""
        return self.root / "power" / f"{slug(machine_key)}-{slug(suite)}-{slug(case)}.json"

    def load_card(self, machine_key: str, suite: str, case: str) -> Optional[PowerCard]:
        """Return the power card, None when there is none; raises UsageError as `load` does."""
        path = self.card_path(machine_key, suite, case)
        return _validated(PowerCard, f"power card {path}", path) if path.exists() else None

    def save_card(self, card: PowerCard) -> Path:
        """Write the power card whole or not at all, and return its path."""
        return _save_readable(self.card_path(card.machine_key, card.suite, card.case), card)


def _save_readable(path: Path, record: Record) -> Path:
    """Write the record with sorted keys and a line for each value, so that it diffs well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, (json.dumps(record.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode())
    return path


def refuse_in_ci(what: str) -> None:
    """Raise UsageError in CI, which never writes baselines."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise UsageError(f"{what}: CI never writes baselines (the variable CI is set)")


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
