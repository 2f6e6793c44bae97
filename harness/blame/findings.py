"""What a search for a cause has found so far, on the disk all along."""

from typing import List, Optional, Union

from harness.blame.messages import Score
from harness.records import Blame, GraphBlame
from harness.store.files import write_atomic
from harness.store.run_folder import RunFolder


class Findings:
    """Keeps every set that was tried in a journal, and the smallest that makes the mode fit as a file for the card."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self.journal, self.file = folder.journal_path, folder.path / "float32.cfg"
        self.scores: List[Score] = []
        self.smallest: Optional[Score] = None
        """Smallest set so far that makes the mode fit; None: none did, or the mode is fit as it is."""

    def add(self, score: Score) -> None:
        """Keep a set that was tried."""
        self._folder.append_journal(self._folder.path.name, score)
        self.scores.append(score)
        if score.customize_dtypes and (self.smallest is None or len(score.ops) <= len(self.smallest.ops)):
            self.smallest = score
            write_atomic(self.file, score.customize_dtypes.encode())

    def finish(self, found: Union[Blame, GraphBlame]) -> None:
        """Keep the answer."""
        write_atomic(self._folder.path / "blame.json", (found.model_dump_json(indent=1) + "\n").encode())
        if found.customize_dtypes:
            write_atomic(self.file, found.customize_dtypes.encode())
