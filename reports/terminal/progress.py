"""What a run is doing, on standard error: on a terminal the table so far and more, redrawn; else a line a trial."""

import statistics
import time
from collections import deque
from typing import Deque, Dict, Iterable, List, Optional

from rich.console import Console, Group, RenderableType
from rich.text import Text

from harness.records import Trial, TrialResult
from harness.records.events import Event, Phase, Sample
from harness.runs.observer import Observer
from reports.language import ENGLISH, Words
from reports.phases import PHASES
from reports.terminal.console import open_console
from reports.terminal.redrawn import Redrawn
from reports.terminal.so_far import TableSoFar

_SPARKS = 8
"""Last steps drawn beside the current one."""

PREPARATIONS = {
    "inputs": "reading and hashing the pictures and the network",
    "hosts": "waiting for the hosts",
    "machine": "looking at the machine",
    "plans": "planning the card's dtypes",
}
"""By what an observer's `preparing` is told."""


def sparkline(values: Iterable[float]) -> str:
    """Return one block per value, from the least to the largest of them; half height when all are within 5 %."""
    values = list(values)
    low, high = min(values), max(values)
    if high <= low * 1.05:
        return "▄" * len(values)
    return "".join("▁▂▃▄▅▆▇█"[round((value - low) / (high - low) * 7)] for value in values)


def duration(seconds: float, words: Words) -> str:
    """Return whole seconds as a person would say them."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes >= 60:
        return words("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
    if minutes:
        return words("{minutes} min {seconds} s", minutes=minutes, seconds=rest)
    return words("{seconds} s", seconds=rest)


class _Running:
    """What is shown of a trial that is under way."""

    def __init__(self, trial: Trial, number: int, planned: int, words: Words) -> None:
        self.number, self.case = number, trial.case.id
        replicate = f"#{trial.replicate}" + (f" {words('again')}" if trial.confirmation else "")
        place = f"[{number}/{planned}]"
        self.label = f"{place} {trial.case.id}  {trial.mode.name}  {replicate}"
        self.short_label = f"{place} {trial.mode.name} {replicate}  {trial.case.id}"
        """What tells the trials of a run apart comes first: a narrow terminal cuts the end."""
        self.begun = time.monotonic()
        self.activity = words("starting TensorFlow")
        self.recent: Deque[float] = deque(maxlen=_SPARKS)
        """Seconds of its last steps."""


class Progress(Redrawn, Observer):
    """Shows what is done and what is left; use as a context manager around the run."""

    def __init__(self, console: Optional[Console] = None, quiet: bool = False, words: Words = ENGLISH) -> None:
        super().__init__(console or open_console(stderr=True, quiet=quiet), words, words("starting"))
        self._running: Dict[str, _Running] = {}
        self._begun = time.monotonic()
        self._durations: List[float] = []
        """Seconds of each trial that this process ran."""
        self._is_counted = False
        """Whether it was said how many trials there are."""
        self._number = self._planned = 0
        self._so_far = TableSoFar(words)

    def preparing(self, what: str) -> None:
        """Say what is done; of inputs and machine on a terminal alone, so that a refusal is one line."""
        self._begin(self._words(PREPARATIONS[what]))
        if what not in ("inputs", "machine") and not self.console.is_terminal:
            self._print(self._activity)

    def waiting(self, seconds: float) -> None:
        """Say that a second measurement is waited for, and why."""
        text = "Slower than what is stored: measuring again in {seconds} s, to be sure"
        self._print(self._words(text, seconds=f"{seconds:.0f}"))
        self._is_counted = False
        self._durations.clear()

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """Name the trial that begins; elsewhere than on a terminal the first says how many there are."""
        if not self._is_counted and not self.console.is_terminal:
            self._print(self._words("measuring trial {number} of {planned}", number=number, planned=planned))
        self._is_counted = True
        self._number, self._planned = number, planned
        self._running[trial.id] = _Running(trial, number, planned, self._words)

    def event(self, trial: Trial, event: Event) -> None:
        """Show the step that was made or the phase that begins."""
        running = self._running[trial.id]
        if isinstance(event, Phase):
            running.activity = self._words(PHASES[event.name])
        elif isinstance(event, Sample):
            running.recent.append(event.seconds)
            step = f"{event.updates + 1}/{trial.case.steps}" if event.phase != "extra" else self._words("settling")
            running.activity = f"{step}  {event.seconds:.3f} s  {sparkline(running.recent)}"

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """Add the trial to the table so far; print a line where none is drawn, and for what the table does not hold."""
        running = self._running.pop(trial.id)
        self._durations.append(time.monotonic() - running.begun)
        if not result.confirmation:
            self._so_far.add(result)
        if result.status != "ok":
            self._print(
                self._words.colon.join([running.label, self._words(result.status), self._words.message(result.reason)]),
                style="bold red",
            )
            return
        if self.console.is_terminal and not result.confirmation:
            return
        whole = self._words("{seconds} s in all", seconds=f"{result.wall_seconds:.0f}")
        left = "" if self.console.is_terminal else self._left(len(self._running) + 1)
        parts = [self._step(result), whole, *filter(None, [left])]
        self._print(f"{running.label}{self._words.colon}{self._words.comma.join(parts)}")

    def _step(self, result: TrialResult) -> str:
        if result.step_seconds is None:
            return self._words("no timed step")
        emulated = self._words.aside(self._words("emulated")) if result.emulated else ""
        return self._words("{seconds} s/step", seconds=f"{result.step_seconds:.4f}") + emulated

    def _draw(self) -> RenderableType:
        """Return the lines of a terminal, cut to its width: the table so far, two of each running trial, one of all."""
        under_way = list(self._running.values())
        room = self.console.height - 2 * len(under_way) - 2
        lines = self._so_far.lines([running.case for running in under_way], self.console.width, room)
        for running in under_way:
            lines += [running.short_label, f"    {running.activity}"]
        elapsed = duration(time.monotonic() - self._begun, self._words)
        parts = [self._words("{time} so far", time=elapsed), self._left(len(under_way))]
        total = self._words.comma.join(filter(None, parts))
        lines.append(total if under_way else f"{self._activity}{self._words.comma}{total}")
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))

    def _left(self, side_by_side: int) -> str:
        """Say how long the rest will take if each trial takes as long as those before; empty when nobody knows.

        Args:
            side_by_side: trials that run at once.
        """
        waiting = self._planned - self._number
        if not self._durations or not (waiting or self._running):
            return ""
        each, now = statistics.mean(self._durations), time.monotonic()
        seconds = each * waiting + sum(max(each - (now - one.begun), 0.0) for one in list(self._running.values()))
        return self._words("about {time} left", time=duration(seconds / max(side_by_side, 1), self._words))
