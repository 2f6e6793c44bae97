"""The trials that run now, on standard error: a live line on a terminal, plain lines elsewhere."""

from collections import deque
from types import TracebackType
from typing import Deque, Dict, Iterable, NamedTuple, Optional, Type

from rich.console import Console
from rich.progress import Progress as LiveProgress
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from harness.records import Trial, TrialResult
from harness.records.events import Event, Phase, Sample
from harness.runs.runner import Observer
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console

_REDRAWS_PER_SECOND = 2
"""Each takes about a millisecond of one core, so the steps lose some 0.1 % of a two-core machine."""

_SPARKS = 8
"""Last steps drawn beside the current one."""

PHASES = {
    "network": "reading pictures",
    "targets": "computing targets",
    "graph": "building the step",
    "steps": "compiling the step",
    "finish": "scoring the picture",
    "timing": "finding the steady state",
    "health": "counting what float16 loses",
    "fidelity": "watching every layer",
}


def sparkline(values: Iterable[float]) -> str:
    """Return one block per value, from the least to the largest of them; half height when all are within 5 %."""
    values = list(values)
    low, high = min(values), max(values)
    if high <= low * 1.05:
        return "▄" * len(values)
    return "".join("▁▂▃▄▅▆▇█"[round((value - low) / (high - low) * 7)] for value in values)


class _Running(NamedTuple):
    """What is shown of a trial that is under way."""

    label: str
    task: TaskID
    recent: Deque[float]
    """Seconds of its last steps."""


class Progress(Observer):
    """Draws the running trial; use as a context manager around the run."""

    def __init__(self, console: Optional[Console] = None, quiet: bool = False, words: Words = ENGLISH) -> None:
        self.console = console or open_console(stderr=True, quiet=quiet)
        self._words = words
        self._live = LiveProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
            TextColumn("{task.fields[activity]}", markup=False, table_column=Column(no_wrap=True)),
            TimeElapsedColumn(),
            console=self.console,
            refresh_per_second=_REDRAWS_PER_SECOND,
            transient=True,
            expand=True,
        )
        self._running: Dict[str, _Running] = {}

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self.console.is_terminal:  # elsewhere it would still write an empty line
            self._live.stop()

    def waiting(self, seconds: float) -> None:
        """Say that a second measurement is waited for, and why."""
        text = "Slower than what is stored: measuring again in {seconds} s, to be sure"
        self._print(self._words(text, seconds=f"{seconds:.0f}"))

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """Name the trial that begins."""
        label = f"[{number}/{planned}] {trial.case.id}  {trial.mode.name}  #{trial.replicate}"
        label += f" {self._words('again')}" if trial.confirmation else ""
        if not self.console.is_terminal:
            self._print(f"{label}: {self._words('started')}")
        task = self._live.add_task(label, total=None, activity=self._words("starting TensorFlow"))
        self._running[trial.id] = _Running(label, task, deque(maxlen=_SPARKS))

    def event(self, trial: Trial, event: Event) -> None:
        """Show the step that was made or the phase that begins."""
        running = self._running[trial.id]
        if isinstance(event, Phase):
            self._live.update(running.task, activity=self._words(PHASES[event.name]))
        elif isinstance(event, Sample):
            running.recent.append(event.seconds)
            step = f"{event.updates + 1}/{trial.case.steps}" if event.phase != "extra" else self._words("settling")
            activity = f"{sparkline(running.recent)} {step} {event.seconds:.3f} s"
            self._live.update(running.task, activity=activity)

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """Print the trial's outcome in one line."""
        label, task, _ = self._running.pop(trial.id)
        self._live.remove_task(task)
        if result.status == "ok":
            whole = self._words("{seconds} s in all", seconds=f"{result.wall_seconds:.0f}")
            self._print(f"{label}: {self._step(result)}, {whole}")
        else:
            self._print(f"{label}: {self._words(result.status)}: {result.reason}", style="bold red")

    def _step(self, result: TrialResult) -> str:
        if result.step_seconds is None:
            return self._words("no timed step")
        emulated = f" ({self._words('emulated')})" if result.emulated else ""
        return self._words("{seconds} s/step", seconds=f"{result.step_seconds:.4f}") + emulated

    def _print(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)
