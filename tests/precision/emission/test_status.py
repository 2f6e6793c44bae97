"""The emulated chip: its status register, and infinities kept instead of saturated."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import Chip, emit_rounded, load_config, plan_graph
from tests.precision import graphs


def _graph():
    x = tf.placeholder(tf.float32, (2, 1), name="x")
    product = tf.nn.relu(tf.matmul(x, [[60000.0]]), name="product")
    status = tf.placeholder_with_default(False, (), name="status")
    picked = tf.identity(tf.where(status, tf.zeros_like(product), product), name="picked")
    after = tf.square(tf.minimum(picked, 1000.0), name="after")
    return [product.name, tf.identity(status, name="read").name, after.name]


def _run(values, mode="force_fp16", **chip):
    step = graphs.build(_graph)
    plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
    emitted = emit_rounded(step.graph_def, plan, chip=Chip(**chip))
    return graphs.run(emitted, step.fetches, {"x:0": np.reshape(np.float32(values), (2, 1))})


@pytest.mark.parametrize(
    "values, overflows",
    [
        ([1.0, 1.0], False),
        ([1.0, 2.0], True),  # 120000
        ([1.0, -2.0], True),  # before the Relu, which hides it
        ([1.0, np.nan], True),
        ([1.0, 65520.0], True),  # the input itself
    ],
)
def test_the_register_says_whether_a_value_overflowed(values, overflows):
    assert _run(values, status="status")[1] == overflows


def test_what_comes_after_the_register_is_read_is_not_in_it():
    product, status, after = _run([1.0, 0.02], status="status")
    # 1000 squared saturates, but only once the status has been read.
    assert not status and after.max() == 65504.0


@pytest.mark.parametrize("is_loop", [False, True])
def test_what_overflows_in_a_branch_or_a_loop_is_not_in_it(is_loop, control_flow_v1):
    def make():
        x = tf.placeholder(tf.float32, (), name="x")
        product = tf.multiply(x, 100.0, name="product")
        if is_loop:
            _, inner = tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * 1000.0), [0, product * 0.01])
        else:
            inner = tf.cond(product > 0.0, lambda: product * 1000.0, lambda: product + 1.0)
        status = tf.placeholder_with_default(False, (), name="status")
        return [tf.identity(inner, name="inner").name, tf.identity(status, name="read").name]

    step = graphs.build(make)
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    emitted = emit_rounded(step.graph_def, plan, chip=Chip(status="status"))
    found = [graphs.run(emitted, step.fetches, {"x:0": np.float32(value)}) for value in (1.0, 1000.0)]
    assert [bool(status) for _, status in found] == [False, True]
    assert found[1][0] == 65504.0


def test_a_graph_without_float16_has_nothing_to_report():
    assert not _run([1e9, 1e9], mode="must_keep_origin_dtype", status="status")[1]


def test_a_later_chip_keeps_infinities():
    assert _run([1.0, 2.0])[0].ravel().tolist() == [60000.0, 65504.0]
    assert _run([1.0, 2.0], saturate=False)[0].ravel().tolist() == [60000.0, np.inf]
    # NaN is made 0 on the 910.
    assert _run([1.0, np.nan])[0].ravel().tolist() == [60000.0, 0.0]
    assert np.isnan(_run([1.0, np.nan], saturate=False)[0][1, 0])
