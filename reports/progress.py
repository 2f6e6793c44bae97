"""What is running now: a live line on a terminal, plain lines elsewhere. Writes to standard error."""

import sys
import time
from types import TracebackType
from typing import Optional, Type

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from harness.records import Event, Phase, Sample, Trial, TrialResult
from harness.runner import Observer

_REDRAWS_PER_SECOND = 2
"""Each takes about a millisecond of one core, so the steps lose some 0.1 % of a two-core machine."""

_PHASES = {
    "network": "reading pictures and network",
    "targets": "computing targets",
    "graph": "building the step",
    "steps": "compiling the step",
    "finish": "writing the picture",
}


class Progress(Observer):
    """Draws the running trial; use as a context manager around the run."""

    def __init__(self, console: Optional[Console] = None) -> None:
        self.console = console or Console(file=sys.stderr, highlight=False)
        self._live: Optional[Live] = None
        self._label = ""
        self._activity = ""
        self._began = 0.0

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=_REDRAWS_PER_SECOND, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._live:
            self._live.stop()

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """Name the trial."""
        self._label = f"[{number}/{planned}] {trial.case.id}  {trial.mode.name}  #{trial.replicate}"
        self._began = time.monotonic()
        self._show("starting TensorFlow")
        if not self._live:
            self.console.print(Text(f"{self._label}: started"), soft_wrap=True)

    def event(self, trial: Trial, event: Event) -> None:
        """Show the step or the phase."""
        if isinstance(event, Phase):
            self._show(_PHASES[event.name])
        elif isinstance(event, Sample):
            done = event.updates + 1
            self._show(f"step {done}/{trial.case.steps}  {event.seconds:.3f} s  loss {event.losses['total']:.4g}")

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """Leave one line behind."""
        if result.status == "ok":
            step = f"{result.step_seconds:.4f} s/step" if result.step_seconds is not None else "no timed step"
            text = f"{self._label}: {step}, {result.wall_seconds:.0f} s in all"
        else:
            text = f"{self._label}: {result.status}: {result.reason}"
        self.console.print(Text(text, style="" if result.status == "ok" else "bold red"), soft_wrap=True)

    def _show(self, activity: str) -> None:
        if self._live:
            elapsed = time.monotonic() - self._began
            self._live.update(Spinner("line", Text(f"{self._label}  {activity}  ({elapsed:.0f} s)")))
