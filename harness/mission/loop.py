"""The stylization itself: steps, loss rows, checkpoints, the best picture, and where to continue."""

import math
import os
import time
from typing import Any, List, NamedTuple, Optional

import numpy as np

from harness import inputs
from harness.errors import UsageError
from harness.events import Phase, Planned, Sample
from harness.measure import DivergedError, require_finite, sample_steps
from harness.mission import files, state
from harness.mission.job import Job
from harness.records import Losses, WorkerEnvironment
from harness.worker import build_step
from model import images

LOSSES = ("content", "style", "tv", "total")


class Observer:
    """Hears of a stylization's progress; the base class stays silent."""

    def phase(self, phase: Phase) -> None:
        """Something else begins."""

    def begun(self, job: Job, environment: WorkerEnvironment, planned: Planned, updates: int) -> None:
        """The first step follows; `updates` were made before a resume."""

    def stepped(self, sample: Sample) -> None:
        """A step was made; its losses are those of the picture before it."""

    def finished(self, losses: Losses) -> None:
        """All steps were made; these are the losses after the last."""


class Outcome(NamedTuple):
    """How a stylization ended."""

    job: Job
    environment: WorkerEnvironment
    planned: Planned
    rows: np.ndarray
    """Finite losses by updates made: float64 of shape (updates + 1 or fewer, 4), in the order of LOSSES."""
    seconds: np.ndarray
    """Of each update."""
    total_seconds: float
    """From the start of this process's share to its end, reading and writing included."""
    diverged: Optional[DivergedError] = None
    interrupted: bool = False
    kept: bool = False
    """The output holds a picture: the best, or after a divergence the last finite one."""


def stylize(job: Job, cache: str, observer: Observer) -> Outcome:
    """Do the job, or continue it from its state file; every file is written whole or not at all.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: an input cannot be used; nothing has been written.
        DeviceUnavailable: the device cannot run the job; nothing has been written.
        OutputError: a file cannot be written.
    """
    start = time.monotonic()
    observer.phase(Phase(name="network"))
    loaded = inputs.load(job.case, cache)
    job = job.model_copy(update={"case": loaded.case})
    before = state.read(job) if job.resume else None
    if before is None and not job.overwrite:
        files.protect([*job.pictures(), *job.others()])
    if job.resume:
        for path in [*job.pictures(), *job.others()]:
            files.remove_unfinished(path)

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from harness.devices import open_device
    from harness.precision import GraphError, PrecisionConfigError

    device = open_device(job.device)
    observer.phase(Phase(name="targets"))
    keeps_colors = loaded.pictures.content if job.case.settings.preserve_colors else None
    try:
        graph = build_step(job.case, job.mode, device, loaded.pictures, loaded.network)
        mean_pixel = loaded.network.mean_pixel
        del loaded  # 100 MB of the peak otherwise
        observer.phase(Phase(name="graph"))
        keep = [graph.initialize, graph.result, graph.picture, *graph.state.values()]
        prepared = device.prepare(graph.graph_def, [graph.update, *graph.losses.values()], job.mode, keep)
    except (GraphError, PrecisionConfigError) as error:  # a customised name that is not in the graph
        raise UsageError(str(error)) from error
    planned = Planned(emulated=prepared.emulated, remarks=prepared.remarks)
    with device.session(prepared.graph_def) as session:
        graph = graph._replace(graph_def=None)
        del prepared
        run = _Run(job, graph, session, observer, mean_pixel, keeps_colors)
        if before is None:
            files.remove(job.state())  # of a job that this one replaces; it must not be continued after a crash
        run.restore(before)
        observer.begun(job, device.environment(), planned, run.updates)
        diverged, interrupted, kept = None, False, True
        try:
            run.go()
        except DivergedError as error:
            diverged, kept = error, run.rescue()
        except KeyboardInterrupt:
            interrupted, kept = True, False
    return Outcome(
        job=job,
        environment=device.environment(),
        planned=planned,
        rows=np.reshape(run.rows, (-1, len(LOSSES))),
        seconds=np.array(run.seconds, float),
        total_seconds=time.monotonic() - start,
        diverged=diverged,
        interrupted=interrupted,
        kept=kept,
    )


