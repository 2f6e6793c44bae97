"""What is running now: a live line on a terminal, plain lines elsewhere. Writes to standard error."""

import sys
from types import TracebackType
from typing import Optional, Type

from rich.console import Console
from rich.progress import Progress as LiveProgress
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from harness.events import Event, Phase, Sample
from harness.records import Trial, TrialResult
from harness.runner import Observer

_REDRAWS_PER_SECOND = 2
"""Each takes about a millisecond of one core, so the steps lose some 0.1 % of a two-core machine."""

_PHASES = {
    "network": "reading pictures",
    "targets": "computing targets",
    "graph": "building the step",
    "steps": "compiling the step",
    "finish": "scoring the picture",
    "timing": "finding the steady state",
    "health": "counting what float16 loses",
    "fidelity": "watching every layer",
}


class Progress(Observer):
    """Draws the running trial; use as a context manager around the run."""

    def __init__(self, console: Optional[Console] = None) -> None:
        self.console = console or Console(file=sys.stderr, highlight=False)
        self._live = LiveProgress(
            SpinnerColumn(),
            TextColumn("{task.description} {task.fields[activity]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            refresh_per_second=_REDRAWS_PER_SECOND,
            transient=True,
        )
        self._task = TaskID(0)
        self._label = ""

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
        """Say why nothing happens."""
        self._print(f"Slower than what is stored: measuring again in {seconds:.0f} s, to be sure")

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """Name the trial."""
        self._label = f"[{number}/{planned}] {trial.case.id}  {trial.mode.name}  #{trial.replicate}"
        self._label += " again" if trial.confirmation else ""
        if not self.console.is_terminal:
            self._print(f"{self._label}: started")
        self._task = self._live.add_task(self._label, total=trial.case.steps, activity="starting TensorFlow")

    def event(self, trial: Trial, event: Event) -> None:
        """Show the step or the phase."""
        if isinstance(event, Phase):
            self._live.update(self._task, activity=_PHASES[event.name])
        elif isinstance(event, Sample):
            of = f"/{trial.case.steps}" if event.phase != "extra" else " (finding the steady state)"
            activity = f"step {event.updates + 1}{of}  {event.seconds:.3f} s"
            self._live.update(self._task, completed=event.updates + 1, activity=activity)

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """Leave one line behind."""
        self._live.remove_task(self._task)
        if result.status == "ok":
            step = f"{result.step_seconds:.4f} s/step" if result.step_seconds is not None else "no timed step"
            self._print(f"{self._label}: {step}, {result.wall_seconds:.0f} s in all")
        else:
            self._print(f"{self._label}: {result.status}: {result.reason}", style="bold red")

    def _print(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)
