"""Speed of rounded and of native steps beside float32, and of planning, emitting and normalising.

Run with: python -m pytest -m slow tests/benchmarks/test_precision_speed.py
"""

import statistics
import time
from contextlib import ExitStack

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.devices.host import HostDevice
from harness.precision import MATMUL32, MODES, emit_native, emit_rounded, load_config, normalize, plan_graph
from model import vgg
from model.settings import StyleSettings
from tests.precision import graphs

pytestmark = pytest.mark.slow

SIZE = 256
STEPS = 9
NATIVE = ("allow_mix_precision_bf16", "allow_fp32_to_bf16")


@pytest.fixture(scope="module")
def step():
    return graphs.style_step(SIZE, network="synthetic")


def test_rounded_steps(benchmark, step):
    """Interleaved with float32 steps, in one process; ratios are medians over pairs."""
    graph_defs = {"float32": step.graph_def}
    for mode in MODES + (MATMUL32,):
        plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
        graph_defs[mode] = emit_rounded(step.graph_def, plan, keep=[step.initialize])
    seconds = _interleaved(benchmark, graph_defs, step)
    benchmark.extra_info["float32 step, seconds"] = statistics.median(seconds["float32"])
    for name in seconds:
        ratios = np.divide(seconds[name], seconds["float32"])
        benchmark.extra_info[f"{name} / float32"] = float(np.median(ratios))


@pytest.mark.skipif(tf.__version__ < "2", reason="TensorFlow 1.15 has no bfloat16 convolutions")
def test_native_steps(benchmark, step):
    """What bfloat16 gains, and how much of the machine's matrix-product rate it uses, which is measured around it."""
    graph_defs = {"float32": step.graph_def}
    for mode in NATIVE:
        plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
        graph_defs[mode] = emit_native(step.graph_def, plan, keep=[step.initialize])
    device = HostDevice("cpu")
    before = device.matmul_tflops()
    seconds = _interleaved(benchmark, graph_defs, step)
    after = device.matmul_tflops()
    settings = StyleSettings()
    styles = settings.style_layers()
    layers = {*styles, *settings.content_layers()}
    flop = vgg.step_flop(vgg.load("synthetic"), SIZE, SIZE, layers, styles)
    for mode in NATIVE:
        benchmark.extra_info[f"float32 / {mode}"] = float(np.median(np.divide(seconds["float32"], seconds[mode])))
    for name, dtype in [("float32", "float32"), *((mode, "bfloat16") for mode in NATIVE)]:
        if dtype in before and dtype in after:
            rate = statistics.mean([before[dtype], after[dtype]]) * 1e12
            benchmark.extra_info[f"{name}, share of peak"] = flop / statistics.median(seconds[name]) / rate


@pytest.mark.parametrize("mode", MODES + (MATMUL32,))
def test_planning_and_emitting(benchmark, step, mode):
    def prepare():
        plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
        return emit_rounded(step.graph_def, plan, keep=[step.initialize])

    benchmark.pedantic(prepare, rounds=3)


@pytest.mark.parametrize("size", [1000, 2000, 4000, 8000])
@pytest.mark.parametrize("shape", ["reshapes", "ordering"])
def test_normalizing_large_graphs(benchmark, shape, size):
    """The time of a graph twice as large is about twice as long, of the two shapes whose normal form needs most."""
    graph_def = {"reshapes": _reshapes, "ordering": _ordering}[shape](size)
    normal = benchmark.pedantic(normalize, (graph_def, ["out"]), rounds=3)
    benchmark.extra_info["nodes"] = len(graph_def.node)
    benchmark.extra_info["microseconds per node"] = benchmark.stats.stats.median * 1e6 / len(graph_def.node)
    assert len(normal.graph.nodes) == {"reshapes": 5 * size + 2, "ordering": 4}[shape]


def _reshapes(size):
    """A chain of ExpandDims, Neg and Squeeze, of which the first and last become Reshapes to constant shapes."""

    def add(x):
        for _ in range(size):
            x = tf.squeeze(tf.negative(tf.expand_dims(x, 0)), 0)
        return x

    return _graph_of(add)


def _ordering(size):
    """Ops that nothing reads, gathered by a NoOp that the output waits for."""

    def add(x):
        with tf.control_dependencies([tf.negative(x) for _ in range(size)]):
            gate = tf.no_op()
        with tf.control_dependencies([gate]):
            return tf.negative(x)

    return _graph_of(add)


def _graph_of(add):
    with tf.Graph().as_default() as graph:
        tf.identity(add(tf.placeholder(tf.float32, (4, 4), name="x")), name="out")
        return graph.as_graph_def()


def _interleaved(benchmark, graph_defs, step):
    """Seconds of each graph's steps, one of each in turn."""
    with ExitStack() as stack:
        steps = {name: _callable(stack, graph_def, step) for name, graph_def in graph_defs.items()}
        seconds = {name: [] for name in steps}
        for repeat in range(STEPS + 2):
            for name, run in steps.items():
                start = time.perf_counter()
                run()
                if repeat >= 2:
                    seconds[name].append(time.perf_counter() - start)
        benchmark.pedantic(steps["float32"], rounds=1)
    return seconds


def _callable(stack, graph_def, step):
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        session = stack.enter_context(tf.Session(graph=graph))
        session.run(step.initialize)
        return session.make_callable([graph.as_graph_element(fetch) for fetch in step.fetches])
