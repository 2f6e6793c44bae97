"""One comment on what several runs found: `python -m reports.documents.comment FOLDER...`, for a workflow of CI."""

import sys
from pathlib import Path
from typing import List, Sequence

from harness.errors import UsageError
from reports.documents import markdown
from reports.language import ENGLISH, Words
from reports.stored_run import Evidence


def render(folders: Sequence[Path], limit: int, words: Words = ENGLISH) -> bytes:
    """Return the Markdown of the newest run in each folder, in this order, at most `limit` bytes in all.

    Each run gets an equal share of the room, so that the findings of all are seen, and is cut between its parts. A
    folder without a run, of a step that failed before it measured, is left out.
    """
    found = [evidence for folder in folders for evidence in _newest(folder)]
    share = limit // max(len(found), 1)
    return b"\n".join(markdown.fit(markdown.sections(evidence, words), share - 1, words) for evidence in found)


def _newest(folder: Path) -> List[Evidence]:
    """Return the run whose record was written last in the folders below, in a list; an empty one where none is."""
    records = [path for name in ("run.json", "comparison.json") for path in folder.glob(f"*/{name}")]
    for path in sorted(records, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            return [Evidence.load(path.parent)]
        except UsageError:
            continue
    return []


if __name__ == "__main__":
    sys.stdout.buffer.write(render([Path(name) for name in sys.argv[1:]], markdown.LIMIT))
