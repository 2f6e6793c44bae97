"""Draws a trial's picture on its device: builds the step, and makes the updates and the steps that are only timed."""

import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from harness.devices.device import Device
from harness.errors import UsageError
from harness.machine.memory import give_back
from harness.machine.scheduling import Watch
from harness.records import Case, Losses, LossScaling, Scheduling, Trial
from harness.records.events import Event, Phase, Planned, Sample
from harness.remark import Remark
from harness.step import building
from harness.step.building import step_fetches
from harness.step.inputs import Pictures, load
from harness.step.sampling import DivergedError, require_finite, sample_steps
from harness.step.scoring import summed
from harness.step.steady_state import needs_more_steps
from harness.step.turns import PAIRED_STEPS, WARM_UP_STEPS, Turns
from harness.trial.targets import shared_targets
from model import vgg

if TYPE_CHECKING:
    from model.stylization import StepGraph

Emit = Callable[[Event], None]


class Step(NamedTuple):
    """The training step on its device, ready to run."""

    graph: "StepGraph"
    """Step graph; its GraphDef is dropped, to save memory, unless the steps are made again."""
    session: Any
    pictures: Pictures
    flop: int
    """Floating-point operations of one step."""
    emulated: bool
    """Prepared.emulated of the step."""
    lowered: bool
    """Prepared.lowered of the step."""


class Drawn(NamedTuple):
    """The outcome of the steps."""

    result: np.ndarray
    """Pictures after all updates, mean pixel subtracted, of shape (batch, height, width, 3)."""
    losses: List[Losses]
    """Losses of the picture that each call's sample holds, then those after all updates."""
    startup_seconds: float
    """Seconds from the start of the process to the end of the first step."""
    loss_scaling: Optional[LossScaling]
    remarks: Tuple[Remark, ...]
    scheduling: Optional[Scheduling]


def build(trial: Trial, device: Device, emit: Emit, stack: ExitStack) -> Step:
    """Build the step and open a session on it, which the stack closes.

    A function of its own, so that 100 MB of network and GraphDef are freed on return.
    """
    case = trial.case
    emit(Phase(name="network"))
    now, pictures, network = load(case, trial.cache)
    _check_unchanged(case, now)
    emit(Phase(name="targets"))
    targets = shared_targets(trial.targets, case, trial.mode, device, pictures, network)
    emit(Phase(name="graph"))
    graph = building.build_step(case, trial.mode, device, pictures, network, targets=targets)
    emit(Phase(name="plan"))
    keep = [graph.initialize, graph.result]
    prepared = device.prepare(graph.graph_def, step_fetches(graph), trial.mode, keep)
    emit(Planned(emulated=prepared.emulated, remarks=prepared.remarks))
    emit(Phase(name="session"))
    session = stack.enter_context(device.session(prepared.graph_def))
    if not (trial.health or trial.fidelity):
        graph = graph._replace(graph_def=None)
    flop = _step_flop(case, pictures, network)
    return Step(graph, session, pictures, flop, prepared.emulated, prepared.lowered)


def draw(trial: Trial, device: Device, step: Step, emit: Emit, started: float) -> Drawn:
    """Make the steps, fetch the picture, then make further steps for the timing unless fidelity is to be measured."""
    graph, session, steps = step.graph, step.session, trial.case.steps
    session.run(graph.initialize)
    # Before the step is compiled: each further fetch copies all weights once more while it is.
    session.run(graph.result)
    give_back()
    update = _Update(device, session, graph)
    emit(Phase(name="first_step"))
    startup_seconds, samples, watch = 0.0, [], None
    with Turns(trial.turns) as turns:
        for sample in sample_steps(update, steps, per_call=update.per_call, before=turns.wait, delay=trial.delay):
            startup_seconds = startup_seconds or time.monotonic() - started
            watch = watch or Watch()
            samples.append(sample.model_copy(update=update.scaling))
            emit(samples[-1])
        emit(Phase(name="finish"))
        result = session.run(graph.result)
        loss_scaling = _loss_scaling(steps, samples, session.run(graph.scaling)) if graph.scaling else None
        # The losses after the last update are those that one more step starts from: compiled already, and rounded as
        # in every row. The card's loop of several would hide them.
        final_losses = update() if update.per_call == 1 else summed(session.run(graph.losses))
        require_finite(steps, final_losses)
        if trial.turns or not (trial.fidelity or step.emulated):
            emit(Phase(name="timing"))
            _time(trial, update, [sample.seconds for sample in samples[1:]], emit, turns)
    scheduling = watch.seen() if watch else None
    # Last, for it makes one more update.
    remarks = device.confirm(session, update.fetches)
    losses = [*(sample.losses for sample in samples), final_losses]
    return Drawn(result, losses, startup_seconds, loss_scaling, remarks, scheduling)


def _check_unchanged(case: Case, now: Case) -> None:
    if case.inputs is None or now.inputs is None or case.inputs == now.inputs:
        return
    before, after = case.inputs.model_dump(), now.inputs.model_dump()
    changed = ", ".join(name for name in before if before[name] != after[name])
    raise UsageError(f"case {case.id}: its files have changed since the run began ({changed})")


class _Update:
    """A callable that makes one update, or the card's loop of several.

    It returns the losses of the picture before the last update that it made.
    """

    def __init__(self, device: Device, session: Any, graph: "StepGraph") -> None:
        update, self.per_call = device.loop(session, graph.update)
        self.scaling: Dict[str, Any] = {}
        """Fields `scale` and `applied` of the last call's Sample; empty without loss scaling."""
        self._names = [*graph.losses, *graph.scaling]
        self._losses = list(graph.losses)
        self.fetches = [*graph.losses.values(), *graph.scaling.values(), update]
        """Names of the tensors and the operation that a call runs."""
        self._run = session.make_callable(self.fetches)

    def __call__(self) -> Losses:
        values = dict(zip(self._names, self._run()))
        if "scale" in values:
            self.scaling = {"scale": float(values["scale"]), "applied": int(values["updates"])}
        return summed({name: values[name] for name in self._losses})


def _loss_scaling(steps: int, samples: Sequence[Sample], after: Mapping[str, Any]) -> LossScaling:
    updates = int(after["updates"])
    waiting = [sample.updates for sample in samples if sample.applied == 0]
    return LossScaling(
        steps=steps,
        skipped=steps - updates,
        # The last call that no update came before is the one that made the first.
        skipped_first=waiting[-1] if updates else steps,
        first_scale=float(samples[0].scale or 0),
        last_scale=float(after["scale"]),
    )


def _time(trial: Trial, step: "_Update", seconds: List[float], emit: Emit, turns: Turns) -> None:
    """Make further steps, for their time alone.

    A trial that steps in turns makes a fixed number, so that both sides make the same.

    Args:
        seconds: times of all steps but the first; further ones are added.
    """

    def enough() -> bool:
        return len(seconds) >= WARM_UP_STEPS + PAIRED_STEPS - 1 if trial.turns else not needs_more_steps(seconds)

    steps = sample_steps(step, None, trial.case.steps, True, step.per_call, turns.wait, trial.delay)
    try:
        with closing(steps) as samples:
            while not enough():
                sample = next(samples)
                seconds.append(sample.seconds)
                emit(sample)
    except DivergedError:
        pass  # after the last update that was asked for: the picture is done and good


def _step_flop(case: Case, pictures: Pictures, network: vgg.Network) -> int:
    style_layers = set(case.settings.style_layers())
    layers = style_layers | set(case.settings.content_layers())
    return case.batch * vgg.step_flop(network, *pictures.shape, layers, style_layers)
