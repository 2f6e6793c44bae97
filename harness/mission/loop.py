"""The stylization itself: steps, loss rows, checkpoints, the best pictures, and where to continue."""

import os
import time
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from harness.devices import memory, naming
from harness.devices.device import Device, Prepared, Session
from harness.errors import UsageError
from harness.machine.memory import give_back
from harness.mission import files, state
from harness.mission.job import Job
from harness.records import Losses, WorkerEnvironment
from harness.records.events import Phase, Planned, Sample
from harness.step import inputs
from harness.step.building import build_step
from harness.step.sampling import DivergedError, require_finite, sample_steps
from harness.step.scoring import summed
from model import images

if TYPE_CHECKING:
    from model.stylization import StepGraph

LOSSES = ("content", "style", "tv", "total")


class Observer:
    """Hears of a stylization's progress; the base class stays silent."""

    def phase(self, phase: Phase) -> None:
        """The stylization enters this phase."""

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
    """Seconds of each update: float64 of shape (updates,)."""
    total_seconds: float
    """Seconds from the start of `stylize` in this process to its end, reading and writing included."""
    diverged: Optional[DivergedError] = None
    """Error that says which loss ceased to be finite; None when none did."""
    interrupted: bool = False
    kept: bool = False
    """True when the output holds a picture: the best, or after a divergence the last finite one."""


def stylize(job: Job, cache: str, observer: Observer) -> Outcome:
    """Do the job, or continue it from its state file; every file is written whole or not at all.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: an input cannot be used; nothing has been written.
        DeviceUnavailable: the device cannot run the job, and nothing has been written; or it went away during the
            steps, and only checkpoints have been written.
        OutputError: a file cannot be written.
    """
    start = time.monotonic()
    observer.phase(Phase(name="network"))
    loaded = inputs.load(job.case, cache)
    job = job.model_copy(update={"case": loaded.case})
    memory.require(loaded, [job.mode], naming.choose_one(job.device).name, "--width")
    from harness.devices.opening import open_device

    device = open_device(job.device)
    before = _state_before(job, device.kind)
    contents = loaded.pictures.contents
    mean_pixel = loaded.network.mean_pixel
    graph, prepared = _prepare(job, device, loaded, observer)
    del loaded  # 100 MB of the peak otherwise
    planned = Planned(emulated=prepared.emulated, remarks=prepared.remarks)
    with device.session(prepared.graph_def) as session, files.Writer() as writer:
        del prepared
        session.run(graph.initialize)
        # Before the step is compiled: each further fetch copies all weights once more while it is.
        session.run(graph.result)
        give_back()
        # First, so that no picture is written that another device drew; it makes an update, which is undone below.
        device.confirm(session, [graph.update, *graph.losses.values()])
        if before is None:
            files.remove(job.state())  # of a job that this one replaces; it must not be continued after a crash
        identity = state.identity(job, device.kind)
        run = _Run(job, identity, graph, session, observer, writer, mean_pixel, contents)
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


def _state_before(job: Job, kind: str) -> Optional[state.State]:
    """The state to continue from, None for a job that begins; refuses to replace files unless told to."""
    before = state.read(job, kind) if job.resume else None
    paths = [*job.pictures(), *job.others()]
    if before is None and not job.overwrite:
        files.protect(paths)
    if job.resume:
        for path in paths:
            files.remove_unfinished(path)
    return before


def _prepare(job: Job, device: Device, loaded: inputs.Loaded, observer: Observer) -> "Tuple[StepGraph, Prepared]":
    """Return the step's graph, without its GraphDef, and that as the device runs it."""
    from harness.precision import GraphError, PrecisionConfigError

    observer.phase(Phase(name="targets"))
    try:
        graph = build_step(job.case, job.mode, device, loaded.pictures, loaded.network)
        observer.phase(Phase(name="graph"))
        fetches = [graph.update, *graph.losses.values()]
        keep = [graph.initialize, graph.result, graph.picture, *graph.state.values()]
        prepared = device.prepare(graph.graph_def, fetches, job.mode, keep)
    except (GraphError, PrecisionConfigError) as error:  # a customised name that is not in the graph
        raise UsageError(str(error)) from error
    return graph._replace(graph_def=None), prepared


