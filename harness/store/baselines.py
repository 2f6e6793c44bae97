"""The store of baselines: approved results and power cards, one small JSON file each."""

import hashlib
import json
import os
from pathlib import Path
from typing import List, Optional, Set, Tuple, TypeVar

import numpy as np

from harness.errors import UsageError
from harness.reading import UnreadableError, parse_json, read_file
from harness.records import PLAN_DEVICE, Baseline, CheckBaseline, GraphBaseline, PowerCard, TimingFigures
from harness.store.files import read_record, save_readable, slug, write_atomic
from model import images

Sealed = TypeVar("Sealed", Baseline, CheckBaseline, GraphBaseline, PowerCard)


class Baselines:
    """The approved results and the power cards in the folder `root`: one small JSON file each."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, suite: str, case: str, mode: str, device: str = PLAN_DEVICE, machine_key: str = "") -> Path:
        """Return the path of the baseline of a case and mode on a device; timings have one for each machine key."""
        where = f"{slug(device)}-{slug(machine_key)}" if machine_key else slug(device)
        return self.root / slug(suite) / slug(case) / f"{where}-{slug(mode)}.json"

    def load(
        self, suite: str, case: str, mode: str, device: str = PLAN_DEVICE, machine_key: str = ""
    ) -> Optional[Baseline]:
        """Return the baseline, None when there is none.

        Raises:
            UsageError: the file is damaged, was changed by hand, or holds another baseline than its name says.
        """
        path = self.path(suite, case, mode, device, machine_key)
        return self._read(path) if path.exists() else None

    def _read(self, path: Path) -> Baseline:
        what = f"baseline {path}"
        baseline = unchanged(read_record(Baseline, what, path), what)
        own = self._path_of(baseline)
        if own != path:
            raise UsageError(f"{what}: it is {own.relative_to(self.root)} under another name (restore its own)")
        return baseline

    def _path_of(self, baseline: Baseline) -> Path:
        machine_key = baseline.timing.machine_key if baseline.timing else ""
        return self.path(baseline.suite, baseline.case, baseline.mode.name, baseline.device, machine_key)

    def load_all(self, suite: str) -> List[Baseline]:
        """Return the suite's baselines; files that cannot be read are left out."""
        found = []
        for path in sorted((self.root / slug(suite)).glob("*/*.json")):
            try:
                found.append(self._read(path))
            except UsageError:
                continue  # named where it is needed
        return found

    def approved(self) -> Set[Tuple[str, str, str]]:
        """Return run, case and mode of every baseline; files that cannot be read are the gate's to complain of."""
        found = set()
        for path in self.root.glob("*/*/*.json"):
            try:
                document = parse_json(read_file(path))
                found.add((str(document["run"]), str(document["case"]), str(document["mode"]["name"])))
            except (UnreadableError, KeyError, TypeError):
                continue
        return found

    def timings_elsewhere(self, suite: str, case: str, mode: str, device: str, machine_key: str) -> List[TimingFigures]:
        """Return the timings approved for a case and mode on this kind of device under other machine keys."""
        alike = [
            found
            for found in self.load_all(suite)
            if (found.case, found.mode.name, found.device) == (case, mode, device)
        ]
        timings = [found.timing for found in alike if found.timing is not None]
        return [timing for timing in timings if timing.machine_key != machine_key]

    def picture_path(self, baseline: Baseline) -> Path:
        """Return the path of the picture that belongs to a baseline with a fidelity section."""
        path = self.path(baseline.suite, baseline.case, baseline.mode.name, baseline.device)
        return path.with_name(f"{path.name[: -len('.json')]}.png")

    def picture(self, baseline: Baseline) -> np.ndarray:
        """Return the pixels of the stored picture, uint8 RGB; raises UsageError when it is not the approved one."""
        path = self.picture_path(baseline)
        try:
            pixels = images.read(str(path))
        except (OSError, images.ImageError) as error:
            raise UsageError(f"baseline {path}: {error}") from error
        if baseline.fidelity is None or images.digest(pixels) != baseline.fidelity.picture_sha256:
            raise UsageError(f"baseline {path}: not the picture that was approved (its pixels differ)")
        return pixels

    def save(self, baseline: Baseline, picture: Optional[bytes] = None) -> Path:
        """Write the baseline and return its path; each file is written whole or not at all, the picture first."""
        if picture is not None:
            path = self.picture_path(baseline)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, picture)
        return save_readable(self._path_of(baseline), sealed(baseline))

    def card_path(self, machine_key: str, suite: str, case: str, disturbed: bool = False) -> Path:
        """Return the path of the power card of a machine, suite and case, calm or measured beside a load."""
        name = "-".join(slug(part) for part in (machine_key, suite, case))
        return self.root / "power" / f"{name}{'-disturbed' if disturbed else ''}.json"

    def load_card(self, machine_key: str, suite: str, case: str, disturbed: bool = False) -> Optional[PowerCard]:
        """Return the power card, None when there is none; raises UsageError when it is damaged or was changed."""
        path = self.card_path(machine_key, suite, case, disturbed)
        what = f"power card {path}"
        return unchanged(read_record(PowerCard, what, path), what) if path.exists() else None

    def save_card(self, card: PowerCard) -> Path:
        """Write the power card whole or not at all, and return its path."""
        return save_readable(self.card_path(card.machine_key, card.suite, card.case, card.disturbed), sealed(card))


def sealed(record: Sealed) -> Sealed:
    """Return the record with its checksum."""
    return record.model_copy(update={"checksum": _checksum(record)})


def _checksum(record: Sealed) -> str:
    # Fields with their default are left out, so that a field that is added later does not invalidate older files.
    content = record.model_dump(mode="json", exclude={"checksum"}, exclude_defaults=True)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def unchanged(record: Sealed, what: str) -> Sealed:
    """Return the record; raises UsageError, beginning with `what`, when it was changed after it was sealed."""
    if record.checksum != _checksum(record):
        raise UsageError(f"{what}: its checksum is not that of its figures (restore it, or approve a run anew)")
    return record


def refuse_in_ci(what: str) -> None:
    """Raise UsageError, beginning with `what`, in CI, which never writes baselines."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise UsageError(f"{what}: CI never writes baselines (the variable CI is set)")
