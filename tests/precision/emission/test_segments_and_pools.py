"""Segments and pools: what is picked of float16 values is one of them, and an empty segment saturates."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import load_config, plan_graph
from tests.precision import graphs, interpreter
from tests.precision.emission.test_rounded import emitted_values

RANDOM = np.random.RandomState(1)
IDS = [2, 0, 2, 0]


@pytest.mark.parametrize("op, reduce", [("Max", np.max), ("Min", np.min), ("Prod", np.prod)])
def test_a_segment_is_reduced_in_float16_and_an_empty_one_saturates(op, reduce):
    def make():
        x = tf.placeholder(tf.float32, (4, 3), name="x")
        return [getattr(tf.raw_ops, f"UnsortedSegment{op}")(data=x, segment_ids=IDS, num_segments=3).name]

    step, x = graphs.build(make), RANDOM.standard_normal((4, 3)).astype(np.float32)
    (planned,) = plan_graph(step.graph_def, step.fetches, load_config("force_fp16")).ops
    assert (planned.type, planned.dtypes) == (f"UnsortedSegment{op}D", "16,int32>16")
    halves = interpreter.to_half(x).astype(np.float32)
    empty = np.full(3, {"Max": -65504, "Min": 65504, "Prod": 1}[op], np.float32)
    expected = np.stack([reduce(halves[1::2], axis=0), empty, reduce(halves[::2], axis=0)])
    found = emitted_values(step, "force_fp16", {"x:0": x})[0]
    np.testing.assert_array_equal(found, interpreter.to_half(expected).astype(np.float32))


def test_a_pool_in_three_dimensions_has_float16_alone():
    def make():
        x = tf.placeholder(tf.float32, (1, 2, 4, 4, 2), name="x")
        return [tf.nn.max_pool3d(x, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME").name]

    step, x = graphs.build(make), RANDOM.standard_normal((1, 2, 4, 4, 2)).astype(np.float32)
    plan = plan_graph(step.graph_def, step.fetches, load_config("allow_mix_precision"))
    assert [(op.type, op.dtypes, op.flops) for op in plan.ops] == [("MaxPool3D", "16>16", 8 * 8)]
    windows = interpreter.to_half(x).astype(np.float32).reshape(1, 1, 2, 2, 2, 2, 2, 2)
    expected = windows.max(axis=(2, 4, 6))
    np.testing.assert_array_equal(emitted_values(step, "allow_mix_precision", {"x:0": x})[0], expected)
