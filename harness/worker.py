"""One trial in one fresh process: reads the Trial from standard input, reports events as JSON lines on a pipe.

Run by the parent as `python -m harness.worker EVENTS`, EVENTS being the file descriptor of the pipe's writing end.
Standard output and standard error belong to TensorFlow and the drivers; the parent keeps them as the trial's log.
"""

import os
import sys
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional

import psutil

from harness.errors import UsageError
from harness.inputs import Pictures, read_pictures
from harness.measure import DivergedError, require_finite, sample_steps
from harness.records import (
    Case,
    Diverged,
    Event,
    Failed,
    Finished,
    Losses,
    Phase,
    Refused,
    Started,
    Trial,
)
from harness.store import write_atomic
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
    from harness.devices import DeviceUnavailable, open_device

    try:
        device = open_device(trial.device)
        emit(Started(environment=device.environment()))
        emit(_stylize(trial, device, emit))
    except DeviceUnavailable as error:
        emit(Refused(reason=str(error)))
    except DivergedError as error:
        emit(Diverged(updates=error.updates, losses={name: f"{value:g}" for name, value in error.losses.items()}))


def _stylize(trial: Trial, device: Any, emit: Emit) -> Finished:
    from model import stylization

    case = trial.case
    emit(Phase(name="network"))
    pictures = read_pictures(case)
    network = vgg.load(case.network, trial.cache)
    _check_unchanged(case, network)
    initial = stylization.initial_picture(
        pictures.content, pictures.initial, _noise_blend(case), network.mean_pixel, case.seed
    )
    emit(Phase(name="targets"))
    targets = _targets(trial, device, pictures, network)
    emit(Phase(name="graph"))
    graph = stylization.step_graph(initial, targets, network, case.settings)
    step_flop = _step_flop(case, pictures, network)
    mean_pixel = network.mean_pixel
    # The graph holds its own copy of both; keeping ours would be 100 MB of the peak.
    del network, targets
    prepared = device.prepare(graph.graph_def, trial.mode)
    graph = graph._replace(graph_def=None)

    with device.session(prepared) as session:
        del prepared
        session.run(graph.initialize)
        run_step = session.make_callable(list(graph.losses.values()) + [graph.update])

        def step() -> Losses:
            return {name: float(value) for name, value in zip(graph.losses, run_step())}

        emit(Phase(name="steps"))
        startup_seconds: Optional[float] = None
        for sample in sample_steps(step, case.steps, trial.warmup):
            if sample.phase == "timed" and startup_seconds is None:
                startup_seconds = _process_seconds() - sample.seconds
            emit(sample)
        emit(Phase(name="finish"))
        # The losses after the last update are the one row that no step's forward pass holds.
        final_losses = {name: float(value) for name, value in session.run(graph.losses).items()}
        require_finite(case.steps, final_losses)
        picture = session.run(graph.picture)[0] + mean_pixel
    peak_memory_bytes = _peak_memory_bytes()
    _write_picture(Path(trial.picture), picture, pictures, case)
    return Finished(
        startup_seconds=startup_seconds,
        final_losses=final_losses,
        true_losses=final_losses,
        step_flop=step_flop,
        matmul_tflops=device.matmul_tflops(),
        peak_memory_bytes=peak_memory_bytes,
    )


def _check_unchanged(case: Case, network: vgg.Network) -> None:
    if case.inputs is not None and network.digest() != case.inputs.network_sha256:
        raise UsageError(f"network {case.network}: changed since the run began")


def _noise_blend(case: Case) -> Optional[float]:
    return 1.0 if case.initial == "noise" else case.noise_blend


def _targets(trial: Trial, device: Any, pictures: Pictures, network: vgg.Network) -> Any:
    """Compute the targets by graphs that go through the trial's mode, as on the card."""
    from model import stylization

    settings = trial.case.settings

    def evaluate(graph: Any, picture: Any) -> Dict[str, Any]:
        if not graph.fetches:
            return {}
        prepared = device.prepare(graph.graph_def, trial.mode)
        feeds: Mapping[str, Any] = {graph.picture: (picture - network.mean_pixel)[None]}
        return device.evaluate(prepared, graph.fetches, feeds)

    content = stylization.content_target_graph(pictures.content.shape[:2], network, settings)
    return stylization.Targets(
        content=evaluate(content, pictures.content),
        styles=tuple(
            evaluate(stylization.style_target_graph(style.shape[:2], network, settings), style)
            for style in pictures.styles
        ),
    )


def _step_flop(case: Case, pictures: Pictures, network: vgg.Network) -> int:
    height, width = pictures.content.shape[:2]
    style_layers = set(case.settings.style_layers())
    return vgg.step_flop(network, height, width, style_layers | set(case.settings.content_layers()), style_layers)


def _write_picture(path: Path, picture: Any, pictures: Pictures, case: Case) -> None:
    pixels = images.to_uint8(picture)
    if case.settings.preserve_colors:
        pixels = images.preserve_colors(pictures.content, pixels)
    write_atomic(path, images.encode(pixels, path.suffix))


def _process_seconds() -> float:
    """Seconds since this process was started."""
    import time

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
    sys.exit(main())
