"""The mission's log lines on standard output, as its users' scripts parse them, and a bar on standard error.

The lines are for programs and English; what people read is in their language.
"""

import sys
import time
from collections import deque
from typing import Deque, Optional

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from harness.mission.job import Job
from harness.mission.loop import LOSSES, Observer, Outcome
from harness.records import Losses, WorkerEnvironment
from harness.records.events import Phase, Planned, Sample
from reports.language import ENGLISH, Words
from reports.phases import PHASES
from reports.terminal.console import open_console

_REDRAWS_PER_SECOND = 2
_MEAN_OF = 10
"""Last steps whose mean predicts the remaining time."""


class MissionLog(Observer):
    """Prints the log of one stylization; use as a context manager around it.

    The lines of iteration n and the losses before it come when step n is done, for its forward pass holds them.
    """

    def __init__(self, console: Optional[Console] = None, words: Words = ENGLISH) -> None:
        self.console = console or open_console(stderr=True)
        self._words = words
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=self.console,
            refresh_per_second=_REDRAWS_PER_SECOND,
            transient=True,
            # The lines must not go to standard error because the bar does.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = TaskID(0)
        self._job: Optional[Job] = None
        self._start = 0.0
        self._recent: Deque[float] = deque(maxlen=_MEAN_OF)

    def __enter__(self) -> "MissionLog":
        if self.console.is_terminal:
            self._bar.start()
        self._task = self._bar.add_task(self._words("starting"), total=1, loss="")
        return self

    def __exit__(self, *error: object) -> None:
        if self.console.is_terminal:  # elsewhere it would still write an empty line
            self._bar.stop()

    def phase(self, phase: Phase) -> None:
        """Name the phase beside the bar."""
        self._bar.update(self._task, description=self._words(PHASES[phase.name]))

    def begun(self, job: Job, environment: WorkerEnvironment, planned: Planned, updates: int) -> None:
        """Say which device runs which mode."""
        self._job, self._start = job, time.monotonic()
        self._bar.update(self._task, total=job.case.steps, completed=updates)
        told = [
            self._words(
                "{kind} ({device}) through TensorFlow {version}, mode {mode}",
                kind=environment.kind,
                device=environment.device,
                version=environment.tensorflow,
                mode=job.mode.name,
            )
        ]
        if planned.emulated:
            told.append(self._words("emulated: its step time says nothing about the card"))
        # The launch scripts look for the first words, and for the kind of device after them.
        self._remark(f"device: {self._words.comma.join(told)}")
        if updates:
            self._remark(self._words("resumed after {updates} updates", updates=updates))
        _say("Optimization started...")

    def stepped(self, sample: Sample) -> None:
        """Print the losses before the step when they are due, then the step's own line."""
        assert self._job is not None
        steps = self._job.case.steps
        # The last row has another place; a job without steps left to make has no other.
        if self._job.is_printed(sample.updates):
            _say(_loss_block(sample.losses))
        line = f"Iteration {sample.updates + 1:4d}/{steps:4d}"
        if self._recent:
            elapsed = time.monotonic() - self._start - sample.seconds
            remaining = sum(self._recent) / len(self._recent) * (steps - sample.updates)
            last = self._recent[-1]
            line += f" ({_duration(elapsed)} elapsed, {_duration(remaining)} remaining, {last:.9f} gap)"
            line += f"\nsec/step: {last:.9f}"
        _say(line)
        self._recent.append(sample.seconds)
        shown = self._words("loss {loss}", loss=f"{sample.losses['total']:.4g}")
        self._bar.update(self._task, description=self._words("stylizing"), completed=sample.updates + 1, loss=shown)

    def finished(self, losses: Losses) -> None:
        """Print the last losses."""
        _say(_loss_block(losses))

    def ended(self, outcome: Outcome) -> None:
        """Say on standard error why a stylization ended early, and what is left of it."""
        job, updates = outcome.job, len(outcome.seconds)
        if outcome.diverged is not None:
            kept = f"the last finite picture is kept in {job.output}" if outcome.kept else "no picture was finite"
            self._remark(self._words.message(f"{outcome.diverged}; {kept}"))
        elif outcome.interrupted:
            advice = "; --resume continues from the last checkpoint" if job.checkpoint_iterations else ""
            self._remark(self._words.message(f"interrupted after {updates} updates{advice}"))

    def _remark(self, text: str) -> None:
        self.console.print(Text(f"neural_style.py: {text}"), soft_wrap=True)


def _say(text: str) -> None:
    # At once, for whoever follows a log file; a step is far longer than a write.
    print(text, flush=True)


def _loss_block(losses: Losses) -> str:
    return "\n".join(f"{name + ' loss:':>13} {losses[name]:g}" for name in LOSSES)


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600} hr {whole % 3600 // 60} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60} sec"
    return f"{whole} sec"