class _Run:
    """A session on the step's graph, and all that is known of the job so far."""

    def __init__(
        self,
        job: Job,
        graph: Any,
        session: Any,
        observer: Observer,
        mean_pixel: np.ndarray,
        keeps_colors: Optional[np.ndarray],
    ) -> None:
        self.job = job
        self.graph = graph
        self.session = session
        self.observer = observer
        self.mean_pixel = mean_pixel
        self.keeps_colors = keeps_colors
        self.updates = 0
        self.rows: List[List[float]] = []
        self.seconds: List[float] = []
        self.best_total = math.inf
        self.best: Optional[np.ndarray] = None
        self.candidate: Optional[np.ndarray] = None
        """Checkpoint picture whose losses come with the next step."""
        self.seen: Optional[np.ndarray] = None
        """Picture that the last step read."""
        self.finite: Optional[np.ndarray] = None
        """Picture of the last finite row."""
        # One fetch list for every row: TensorFlow 1.15 rounds differently in another.
        self.run_step = session.make_callable([*graph.losses.values(), graph.picture, graph.update])

    def restore(self, before: Optional[state.State]) -> None:
        """Set every variable: to the state, or to the start."""
        if before is None:
            self.session.run(self.graph.initialize)
            return
        feeds = {self.graph.state_inputs[name]: value for name, value in before.variables.items()}
        self.session.run(self.graph.initialize, feeds)
        self.updates, self.best_total, self.best = before.updates, before.best_total, before.best
        self.rows, self.seconds = before.rows.tolist(), before.seconds.tolist()
        if self.job.is_checkpoint(self.updates):
            self.candidate = self._picture(self.session.run(self.graph.result))

    def go(self) -> None:
        """Make the steps and write the result."""
        steps = self.job.case.steps
        self.observer.phase(Phase(name="steps"))
        for sample in sample_steps(self._step, steps, self.updates):
            self._add_row(sample.losses)
            self.seconds.append(sample.seconds)
            self.updates = sample.updates + 1
            self.observer.stepped(sample)
            if self.job.is_checkpoint(self.updates):
                self._save_state()
        # The losses after the last update are the one row that no step's forward pass holds.
        losses = {name: float(value) for name, value in self.session.run(self.graph.losses).items()}
        require_finite(steps, losses)
        if self.candidate is None:
            self.candidate = self._picture(self.session.run(self.graph.result))
        self._add_row(losses)
        assert self.best is not None
        self._write(self.job.output, self.best)
        self.observer.finished(losses)

    def rescue(self) -> bool:
        """Write the last finite picture as the result; False when there was none."""
        if self.finite is None:
            return False
        self._write(self.job.output, self._picture(self.finite))
        return True

    def _step(self) -> Losses:
        *losses, self.seen, _ = self.run_step()
        return dict(zip(self.graph.losses, map(float, losses)))

    def _add_row(self, losses: Losses) -> None:
        """Take in the losses of the picture after the updates made so far; judge it if it is a checkpoint."""
        self.finite = self.seen
        updates = len(self.rows)
        self.rows.append([losses[name] for name in LOSSES])
        if self.candidate is None:
            return
        if losses["total"] < self.best_total:
            self.best_total, self.best = losses["total"], self.candidate
        self.candidate = None
        if self.job.is_checkpoint(updates):
            assert self.best is not None
            self._write(self.job.checkpoint_path(updates), self.best)

    def _save_state(self) -> None:
        variables = self.session.run(self.graph.state)
        self.candidate = self._picture(self.session.run(self.graph.result))
        saved = state.State(
            updates=self.updates,
            variables=variables,
            rows=np.array(self.rows),
            seconds=np.array(self.seconds),
            best_total=self.best_total,
            best=self.best,
        )
        files.write(self.job.state(), state.encode(self.job, saved))

    def _picture(self, values: np.ndarray) -> np.ndarray:
        return images.to_uint8(values[0] + self.mean_pixel)

    def _write(self, path: str, pixels: np.ndarray) -> None:
        if self.keeps_colors is not None:
            pixels = images.preserve_colors(self.keeps_colors, pixels)
        files.write(path, images.encode(pixels, os.path.splitext(path)[1]))
