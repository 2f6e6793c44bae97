"""The search for what makes a mode's picture wrong, while it goes on."""

from typing import Mapping, Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.blame.messages import Answer, Attempt, Score
from reports.blame_answer import named
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.redrawn import Redrawn

PHASES = {
    "hosts": "searching on a host, which tells what it found at its end",
    "reference": "drawing the float32 picture",
    "noise": "measuring how far harmless noise moves it",
    "counting": "drawing the mode's picture",
}
STAGES = {
    0: "first the whole",
    1: "stage 1 of 4, kinds of blocks",
    2: "stage 2 of 4, blocks",
    3: "stage 3 of 4, types of op",
    4: "stage 4 of 4, ops",
}
"""By the number of a stage: where the search is."""


class BlameProgress(Redrawn):
    """Says what is being tried and how many sets are left, redrawn in place, and what came of each.

    Use it as a context manager around the search.
    """

    def __init__(
        self,
        mode: str,
        words: Words = ENGLISH,
        console: Optional[Console] = None,
        phases: Mapping[str, str] = PHASES,
        stages: Mapping[int, str] = STAGES,
    ) -> None:
        super().__init__(console or open_console(stderr=True), words, words("starting TensorFlow"))
        self._phases, self._stages = phases, stages
        self._mode, self._stage, self._number = mode, "", 0

    def heard(self, answer: Answer) -> None:
        """Show a message of the search."""
        if answer.phase is not None:
            self._begin(self._words(self._phases[answer.phase]))
            if not self.console.is_terminal:
                self._print(f"{self._mode}{self._words.colon}{self._activity}")
        elif answer.attempt is not None:
            blocks = answer.attempt.blocks
            self._begin(_in_float32(blocks, self._words) if blocks else self._words("the mode as it is"))
            self._stage = self._where(answer.attempt)
        elif answer.score is not None:
            self._scored(answer.score)

    def _where(self, attempt: Attempt) -> str:
        stage = self._words(self._stages[attempt.stage])
        left = self._words("at most {count} more in it", count=attempt.left) if attempt.left else ""
        return self._words.comma.join(filter(None, [stage, left]))

    def _scored(self, score: Score) -> None:
        """Say what came of one set that was tried, and, where no line is redrawn, how many are left."""
        self._number += 1
        verdict = self._words("fit" if score.fit else "wrong")
        parts = [
            f"[{self._number}] {verdict}",
            self._figure(score),
            _in_float32(score.blocks, self._words),
        ]
        if not self.console.is_terminal:
            parts.append(self._stage)
        self._print("  ".join(parts))

    def _figure(self, score: Score) -> str:
        if score.limit is None:
            return f"SSIM {1 - score.distance:.4f}"
        return self._words("{distance} of {limit}", distance=f"{score.distance:.3g}", limit=f"{score.limit:.3g}")

    def _draw(self) -> Text:
        line = self._words("trying {what}", what=self._activity) if self._stage else self._activity
        parts = [f"[{self._number + 1}] {self._mode}", line, self._stage, self._seconds()]
        return Text("  ".join(filter(None, parts)), no_wrap=True, overflow="ellipsis")


def _in_float32(blocks: Sequence[str], words: Words) -> str:
    return words("{blocks} in float32", blocks=named(blocks, words)) if blocks else words("nothing in float32")
