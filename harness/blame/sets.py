"""The search for a smallest set of ops that makes a mode fit when it is kept in float32, whatever is fit by it."""

from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Sequence, Tuple

from harness.blame.blocks import Swap
from harness.blame.delta_debugging import smallest
from harness.blame.messages import Answer, Attempt, Score

Stages = Sequence[Callable[[Swap], str]]
"""What each stage of a search names the ops by, from large parts to single ops."""

STAGES: Stages = (
    lambda swap: swap.group,
    lambda swap: swap.block,
    lambda swap: f"{swap.group} {swap.type}",
    lambda swap: swap.op,
)
"""Of the style step: kinds of blocks, blocks, types of op within their kind, ops."""


class Found(NamedTuple):
    """What a search ends with."""

    fit_before: bool
    """True when the mode is fit as it is."""
    swaps: Tuple[Swap, ...] = ()
    """The ops that make it fit; empty where none are needed, or none do."""
    is_hint: bool = False
    """True when they are one of the hints, of which nobody tried whether fewer do."""

    @property
    def fit_after(self) -> bool:
        """Say whether the mode is fit with these ops."""
        return self.fit_before or bool(self.swaps)


class SetSearch:
    """Scores sets of ops, each once, and looks for a smallest one that fits.

    Args:
        score: runs the mode with these ops in float32 and says what came of it.
        tell: is told every set before it is tried, and its score.
        hints: names of ops that mended other modes.
    """

    def __init__(
        self,
        score: Callable[[Sequence[Swap]], Score],
        tell: Callable[[Answer], None],
        stages: Stages = STAGES,
        hints: Sequence[Tuple[str, ...]] = (),
    ) -> None:
        self._score, self._tell, self._stages, self._hints = score, tell, stages, hints
        self.scores: Dict[FrozenSet[str], Score] = {}
        """By the names of the ops: every set that was tried."""

    def run(
        self, every: Callable[[], Sequence[Swap]], suspects: Callable[[], Sequence[Tuple[str, ...]]] = tuple
    ) -> Found:
        """Search among these ops, which are asked for only where the mode is not fit as it is.

        Args:
            suspects: names of ops at which something is seen to go wrong: the first such set that fits is reduced, and
                no other op is blamed, though keeping what feeds them in float32 may mend the mode too.
        """
        if self.fits(()):
            return Found(True)
        swaps = every()
        hinted = self._hinted(swaps)
        if hinted:
            return Found(False, tuple(hinted), True)
        for names in suspects():
            suspected = [swap for swap in swaps if swap.op in names]
            if suspected and self.fits(suspected):
                return Found(False, tuple(self._smallest(suspected, len(self._stages), self._stages[-1])))
        return Found(False, tuple(self._staged(swaps)) if self.fits(swaps) else ())

    def fits(self, chosen: Sequence[Swap], stage: int = 0, left: int = 0) -> bool:
        """Say whether the mode is fit with these ops in float32; sets that were tried before are remembered."""
        ops = frozenset(swap.op for swap in chosen)
        if ops not in self.scores:
            self._tell(Answer(attempt=Attempt(blocks=blocks_of(chosen), stage=stage, left=left)))
            self.scores[ops] = self._score(chosen)
            self._tell(Answer(score=self.scores[ops]))
        return self.scores[ops].fit

    def _hinted(self, every: Sequence[Swap]) -> Sequence[Swap]:
        """Return the first of the hints that makes the mode fit; empty when none does."""
        for hint in self._hints:
            chosen = [swap for swap in every if swap.op in hint]
            if chosen and self.fits(chosen):
                return chosen
        return ()

    def _staged(self, every: Sequence[Swap]) -> Sequence[Swap]:
        """Ever smaller parts, by the names of the stages."""
        found = every
        for stage, name in enumerate(self._stages, 1):
            found = self._smallest(found, stage, name)
        return found

    def _smallest(self, found: Sequence[Swap], stage: int, name: Callable[[Swap], str]) -> List[Swap]:
        names, left = list(dict.fromkeys(map(name, found))), 0

        def remember(most: int) -> None:
            nonlocal left
            left = most

        return _of(found, name, smallest(names, lambda part: self.fits(_of(found, name, part), stage, left), remember))


def blocks_of(chosen: Sequence[Swap]) -> Tuple[str, ...]:
    """Return the blocks of ops, each once."""
    return tuple(dict.fromkeys(swap.block for swap in chosen))


def _of(found: Sequence[Swap], level: Callable[[Swap], str], names: Any) -> List[Swap]:
    return [swap for swap in found if level(swap) in names]
