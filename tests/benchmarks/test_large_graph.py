"""Time and memory of planning a large graph file, as `bench.py explain --graph` plans it: in a process of its own.

Run with: python -m pytest -m slow tests/benchmarks/test_large_graph.py
"""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

NODES = [5000, 10000, 20000]
MOST_SECONDS, MOST_MIB = 20, 1024
"""What 20,000 nodes may take; shown beside the figures."""
PLANNING = r"""
import json, re, sys, time
import tensorflow.compat.v1
from harness.graphs.reading import read_graph
from harness.precision import load_config, plan_graph

def peak():  # getrusage has that of the process that started this one, too
    return int(re.search("VmHWM:\s*([0-9]+)", open("/proc/self/status").read()).group(1))

imported = peak()
start = time.process_time()
graph = read_graph(sys.argv[1], fetches=["out"])
plan = plan_graph(graph.graph_def, graph.fetches, load_config("allow_mix_precision"))
seconds = time.process_time() - start
print(json.dumps({"ops": len(plan.ops), "seconds": seconds, "imported": imported, "peak": peak()}))
"""


@pytest.mark.parametrize("nodes", NODES)
def test_planning_a_large_graph(benchmark, tmp_path, nodes):
    path, ops = tmp_path / "large.pb", nodes // 5 * 2
    path.write_bytes(_layers(nodes // 5).SerializeToString())
    command = [sys.executable, "-c", PLANNING, str(path)]
    ended = benchmark.pedantic(subprocess.run, (command,), {"cwd": str(ROOT), "stdout": subprocess.PIPE}, rounds=1)
    found = json.loads(ended.stdout)
    assert found["ops"] == ops
    benchmark.extra_info[f"processor seconds, at most {MOST_SECONDS} wanted of {NODES[-1]} nodes"] = found["seconds"]
    benchmark.extra_info[f"peak MiB, at most {MOST_MIB} wanted of {NODES[-1]} nodes"] = found["peak"] / 1024
    benchmark.extra_info["MiB once TensorFlow is imported"] = found["imported"] / 1024


def _layers(count):
    """Dense layers of five nodes each: two weights, a product, its bias, a Relu."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, (4, 16), name="x")
        for index in range(count):
            with tf.name_scope(f"layer{index}"):
                kernel, bias = np.full((16, 16), 0.1, np.float32), np.zeros(16, np.float32)
                x = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, tf.constant(kernel)), tf.constant(bias)))
        tf.identity(x, name="out")
        return graph.as_graph_def()
