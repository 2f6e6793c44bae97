"""Health counters: what a rounding loses, named by op."""

import numpy as np
import tensorflow.compat.v1 as tf

from harness.precision import emit_rounded, emit_with_health, load_config, plan_graph
from tests.precision import graphs


def counts(step, mode, feeds=None):
    plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
    health = emit_with_health(step.graph_def, plan, keep=[step.initialize])
    names = sorted(health.counters)
    values = graphs.run(health.graph_def, [health.counters[name] for name in names], feeds, step.initialize)
    return dict(zip(names, (value.tolist() for value in values)))


def test_counts_saturated_flushed_and_nan():
    values = np.float32([65519.0, 65520.0, np.inf, -1e9, 0.0, 2.0**-25, -1e-9, 2.0**-24, np.nan, 1.0])
    step = graphs.build(lambda: [tf.negative(tf.placeholder(tf.float32, values.shape, name="x"), name="y").name])
    assert counts(step, "force_fp16", {"x:0": values}) == {"x": [3, 2, 1]}


def test_counts_what_a_relu_hides():
    def make():
        x = tf.placeholder(tf.float32, (2, 1), name="x")
        return [tf.nn.relu(tf.matmul(x, [[60000.0]], name="product")).name]

    found = counts(graphs.build(make), "allow_mix_precision", {"x:0": [[2.0], [-2.0]]})
    assert [value for name, value in found.items() if name != "x"] == [[2, 0, 0]]


def test_each_output_of_an_op_has_a_count_of_its_own():
    def make():
        x = tf.placeholder(tf.float32, (2, 2), name="x")
        left, right = tf.split(x, 2, axis=1, name="split")
        return [tf.matmul(left, right, transpose_b=True, name="product").name]

    found = counts(graphs.build(make), "allow_mix_precision", {"x:0": [[1e6, 1.0], [1e6, 2.0**-30]]})
    assert (found["split"], found["split:1"]) == ([2, 0, 0], [0, 1, 0])


def test_gram_matrices_saturate_under_plain_mixed_precision():
    step = graphs.style_step()
    plain = counts(step, "allow_mix_precision")
    assert plain["gram_relu3_1/MatMul"][0] > 0
    mended = counts(step, "allow_mix_precision+matmul32")
    assert "gram_relu3_1/MatMul" not in mended


def test_steps_train_the_same_with_and_without_counters():
    step = graphs.style_step()
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    plain = emit_rounded(step.graph_def, plan, keep=[step.initialize])
    health = emit_with_health(step.graph_def, plan, keep=[step.initialize])
    results = [
        graphs.run(graph_def, step.fetches, initialize=step.initialize, steps=3)
        for graph_def in (plain, health.graph_def)
    ]
    for one, other in zip(results[0][1:], results[1][1:]):
        np.testing.assert_array_equal(one, other)


def test_no_roundings_no_counters():
    step = graphs.dense_step()
    plan = plan_graph(step.graph_def, step.fetches, load_config("must_keep_origin_dtype"))
    assert emit_with_health(step.graph_def, plan) == (step.graph_def, {})
