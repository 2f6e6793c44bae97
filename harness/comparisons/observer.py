"""What a comparison of two revisions tells of its progress while it goes on."""

from typing import Sequence

from harness.records import Pair


class PairObserver:
    """Hears of a comparison's progress; the base class stays silent."""

    def measuring(self, number: int, trees: str, mode: str, host: str = "") -> None:
        """Pair `number`, from 1, is about to be measured: both trees or one of them, here or on a host."""

    def measured(self, pairs: Sequence[Pair]) -> None:
        """These are all pairs that are measured so far."""