class _Run:
    """A session on the step's graph, and all that is known of the job so far."""

    def __init__(
        self,
        job: Job,
        identity: Dict[str, Any],
        graph: "StepGraph",
        session: Session,
        observer: Observer,
        writer: files.Writer,
        mean_pixel: np.ndarray,
        contents: Sequence[np.ndarray],
    ) -> None:
        self.job = job
        self.graph = graph
        self.session = session
        self.observer = observer
        self.writer = writer
        self.mean_pixel = mean_pixel
        self.contents = contents
        self.identity = identity
        self.updates = 0
        self.rows: List[List[float]] = []
        self.seconds: List[float] = []
        self.best_totals = np.full(job.case.batch, np.inf)
        self.best: Optional[np.ndarray] = None
        self.candidates: Optional[np.ndarray] = None
        """Checkpoint pictures whose losses come with the next step; these and those below lack the mean pixel."""
        self.totals = np.full(job.case.batch, np.inf)
        """Total loss of each picture that the last step read."""
        self.seen: Optional[np.ndarray] = None
        """Pictures that the last step read."""
        self.finite: Optional[np.ndarray] = None
        """Pictures of the last finite row."""
        # One fetch list for every row: TensorFlow 1.15 rounds differently in another.
        self.run_step = session.make_callable([*graph.losses.values(), graph.picture, graph.update])

    def restore(self, before: Optional[state.State]) -> None:
        """Set every variable: to the state, or to the start."""
        if before is None:
            self.session.run(self.graph.initialize)
            return
        feeds = {self.graph.state_inputs[name]: value for name, value in before.variables.items()}
        self.session.run(self.graph.initialize, feeds)
        self.updates, self.best_totals, self.best = before.updates, before.best_totals, before.best
        self.rows, self.seconds = before.rows.tolist(), before.seconds.tolist()
        if self.job.is_checkpoint(self.updates):
            self.candidates = self.session.run(self.graph.result)

    def go(self) -> None:
        """Make the steps and write the results."""
        steps = self.job.case.steps
        self.observer.phase(Phase(name="first_step"))
        for sample in sample_steps(self._step, steps, self.updates):
            self.writer.check()
            self._add_row(sample.losses)
            self.seconds.append(sample.seconds)
            self.updates = sample.updates + 1
            self.observer.stepped(sample)
            if self.job.is_checkpoint(self.updates):
                self._save_state()
        # The losses after the last update are the one row that no step's forward pass holds.
        give_back()
        losses = self._losses(self.session.run(self.graph.losses))
        require_finite(steps, losses)
        if self.candidates is None:
            self.candidates = self.session.run(self.graph.result)
        self._add_row(losses)
        assert self.best is not None  # the row above judged a picture
        self._write(self.job.outputs(), self.best)
        self.writer.wait()
        self.observer.finished(losses)

    def rescue(self) -> bool:
        """Write the last finite pictures as the results, else the best that a state held; False without either."""
        if self.finite is not None:
            self._write(self.job.outputs(), self.finite)
        elif self.best is not None:
            self._write(self.job.outputs(), self.best)
        return self.finite is not None or self.best is not None

    def _step(self) -> Losses:
        *losses, self.seen, _ = self.run_step()
        return self._losses(dict(zip(self.graph.losses, losses)))

    def _losses(self, each: Dict[str, Any]) -> Losses:
        self.totals = np.atleast_1d(each["total"])
        return summed(each)

    def _add_row(self, losses: Losses) -> None:
        """Take in the losses of the pictures after the updates made so far; judge each if it is a checkpoint."""
        self.finite = self.seen
        updates = len(self.rows)
        self.rows.append([losses[name] for name in LOSSES])
        if self.candidates is None:
            return
        better = self.totals < self.best_totals
        self.best_totals = np.where(better, self.totals, self.best_totals)
        best = self.candidates if self.best is None else self.best
        self.best = np.where(better[:, None, None, None], self.candidates, best)
        self.candidates = None
        if self.job.is_checkpoint(updates):
            self._write(self.job.checkpoint_paths(updates), self.best)

    def _save_state(self) -> None:
        variables, self.candidates = self.session.run([self.graph.state, self.graph.result])
        saved = state.State(
            updates=self.updates,
            variables=variables,
            rows=np.array(self.rows),
            seconds=np.array(self.seconds),
            best_totals=self.best_totals,
            best=self.best,
        )
        self.writer.submit(lambda: files.write(self.job.state(), state.encode(self.identity, saved)))

    def _write(self, paths: Sequence[str], pictures: np.ndarray) -> None:
        def write() -> None:
            for path, picture, content in zip(paths, pictures, self.contents):
                pixels = images.finished(picture + self.mean_pixel, content, self.job.case.settings.preserve_colors)
                files.write(path, images.encode(pixels, os.path.splitext(path)[1]))

        self.writer.submit(write)
