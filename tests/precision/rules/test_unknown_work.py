"""How much of the float work a plan does not know."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import load_config, plan_graph, unknown_work


def _plan(make):
    with tf.Graph().as_default() as graph:
        make()
        return plan_graph(graph.as_graph_def(), ["out"], load_config("allow_mix_precision"))


def _network(shape):
    def make():
        picture = tf.placeholder(tf.float32, shape, name="picture")
        layer = tf.nn.conv2d(picture, tf.ones((3, 3, 4, 8)), [1, 1, 1, 1], "SAME", name="conv")
        tf.nn.relu(tf.lgamma(layer, name="strange"), name="out")

    return make


def test_ops_arithmetic_and_bytes_of_unknown_types_are_summed():
    unknown = unknown_work(_plan(_network((2, 8, 8, 4))))
    elements = 2 * 8 * 8 * 8
    assert (unknown.ops, unknown.of_ops, unknown.types) == (1, 3, {"Lgamma": 1})
    # One operation an element, where nobody knows better; the convolution does 36 multiplications and additions.
    assert (unknown.flops, unknown.of_flops) == (elements, elements * (1 + 72 + 1))
    # Read and written in float32, since what it does in float16 is not known.
    assert unknown.bytes_moved == 2 * 4 * elements < unknown.of_bytes
    assert unknown.unsized_ops == 0


def test_nothing_is_unknown_of_a_network_that_the_table_has():
    def make():
        tf.nn.relu(tf.placeholder(tf.float32, (2, 3)), name="out")

    unknown = unknown_work(_plan(make))
    assert (unknown.ops, unknown.flops, unknown.bytes_moved, unknown.types, unknown.unsized_ops) == (0, 0, 0, {}, 0)


@pytest.mark.parametrize(
    "shape, begins", [((None, 8, None, 4), "picture=?,8,?,4"), (None, "picture=…"), ((2, 8, 8, 4), None)]
)
def test_sizes_that_nobody_gave_are_unknown_from_the_placeholder_on(shape, begins):
    plan = _plan(_network(shape))
    assert plan.unsized == ((begins,) if begins else ())
    assert unknown_work(plan).unsized_ops == (3 if begins else 0)


def test_sizes_that_depend_on_values_begin_where_they_do():
    def make():
        x = tf.placeholder(tf.float32, (10,), name="x")
        tf.nn.relu(tf.boolean_mask(x, tf.constant(np.arange(10) > 4), name="mask"), name="out")

    plan = _plan(make)
    assert plan.unsized and all(name.startswith("mask/") for name in plan.unsized)
    assert unknown_work(plan).unsized_ops > 0
