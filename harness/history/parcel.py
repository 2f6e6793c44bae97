"""A run as an index takes it: its record, deflated, and its figures as rows that any database can hold."""

import functools
import hashlib
import zlib
from typing import Any, Dict, List, NamedTuple, Optional

from harness.errors import UsageError
from harness.history.series import Entry, entries_of
from harness.history.tables import FIGURES
from harness.machine import git
from harness.reading import LIMIT
from harness.records import Run
from harness.store.files import parse_record

_TEXT_LIMIT = 200
"""Characters; PostgreSQL's keys take some 2,700 bytes."""
_COMPLETE = 2**40
"""More than any run has trials."""


class Parcel(NamedTuple):
    """A run on its way into an index."""

    run: str
    """Its id."""
    row: Dict[str, Any]
    """Of harness.history.tables.RECORDS."""
    baselines: Optional[str]
    """Folder of approved results that its suite names."""
    figures: List[Dict[str, Any]]
    """Rows of harness.history.tables.FIGURES, without the key of the run."""

    @classmethod
    def of(cls, run: Run, record: bytes) -> "Parcel":
        """Pack a run; a commit's time that its record does not know is asked of this checkout.

        Args:
            record: bytes of its run.json.

        Raises:
            UsageError: the run has nothing to say of any case and mode.
        """
        machine = run.environment
        known = machine.committed or (_committed(machine.revision) if machine.revision else None)
        entries = entries_of(run, known)
        if not entries:
            raise UsageError(f"run {run.id}: nothing was measured, planned or judged in it (expected a measured run)")
        row = {
            "run_key": run_key(run),
            "digest": hashlib.sha256(record).hexdigest(),
            "progress": len(run.trials) + (_COMPLETE if run.complete else 0),
            "committed": known,
            "record": zlib.compress(record),
        }
        return cls(run.id, row, run.suite.baselines, rows_of(entries))


@functools.lru_cache(maxsize=None)
def _committed(revision: str) -> Optional[str]:
    return git.committed(revision)


def run_key(run: Run) -> str:
    """Return what tells a run from all others, and does not change when it is resumed, judged or measured again.

    Ids end at random; those of earlier versions did not, and two machines could make the same one in one second.
    """
    parts = (run.id, run.started, run.environment.machine_key, run.environment.revision or "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def unpack(what: str, record: bytes) -> Run:
    """Return the run that a deflated record holds; raises UsageError, beginning with `what`, when it is none."""
    try:
        inflating = zlib.decompressobj()
        data = inflating.decompress(record, LIMIT)
    except (zlib.error, TypeError) as error:  # TypeError: SQLite lets a column hold anything
        raise UsageError(f"{what}: damaged: {error}") from error
    if inflating.unconsumed_tail:
        raise UsageError(f"{what}: more than {LIMIT} bytes")
    return parse_record(Run, what, data)


def rows_of(entries: List[Entry]) -> List[Dict[str, Any]]:
    """Return the entries as rows, one for each case and mode."""
    names = [column.name for column in FIGURES.columns][1:]
    rows = [dict(zip(names, map(_storable, entry))) for entry in entries]
    # Hostile names may be one once they are storable.
    return list({(row["case_id"], row["mode"]): row for row in rows}.values())


def storable(text: str) -> str:
    """Return a text as databases store it: without NUL, and a long one cut and ended by a hash of all."""
    plain = text.replace("\0", "\\x00")
    if len(plain) <= _TEXT_LIMIT:
        return plain
    return f"{plain[:_TEXT_LIMIT]}…{hashlib.sha256(plain.encode()).hexdigest()[:12]}"


def _storable(value: Any) -> Optional[Any]:
    return storable(value) if isinstance(value, str) else value
