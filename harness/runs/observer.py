"""What a run tells of its progress while it goes on."""

from harness.records import Trial, TrialResult
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
