"""What a run, and a comparison of two revisions, tell of their progress while they go on."""

from typing import Sequence

from harness.records import CalibrationPair, Pair, Trial, TrialResult
from harness.records.events import Event


class Observer:
    """Hears of a run's progress; the base class stays silent."""

    def preparing(self, what: str) -> None:
        """Before the trials `inputs` are about to be read or the `machine` looked at; between them `plans` are made."""

    def waiting(self, seconds: float) -> None:
        """Nothing runs for this many seconds, before figures are measured a second time."""

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """A worker is about to start: trial `number`, from 1, of `planned` trials."""

    def event(self, trial: Trial, event: Event) -> None:
        """The trial's worker reported this event."""

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """The trial's outcome is in the journal."""


class CalibrationObserver(Observer):
    """Hears of a calibration's progress too, whose trials are the two processes of a pair; this class stays silent.

    The numbers of its trials are those of their comparisons.
    """

    def counted(self, pairs: int, decided: int, of_decided: int) -> None:
        """Before the first pair and after each: all pairs, the comparisons at their end, and the pairs of those."""

    def pair_measured(self, pair: CalibrationPair) -> None:
        """The pair is in the journal and has been counted."""


class PairObserver:
    """Hears of a comparison's progress; the base class stays silent."""

    def measuring(self, number: int, trees: str, mode: str, host: str = "") -> None:
        """Pair `number`, from 1, is about to be measured: both trees or one of them, here or on a host."""

    def measured(self, pairs: Sequence[Pair]) -> None:
        """These are all pairs that are measured so far."""
