"""Where a calibration is, on standard error: on a terminal its two processes, redrawn; else a line a pair."""

import time
from typing import Optional

from rich.console import Console

from harness.records import CalibrationPair, Trial, TrialResult
from harness.runs.observer import CalibrationObserver
from reports.language import ENGLISH, Words
from reports.terminal.progress import Progress, duration


class CalibrationProgress(Progress, CalibrationObserver):
    """Shows the comparisons that are at their end and what is left; use as a context manager around the calibration."""

    def __init__(self, comparisons: int, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
        """Set how many comparisons there are."""
        super().__init__(console, words=words)
        self._comparisons = comparisons
        self._pairs = self._decided = self._of_decided = 0
        self._first: Optional[int] = None
        """Pairs that were there before this process measured any."""
        self._last = self._begun
        """When the last pair ended."""

    def counted(self, pairs: int, decided: int, of_decided: int) -> None:
        """Take the counts into the pace, which begins with the first."""
        self._pairs, self._decided, self._of_decided = pairs, decided, of_decided
        self._last = time.monotonic()
        if self._first is None:
            self._first, self._begun = pairs, self._last

    def pair_measured(self, pair: CalibrationPair) -> None:
        """Print the pair's line, elsewhere than on a terminal."""
        if self.console.is_terminal:
            return
        steps = [self._seconds_of(seconds) for seconds in (pair.base_seconds, pair.head_seconds)]
        told = self._words("{base} and {head} s/step", base=steps[0], head=steps[1])
        whole = self._words("{seconds} s in all", seconds=f"{pair.wall_seconds:.0f}")
        name = self._words("pair {number}", number=pair.number)
        parts = self._words.comma.join(filter(None, [told, whole, self._left(1)]))
        self._print(f"[{pair.comparison}/{self._comparisons}] {name}{self._words.colon}{parts}")

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """Name the process by its comparison, its pair in it and its side."""
        self._is_counted = True  # its trials are told by the pair
        super().trial_started(trial, number, planned)
        running, (_, pair, side) = self._running[trial.id], trial.id.split(".")
        name = self._words("pair {number}", number=pair)
        running.label = running.short_label = f"[{number}/{planned}] {name} {self._words(side)}  {trial.case.id}"

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """Print what did not end well; of the others the pair tells."""
        if result.status != "ok":
            super().trial_ended(trial, result)
        else:
            del self._running[trial.id]

    def _seconds_of(self, seconds: Optional[float]) -> str:
        return "–" if seconds is None else f"{seconds:.4f}"

    def _left(self, side_by_side: int) -> str:
        """Say how long the rest takes if comparisons need as many pairs as those before; empty before the first.

        The pace is that of pairs, of all hosts together.
        """
        done = self._pairs - (self._first or 0)
        if not (done and self._decided) or self._decided == self._comparisons:
            return ""
        left = max(self._of_decided / self._decided * self._comparisons - self._pairs, 0)
        seconds = (self._last - self._begun) / done * left - (time.monotonic() - self._last)
        return self._words("about {time} left", time=duration(max(seconds, 0), self._words))
