"""Speed of rounded steps beside float32. Run with: python -m pytest -m slow tests/benchmarks/test_precision_speed.py"""

import statistics
import time
from contextlib import ExitStack

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import MATMUL32, MODES, emit_rounded, load_config, plan_graph
from tests.precision import graphs

pytestmark = pytest.mark.slow

SIZE = 256
STEPS = 9


@pytest.fixture(scope="module")
def step():
    return graphs.style_step(SIZE, network="synthetic")


def test_rounded_steps(benchmark, step):
    """Interleaved with float32 steps, in one process; ratios are medians over pairs."""
    graph_defs = {"float32": step.graph_def}
    for mode in MODES + (MATMUL32,):
        plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
        graph_defs[mode] = emit_rounded(step.graph_def, plan, keep=[step.initialize])
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
    benchmark.extra_info["float32 step, seconds"] = statistics.median(seconds["float32"])
    for name in seconds:
        ratios = np.divide(seconds[name], seconds["float32"])
        benchmark.extra_info[f"{name} / float32"] = float(np.median(ratios))


@pytest.mark.parametrize("mode", MODES + (MATMUL32,))
def test_planning_and_emitting(benchmark, step, mode):
    def prepare():
        plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
        return emit_rounded(step.graph_def, plan, keep=[step.initialize])

    benchmark.pedantic(prepare, rounds=3)


def _callable(stack, graph_def, step):
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        session = stack.enter_context(tf.Session(graph=graph))
        session.run(step.initialize)
        return session.make_callable([graph.as_graph_element(fetch) for fetch in step.fetches])
