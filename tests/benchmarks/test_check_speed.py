"""What the check of a mode costs beside the float32 run of the same graph and planning.

Run with: python -m pytest -m slow tests/benchmarks/test_check_speed.py
"""

import statistics
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness import modes
from harness.check.measuring import Reference
from harness.check.messages import GraphQuestion, RandomRange
from harness.devices.opening import open_device
from harness.graphs.source import GraphSource
from harness.precision import emit_with_health
from tests.check import graphs

pytestmark = pytest.mark.slow

BLOCKS, CHANNELS, SIZE = 12, 64, 112
SAMPLES = 8
REPEATS = 5
MOST = 1.5
"""How many times the float32 run a mode may cost, planning apart; shown beside the figure."""


def stack():
    """Convolutions with bias and Relu, as in an image classifier."""
    y = tf.placeholder(tf.float32, (1, SIZE, SIZE, CHANNELS), name="x")
    for index in range(BLOCKS):
        with tf.name_scope(f"block{index}"):
            kernel = graphs.weights(3, 3, CHANNELS, CHANNELS) / 14
            y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(y, kernel, [1, 1, 1, 1], "SAME"), np.zeros(CHANNELS, "f4")))
    tf.reduce_mean(y, [1, 2], name="out")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = graphs.save(tmp_path_factory.mktemp("check") / "stack.pb", stack)
    question = GraphQuestion(graph=GraphSource(path=path), random=RandomRange(samples=SAMPLES))
    return Reference(question, open_device("cpu"), lambda *phase: None)


@pytest.mark.parametrize("name", [name for name in modes.NAMES if name != "must_keep_origin_dtype"])
def test_a_mode_beside_float32(benchmark, reference, name):
    """Sessions are opened anew each time, as a check opens them; float32 and the mode in turns."""
    start = time.perf_counter()
    plan = reference.plan(modes.get(name).precision)
    planning = time.perf_counter() - start
    seconds = {"float32": [], name: []}
    emitted = emit_with_health(reference.subject.graph_def, plan, reference.subject.kept)
    graph_defs = {"float32": (reference.subject.graph_def, {}), name: (emitted.graph_def, emitted.counters)}
    for _ in range(REPEATS):
        for each, (graph_def, counters) in graph_defs.items():
            start = time.perf_counter()
            with reference.runner(graph_def, counters) as runner:
                for index in range(SAMPLES):
                    runner.run(reference.samples[index], reference.draws[index])
            seconds[each].append(time.perf_counter() - start)
    benchmark.pedantic(reference.measure, (plan,), rounds=1)
    ratios = np.divide(seconds[name], seconds["float32"])
    benchmark.extra_info["float32, seconds"] = statistics.median(seconds["float32"])
    benchmark.extra_info["planning, seconds"] = planning
    benchmark.extra_info[f"{name} / float32, at most {MOST:g} wanted"] = float(np.median(ratios))
