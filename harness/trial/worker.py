"""One trial in one fresh process: reads the Trial from standard input, reports events as JSON lines on a pipe.

Run by the parent as `python -m harness.trial.worker EVENTS`, EVENTS being the descriptor of the pipe's writing end.
Standard output and standard error belong to TensorFlow and the drivers; the parent keeps them as the trial's log.
"""

import functools
import os
import sys
import time
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence

import numpy as np
import psutil

from harness.errors import UsageError
from harness.fidelity import probes
from harness.fidelity.job import Job
from harness.records import Case, Losses, LossScaling, Trial
from harness.records.events import Diverged, Event, Failed, Finished, Health, Phase, Planned, Refused, Sample, Started
from harness.step import building
from harness.step.building import step_fetches
from harness.step.inputs import Pictures, load
from harness.step.sampling import DivergedError, require_finite, sample_steps
from harness.step.scoring import score, summed
from harness.step.steady_state import needs_more_steps, timing
from harness.store.files import numbered, write_atomic
from model import images, vgg

Emit = Callable[[Event], None]


def main() -> int:
    """Run the trial on standard input; return the process's exit status."""
    with os.fdopen(int(sys.argv[1]), "w", buffering=1) as pipe:

        def emit(event: Event) -> None:
            pipe.write(event.model_dump_json() + "\n")

        try:
            run_trial(Trial.model_validate_json(sys.stdin.read()), emit)
        except BrokenPipeError:
            return 1  # the parent is gone: nobody waits for the rest
        except Exception as error:
            # The parent learns the reason in one line, the log has the rest.
            traceback.print_exc()
            emit(Failed(reason=f"{type(error).__name__}: {error}".splitlines()[0]))
            return 1
    return 0


def run_trial(trial: Trial, emit: Emit) -> None:
    """Stylize the trial's case, reporting every step; end with Finished, Diverged or Refused."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from harness.devices.device import DeviceUnavailable
    from harness.devices.opening import open_device

    try:
        device = open_device(trial.device, Path(trial.picture).parent)
        emit(Started(environment=device.environment()))
        emit(_stylize(trial, device, emit))
    except DeviceUnavailable as error:  # a card that has gone since the parent looked, too
        emit(Refused(reason=str(error)))
    except DivergedError as error:
        emit(Diverged(updates=error.updates, losses={name: f"{value:g}" for name, value in error.losses.items()}))


def _stylize(trial: Trial, device: Any, emit: Emit) -> Finished:
    case = trial.case
    emit(Phase(name="network"))
    now, pictures, network = load(case, trial.cache)
    _check_unchanged(case, now)
    emit(Phase(name="targets"))
    graph = building.build_step(case, trial.mode, device, pictures, network)
    emit(Phase(name="graph"))
    keep = [graph.initialize, graph.result]
    prepared = device.prepare(graph.graph_def, step_fetches(graph), trial.mode, keep)
    emit(Planned(emulated=prepared.emulated, remarks=prepared.remarks))
    with device.session(prepared.graph_def) as session:
        step_flop = _step_flop(case, pictures, network)
        # 100 MB of the peak otherwise; scoring the picture loads it again.
        del network
        if not (trial.health or trial.fidelity):
            graph = graph._replace(graph_def=None)
        emulated, lowered = prepared.emulated, prepared.lowered
        del prepared
        session.run(graph.initialize)
        step = _Step(device, session, graph)
        emit(Phase(name="steps"))
        startup_seconds, samples = 0.0, []
        for sample in sample_steps(step, case.steps, per_call=step.per_call):
            startup_seconds = startup_seconds or _process_seconds()
            samples.append(sample.model_copy(update=step.scaling))
            emit(samples[-1])
        emit(Phase(name="finish"))
        # The losses after the last update are the one row that no step's forward pass holds.
        final_losses = summed(session.run(graph.losses))
        require_finite(case.steps, final_losses)
        result = session.run(graph.result)
        loss_scaling = _loss_scaling(case.steps, samples, session.run(graph.scaling)) if graph.scaling else None
        if trial.fidelity is None:
            emit(Phase(name="timing"))
            seconds = [sample.seconds for sample in samples[1:]]
            settled = _settle(step, seconds, case.steps, emit, per_call=step.per_call)
            if trial.delay:
                _delay(step, settled, trial.delay, emit)
        # Last, for it makes one more update.
        remarks = device.confirm(session, step.fetches)
    peak_memory_bytes = _peak_memory_bytes()
    if trial.delay is not None:  # a calibration wants the times alone
        return Finished(
            startup_seconds=startup_seconds,
            final_losses=final_losses,
            true_losses=final_losses,
            step_flop=step_flop,
            matmul_tflops=None,
            peak_memory_bytes=peak_memory_bytes,
        )
    network = vgg.load(case.network, trial.cache)
    _write_pictures(trial.picture, result + network.mean_pixel, pictures, case)
    rescore = functools.partial(score, device, pictures=pictures, network=network, case=case)
    true_losses = rescore([result])[0] if lowered else final_losses
    rates = {} if emulated or trial.fidelity else device.matmul_tflops()
    fidelity = None
    if trial.fidelity:
        emit(Phase(name="fidelity"))
        losses = [sample.losses for sample in samples]
        job = Job(trial, device, pictures, network, graph, result, [*losses, final_losses], rescore)
        fidelity = probes.measure(job, trial.fidelity, emit)
    elif trial.health:
        emit(Phase(name="health"))
        _count_health(trial, device, graph, result, emit)
    return Finished(
        startup_seconds=startup_seconds,
        final_losses=final_losses,
        true_losses=true_losses,
        step_flop=step_flop,
        matmul_tflops=rates.get("float32"),
        matmul_tflops_bfloat16=rates.get("bfloat16"),
        peak_memory_bytes=peak_memory_bytes,
        loss_scaling=loss_scaling,
        remarks=remarks,
        fidelity=fidelity,
    )


def _check_unchanged(case: Case, now: Case) -> None:
    if case.inputs is None or now.inputs is None or case.inputs == now.inputs:
        return
    before, after = case.inputs.model_dump(), now.inputs.model_dump()
    changed = ", ".join(name for name in before if before[name] != after[name])
    raise UsageError(f"case {case.id}: its files have changed since the run began ({changed})")


class _Step:
    """Makes an update a call, or the card's loop of several, and returns the losses of the picture before the last."""

    def __init__(self, device: Any, session: Any, graph: Any) -> None:
        update, self.per_call = device.loop(session, graph.update)
        self.scaling: Dict[str, Any] = {}
        """Of the last call: fields of its Sample."""
        self._names = [*graph.losses, *graph.scaling]
        self._losses = list(graph.losses)
        self.fetches = [*graph.losses.values(), *graph.scaling.values(), update]
        """What a call runs for."""
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


