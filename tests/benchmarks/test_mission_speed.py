"""Speed and memory of the mission's own command at its example's size, 400x533.

Run with: python -m pytest -m slow tests/benchmarks
"""

import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import neural_style
from harness import modes
from harness.devices.host import HostDevice
from harness.mission import files
from harness.records import Case
from harness.step import inputs
from harness.step.building import build_step
from harness.step.memory import activation_bytes, needed_bytes
from model import images
from suites import PICTURES
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 400, 533
STEPS = 12


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The shipped pictures at the example's size."""
    folder = tmp_path_factory.mktemp("pictures")
    content = images.resize(images.read(str(PICTURES / "astronaut.png")), HEIGHT, WIDTH)
    (folder / "content.png").write_bytes(images.encode(content, ".png"))
    return str(folder / "content.png"), str(PICTURES / "starry-night.png")


def _command(pictures, output, *options):
    return [
        *("--content", pictures[0], "--styles", pictures[1], "--network", "synthetic", "--device", "cpu"),
        *("--output", str(output), "--iterations", str(STEPS), *options),
    ]


def test_a_loss_row_and_the_picture_every_step(benchmark, pictures, tmp_path):
    """What the command fetches each step, against the update alone; the reference program pays 2.4 times."""
    device, mode = HostDevice("cpu"), modes.get("must_keep_origin_dtype")
    loaded = inputs.load(Case(id="speed", content=pictures[0], styles=pictures[1:], steps=STEPS, initial="noise"), "")
    graph = build_step(loaded.case, mode, device, loaded.pictures, loaded.network)
    seconds = [], []
    with device.session(graph.graph_def) as with_rows, device.session(graph.graph_def) as without:
        for session in (with_rows, without):
            session.run(graph.initialize)
        steps = (
            with_rows.make_callable([*graph.losses.values(), graph.picture, graph.update]),
            without.make_callable(graph.update),
        )

        def measure():
            for number in range(20):
                for index in (0, 1) if number % 2 else (1, 0):
                    start = time.perf_counter()
                    steps[index]()
                    seconds[index].append(time.perf_counter() - start)

        steps[0](), steps[1]()
        benchmark.pedantic(measure, rounds=1)
    medians = [statistics.median(values) for values in seconds]
    benchmark.extra_info.update(with_rows=medians[0], without_rows=medians[1], ratio=medians[0] / medians[1])


def test_what_a_checkpoint_costs(benchmark, pictures, tmp_path, monkeypatch):
    """Wall time from step to step and between two, with a checkpoint at each and with none, beside the writes' own."""
    from reports.mission.log import MissionLog

    writing, between, ends = [], [], []
    write = files.write

    def timed_write(path, data):
        start = time.perf_counter()
        write(path, data)
        writing.append(time.perf_counter() - start)

    def stepped(self, sample):
        now = time.perf_counter()
        if ends:
            between.append(now - ends[-1] - sample.seconds)
        ends.append(now)

    def run(*options):
        for values in (writing, between, ends):
            values.clear()
        arguments = _command(pictures, tmp_path / "out.jpg", "--overwrite", *options)
        assert neural_style.main(arguments) == 0
        return statistics.median(np.diff(ends)[1:]), statistics.median(between[1:]), sum(writing) / STEPS

    monkeypatch.setattr(files, "write", timed_write)
    monkeypatch.setattr(MissionLog, "stepped", stepped)
    checkpoints = ("--checkpoint-iterations", "1", "--checkpoint-output", str(tmp_path / "at_{}.jpg"))
    plain = run()
    step, gap, write_seconds = benchmark.pedantic(run, args=checkpoints, rounds=1)
    benchmark.extra_info.update(
        seconds_from_step_to_step=step,
        without_checkpoints=plain[0],
        seconds_between_steps=gap,
        # Beside the next step: of a state and a picture.
        seconds_writing=write_seconds,
        state_megabytes=os.path.getsize(str(tmp_path / "out.jpg.state.npz")) / 1e6,
    )


def test_the_command_from_start_to_end(benchmark, pictures, tmp_path):
    """Peak memory and start-up of a process of its own."""
    command = [sys.executable, str(ROOT / "neural_style.py"), *_command(pictures, tmp_path / "out.jpg", "--overwrite")]
    peaks, ends, steps = [], [], []

    def run():
        start = time.perf_counter()
        out = subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True)
        text = out.stdout.read()
        _, status, usage = os.wait4(out.pid, 0)
        assert status == 0
        ends.append(time.perf_counter() - start)
        peaks.append(usage.ru_maxrss * 1024 / 2**30)
        steps.extend(float(value) for value in re.findall(r"^sec/step: (\S+)", text, re.M)[1:])

    benchmark.pedantic(run, rounds=3)
    loaded = inputs.load(Case(id="speed", content=pictures[0], styles=pictures[1:], steps=STEPS), "")
    median = statistics.median(steps)
    benchmark.extra_info.update(
        peak_memory_gib=max(peaks),
        activations_gib=activation_bytes(loaded, HEIGHT, WIDTH) / 2**30,
        predicted_gib=needed_bytes(loaded, int(tf.__version__[0]), emulated=False) / 2**30,
        step_seconds=median,
        seconds_beside_the_steps=float(np.median(ends)) - STEPS * median,
    )
