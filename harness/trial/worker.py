"""The worker: runs one trial in a process of its own, reads the Trial from the parent, and reports events to it.

Standard output and standard error belong to TensorFlow and the drivers; the parent keeps them as the trial's log.
"""

import contextlib
import functools
import os
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict

import numpy as np

from harness.devices.device import Device, DeviceUnavailable
from harness.fidelity import probes
from harness.fidelity.job import Job
from harness.machine.child import start_time, to_parent
from harness.records import Case, Trial
from harness.records.events import Diverged, Event, Finished, Health, Phase, Refused, Started
from harness.step.building import step_fetches
from harness.step.inputs import Pictures
from harness.step.sampling import DivergedError
from harness.step.scoring import score
from harness.store.files import numbered, write_atomic
from harness.trial.drawing import Drawn, Emit, Step, build, draw
from model import images, vgg

if TYPE_CHECKING:
    from model.stylization import StepGraph


def main() -> int:
    """Run the trial on standard input; return the process's exit status."""
    with to_parent() as parent:

        def emit(event: Event) -> None:
            parent.write(event.model_dump_json() + "\n")

        try:
            run_trial(Trial.model_validate_json(sys.stdin.read()), emit, start_time())
        except BrokenPipeError:
            return 1  # the parent is gone: nobody waits for the rest
        except Exception:
            traceback.print_exc()  # into the log, where the parent finds the reason
            return 1
    return 0


def run_trial(trial: Trial, emit: Emit, started: float) -> None:
    """Stylize the trial's case, reporting every step; end with Finished, Diverged or Refused.

    Args:
        started: time of the process's start, on time.monotonic()'s clock.
    """
    from harness.devices.opening import open_device

    emit(Phase(name="tensorflow"))
    try:
        device = open_device(trial.device, Path(trial.picture).parent)
        emit(Started(environment=device.environment()))
        emit(_stylize(trial, device, emit, started))
    except DeviceUnavailable as error:  # a card that has gone since the parent looked, too
        emit(Refused(reason=str(error)))
    except DivergedError as error:
        emit(Diverged(updates=error.updates, losses={name: f"{value:g}" for name, value in error.losses.items()}))


def _stylize(trial: Trial, device: Device, emit: Emit, started: float) -> Finished:
    with ExitStack() as stack:
        step = build(trial, device, emit, stack)
        drawn = draw(trial, device, step, emit, started)
    step = step._replace(session=None)  # with some copies of all weights
    figures: Dict[str, Any] = {
        "startup_seconds": drawn.startup_seconds,
        "final_losses": drawn.losses[-1],
        "step_flop": step.flop,
        "peak_memory_bytes": _peak_memory_bytes(),
        "loss_scaling": drawn.loss_scaling,
        "remarks": drawn.remarks,
        "scheduling": drawn.scheduling,
    }
    if not trial.turns:  # else the times alone are wanted
        figures.update(_judge(trial, device, step, drawn, emit))
    return Finished(**figures)


def _judge(trial: Trial, device: Device, step: Step, drawn: Drawn, emit: Emit) -> Dict[str, Any]:
    """Write the picture, score it in float32, and measure what else the trial asks for; return fields of Finished."""
    case = trial.case
    emit(Phase(name="picture"))
    network = vgg.load(case.network, trial.cache)
    picture_sha256 = _write_pictures(trial.picture, drawn.result + network.mean_pixel, step.pictures, case)
    rescore = functools.partial(score, device, pictures=step.pictures, network=network, case=case)
    emit(Phase(name="score"))
    true_losses = rescore([drawn.result])[0] if step.lowered else drawn.losses[-1]
    found: Dict[str, Any] = {"true_losses": true_losses, "picture_sha256": picture_sha256}
    if trial.rates:
        emit(Phase(name="rates"))
        rates = device.matmul_tflops()
        found.update(matmul_tflops=rates["float32"], matmul_tflops_bfloat16=rates.get("bfloat16"))
    if trial.fidelity:
        emit(Phase(name="fidelity"))
        job = Job(trial, device, step.pictures, network, step.graph, drawn.result, drawn.losses, rescore)
        found["fidelity"] = probes.measure(job, trial.fidelity, emit)
    elif trial.health:
        emit(Phase(name="health"))
        _count_health(trial, device, step.graph, drawn.result, emit)
    return found


def _count_health(trial: Trial, device: Device, graph: "StepGraph", result: np.ndarray, emit: Emit) -> None:
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
            lost = {op: (int(count[0]), int(count[1]), int(count[2])) for op, count in counts.items() if count.any()}
            emit(Health(updates=updates, counts=lost))
        if not np.array_equal(session.run(graph.result), result):
            raise RuntimeError("counting changed the picture: the health counters are of another job")


def _write_pictures(path: str, result: np.ndarray, pictures: Pictures, case: Case) -> str:
    """Write the pictures of a batch; return the digest of the first as it is read back."""
    for index, content in enumerate(pictures.contents):
        pixels = images.finished(result[index], content, case.settings.preserve_colors)
        own = Path(numbered(path, index))
        write_atomic(own, images.encode(pixels, own.suffix))
    return images.digest(images.read(path))


def _peak_memory_bytes() -> int:
    """Return the largest resident size of this process so far."""
    import resource

    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        # Not getrusage: its figure starts at the size of the parent that forked.
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written and reported. TensorFlow would take a second to free what the system frees at once.
    os._exit(status)