def _settle(
    step: Callable[[], Losses],
    seconds: List[float],
    made: int,
    emit: Emit,
    phase: str = "extra",
    per_call: int = 1,
) -> List[float]:
    """Make further steps until the seconds of all but the first show a steady state, or never will; return them."""
    try:
        with closing(sample_steps(step, None, made, extra=True, per_call=per_call)) as samples:
            while needs_more_steps(seconds):
                sample = next(samples)
                seconds.append(sample.seconds)
                emit(sample.model_copy(update={"phase": phase}))
    except DivergedError:
        pass  # after the last update that was asked for: the picture is done and good
    return seconds


def _delay(step: Callable[[], Losses], seconds: Sequence[float], share: float, emit: Emit) -> None:
    """Time the steps anew, each longer by this share of what they took: really asleep, within what is timed."""
    pause = share * (timing(seconds).step_seconds or 0.0)

    def delayed() -> Losses:
        losses = step()
        time.sleep(pause)
        return losses

    _settle(delayed, [], 1 + len(seconds), emit, phase="delayed")


def _count_health(trial: Trial, device: Any, graph: Any, result: Any, emit: Emit) -> None:
    """Make the same steps again with a counter at every rounding, and report what each lost.

    Raises:
        RuntimeError: the counters changed the picture, so that what they count is of another job.
    """
    keep = [graph.initialize, graph.result]
    prepared = device.prepare(graph.graph_def, step_fetches(graph), trial.mode, keep, health=True)
    with device.session(prepared.graph_def) as session:
        session.run(graph.initialize)
        for updates in range(trial.case.steps):
            _, counts = session.run([graph.update, prepared.counters])
            lost = {op: tuple(map(int, count)) for op, count in counts.items() if count.any()}
            emit(Health(updates=updates, counts=lost))
        if not np.array_equal(session.run(graph.result), result):
            raise RuntimeError("counting changed the picture: the health counters are of another job")


def _step_flop(case: Case, pictures: Pictures, network: vgg.Network) -> int:
    style_layers = set(case.settings.style_layers())
    layers = style_layers | set(case.settings.content_layers())
    return case.batch * vgg.step_flop(network, *pictures.shape, layers, style_layers)


def _write_pictures(path: str, result: np.ndarray, pictures: Pictures, case: Case) -> None:
    for index, content in enumerate(pictures.contents):
        pixels = images.to_uint8(result[index])
        if case.settings.preserve_colors:
            pixels = images.preserve_colors(content, pixels)
        own = Path(numbered(path, index))
        write_atomic(own, images.encode(pixels, own.suffix))


def _process_seconds() -> float:
    """Seconds since this process was started."""
    return time.time() - psutil.Process().create_time()


def _peak_memory_bytes() -> int:
    """Largest resident size of this process."""
    import resource

    try:
        with open("/proc/self/status") as status:
            # Not getrusage: its figure starts at the size of the parent that forked.
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written and reported. TensorFlow would take a second to free what the system frees at once.
    os._exit(status)
