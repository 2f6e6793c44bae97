"""The history of run folders: an index in memory, made of what lies on the disk."""

from pathlib import Path
from typing import List, NamedTuple, Optional, Set

from harness.errors import UsageError
from harness.history.index import Index
from harness.history.parcel import Parcel
from harness.store.run_folder import RunFolder


class Found(NamedTuple):
    """Stored runs."""

    runs: Index
    problems: List[str]
    """One line about each run that cannot be read."""
    baselines: Set[Optional[str]]
    """Folders of approved results that the runs' suites name."""


def index_of(results: Path) -> Found:
    """Return what the runs in a folder say.

    Raises:
        UsageError: there is no such folder.
    """
    if not results.is_dir():
        raise UsageError(f"results {results}: no such folder (expected the one that runs are kept in; see --output)")
    found = Found(Index.in_memory(), [], set())
    for record in sorted(results.glob("*/run.json")):
        try:
            run = RunFolder(record.parent).load()
            if run.summaries or run.plans or run.fidelity:
                found.runs.push(Parcel.of(run, b""))
                found.baselines.add(run.suite.baselines)
        except UsageError as error:
            found.problems.append(str(error))
    return found
