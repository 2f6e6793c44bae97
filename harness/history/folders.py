"""The history of run folders: an index in memory, made of what lies on the disk."""

from pathlib import Path
from typing import List, Tuple

from harness.errors import UsageError
from harness.history.index import Index
from harness.history.parcel import Parcel
from harness.store.run_folder import RunFolder


def index_of(results: Path) -> Tuple[Index, List[str]]:
    """Return an index of the runs in a folder, and one line about each that cannot be read.

    Raises:
        UsageError: there is no such folder.
    """
    if not results.is_dir():
        raise UsageError(f"results {results}: no such folder (expected the one that runs are kept in; see --output)")
    index, problems = Index.in_memory(), []
    for record in sorted(results.glob("*/run.json")):
        try:
            run = RunFolder(record.parent).load()
            if run.summaries or run.plans or run.fidelity:
                index.push(Parcel.of(run, b""))
        except UsageError as error:
            problems.append(str(error))
    return index, problems
