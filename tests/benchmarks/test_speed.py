"""Speed and memory of the float32 step. Run with: python -m pytest -m slow tests/benchmarks"""

import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
import tensorflow.compat.v1 as tf

import suites
from harness import modes
from harness.devices.host import HostDevice
from harness.records import Trial
from harness.step import inputs
from harness.step.memory import activation_bytes, needed_bytes
from harness.step.sampling import sample_steps
from harness.store.run_folder import RunFolder
from harness.trial.supervisor import run_trial
from model import stylization, vgg
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

MFLOP_PER_PIXEL = 1.586
"""Convolutions to relu5_2 and Gram products, forward and backward: the usual count for this job."""


@pytest.fixture(scope="module")
def device():
    return HostDevice("cpu")


@pytest.fixture(scope="module")
def perf_case(tmp_path_factory):
    return inputs.resolve(suites.get("perf").cases[0], str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def graph(device, perf_case):
    network = vgg.load("synthetic")
    pictures = inputs.read_pictures(perf_case)

    def evaluate(features, picture):
        return device.evaluate(features.graph_def, features.activations, {features.picture: picture})

    settings = perf_case.settings
    targets = stylization.compute_targets(pictures.contents, pictures.styles, network, settings, evaluate)
    initial = stylization.initial_picture(pictures.contents[0], pictures.contents[0], None, network.mean_pixel, 0)
    return stylization.step_graph(initial, targets, network, settings)


@pytest.fixture
def open_step(device, graph):
    """Opens sessions on the step's graph; each gives a function that makes one step and returns the losses."""
    with ExitStack() as stack:

        def open_step(rows=True):
            session = stack.enter_context(device.session(graph.graph_def))
            session.run(graph.initialize)
            call = session.make_callable((list(graph.losses.values()) if rows else []) + [graph.update])
            step = lambda: dict(zip(graph.losses, map(float, call()[:4]))) if rows else call()  # noqa: E731
            step(), step()
            return step

        yield open_step


def _interleaved(steps, rounds, block=1):
    """Median seconds of each function, called in turn, each other round in reverse."""
    seconds = [[] for _ in steps]
    for number in range(rounds):
        order = range(len(steps)) if number % 2 else reversed(range(len(steps)))
        for index in order:
            for _ in range(block):
                start = time.perf_counter()
                steps[index]()
                seconds[index].append(time.perf_counter() - start)
    return [statistics.median(values) for values in seconds]


def test_step_against_the_matrix_product_rate(benchmark, device, perf_case, open_step):
    step = open_step()
    before = device.matmul_tflops()["float32"]
    benchmark.pedantic(step, rounds=20)
    rate = statistics.mean([before, device.matmul_tflops()["float32"]])
    pixels = perf_case.inputs.height * perf_case.inputs.width
    tflops = MFLOP_PER_PIXEL * pixels / benchmark.stats.stats.median / 1e6
    benchmark.extra_info.update(step_seconds=benchmark.stats.stats.median, matmul_tflops=rate, share=tflops / rate)


def test_a_loss_row_every_step(benchmark, open_step):
    with_rows, without = open_step(), open_step(rows=False)
    first, second = benchmark.pedantic(_interleaved, args=([with_rows, without], 20), rounds=1)
    benchmark.extra_info.update(with_rows=first, without_rows=second, ratio=first / second)


def test_the_harness_against_a_bare_loop(benchmark, open_step):
    step, bare, sampled = open_step(), [], []

    def measure():
        for _ in range(6):
            sampled.extend(sample.seconds for sample in sample_steps(step, 5))
            for _ in range(5):
                start = time.perf_counter()
                step()
                bare.append(time.perf_counter() - start)

    benchmark.pedantic(measure, rounds=1)
    medians = statistics.median(sampled), statistics.median(bare)
    benchmark.extra_info.update(harness=medians[0], bare_loop=medians[1], ratio=medians[0] / medians[1])


def test_a_trial_from_start_to_end(benchmark, perf_case, tmp_path):
    folder = RunFolder.create(tmp_path, "perf")
    trial = Trial(
        id="perf",
        case=perf_case,
        mode=modes.get("must_keep_origin_dtype"),
        device="cpu",
        replicate=1,
        picture=str(folder.trial_folder("perf") / "picture.png"),
        cache=str(tmp_path / "cache"),
    )
    results = []
    benchmark.pedantic(lambda: results.append(run_trial(trial, folder, 300, lambda event: None)), rounds=3)
    assert [result.status for result in results] == ["ok"] * 3
    loaded = inputs.load(perf_case, str(tmp_path / "cache"))
    benchmark.extra_info.update(
        startup_seconds=statistics.median(result.startup_seconds for result in results),
        peak_memory_gib=max(result.peak_memory_bytes for result in results) / 2**30,
        activations_gib=activation_bytes(loaded, *loaded.pictures.shape) / 2**30,
        predicted_gib=needed_bytes(loaded, int(tf.__version__[0]), emulated=False) / 2**30,
    )


def test_help(benchmark):
    benchmark.pedantic(subprocess.check_output, args=([sys.executable, str(ROOT / "bench.py"), "--help"],), rounds=10)
    benchmark.extra_info.update(median_seconds=benchmark.stats.stats.median)
