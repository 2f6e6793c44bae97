"""Ops that fusions make, and ops with several outputs: each emitted result against NumPy on the emitted operands."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.precision import CustomDtypes, PrecisionConfig, emit_rounded, emit_with_health, load_config, plan_graph
from tests.precision import graphs, interpreter
from tests.precision.emission.test_rounded import emitted_values

half = interpreter.to_half
RANDOM = np.random.RandomState(0)


def wide(value):
    return np.asarray(value, np.float64)


def agree(result, expected, ulps=0.0):
    """Equal, or as many float16 units in the last place apart, with those of a sum's largest terms beside them."""
    expected = np.asarray(expected, np.float32)
    slack = ulps * np.spacing(np.abs(half(expected))).astype(np.float64)
    np.testing.assert_array_less(np.abs(wide(result) - expected), slack + 1e-30)


def values(*shape, scale=1.0):
    return (RANDOM.standard_normal(shape) * scale).astype(np.float32)


# Biases


@pytest.mark.parametrize("add", [tf.nn.bias_add, tf.add, lambda x, bias: bias + x])
def test_a_product_adds_its_bias_before_the_one_rounding(add):
    def make():
        x = tf.placeholder(tf.float32, (1, 2), name="x")
        return [add(tf.matmul(x, tf.ones((2, 3))), tf.constant([1.0, 2.0, 3.0])).name]

    step = graphs.build(make)
    # 2048 + 1 in float16 is 2048; the bias makes 2050, 2051 and 2052 of the float32 sum 2049.
    result = emitted_values(step, "allow_mix_precision", {"x:0": [[2048.0, 1.0]]})[0]
    np.testing.assert_array_equal(result, half([[2050.0, 2051.0, 2052.0]]).astype(np.float32))
    config = load_config("allow_mix_precision+matmul32")
    np.testing.assert_array_equal(emitted_values(step, "", {"x:0": [[2048.0, 1.0]]}, config)[0], [[2050, 2051, 2052]])


# Arithmetic with constants

UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
numbers = st.lists(st.floats(-7e4, 7e4, width=32), min_size=8, max_size=8).map(lambda items: np.float32(items))


@settings(max_examples=25, **UNTIMED)
@given(numbers, st.floats(2.0**-18, 2.0**30, width=32), st.sampled_from([1.0, -1.0]))
def test_division_by_a_constant_is_rounded_as_a_product(x, divisor, sign):
    divisor = np.float32(sign * divisor)
    step = graphs.build(lambda: [tf.divide(tf.placeholder(tf.float32, (8,), name="x"), divisor).name])
    factor = half(np.float32(1.0 / np.float64(divisor)))
    expected = interpreter.compute("Mul", [half(x), factor], "float16")
    np.testing.assert_array_equal(emitted_values(step, "force_fp16", {"x:0": x})[0], expected.astype(np.float32))


@settings(max_examples=15, **UNTIMED)
@given(numbers)
def test_squares_are_rounded_once(x):
    expected = interpreter.compute("Square", [half(x)], "float16").astype(np.float32)
    for square in (lambda x: tf.pow(x, 2.0), lambda x: x * x):
        step = graphs.build(lambda: [square(tf.placeholder(tf.float32, (8,), name="x")).name])  # noqa: B023
        np.testing.assert_array_equal(emitted_values(step, "force_fp16", {"x:0": x})[0], expected)


# Batch normalisation


def normalized(x, scale, offset, mean, variance, epsilon):
    return (wide(x) - wide(mean)) / np.sqrt(wide(variance) + epsilon) * wide(scale) + wide(offset)


def test_batch_norm_in_training_rounds_its_data_and_leaves_its_statistics():
    x, scale, offset = values(2, 4, 4, 3, scale=300.0) + 5, values(3), values(3)

    def make():
        source = tf.placeholder(tf.float32, x.shape, name="x")
        y = tf.nn.fused_batch_norm(source, tf.constant(scale), tf.constant(offset), epsilon=1e-3, name="bn")
        return [tensor.name for tensor in y] + [tf.negative(y[1]).name]

    y, mean, variance, negated = emitted_values(graphs.build(make), "force_fp16", {"x:0": x})
    data = wide(half(x))
    np.testing.assert_allclose(mean, data.mean((0, 1, 2)), rtol=1e-5, atol=1e-4)
    assert not np.array_equal(mean, half(mean).astype(np.float32))
    agree(y, normalized(data, scale, offset, data.mean((0, 1, 2)), data.var((0, 1, 2)), 1e-3), 1.0)
    np.testing.assert_array_equal(y, half(y).astype(np.float32))
    np.testing.assert_array_equal(negated, -half(mean).astype(np.float32))
    np.testing.assert_allclose(variance, data.var((0, 1, 2)) * 32 / 31, rtol=1e-4)


@pytest.mark.parametrize("frozen", [True, False])
def test_batch_norm_in_inference_narrows_constants_and_keeps_variables(frozen):
    x, stored = values(2, 4, 4, 3), [np.abs(values(3)) + 0.1 for _ in range(4)]

    def make():
        source = tf.placeholder(tf.float32, x.shape, name="x")
        kept = [tf.constant(value) if frozen else tf.Variable(value, use_resource=True) for value in stored]
        return [tf.nn.fused_batch_norm(source, *kept, epsilon=1e-3, is_training=False)[0].name]

    (y,) = emitted_values(graphs.build(make), "force_fp16", {"x:0": x})
    read = [half(value) if frozen else value for value in stored]
    agree(y, normalized(half(x), *read, 1e-3), 1.0)


def test_the_gradient_of_a_batch_norm():
    x, dy, scale = values(2, 4, 4, 3), values(2, 4, 4, 3), values(3)

    def make():
        source = tf.placeholder(tf.float32, x.shape, name="x")
        gamma, beta = tf.Variable(scale, use_resource=True), tf.Variable(values(3), use_resource=True)
        y = tf.nn.fused_batch_norm(source, gamma, beta, epsilon=1e-3)[0]
        grads = tf.gradients(y, [source, gamma, beta], tf.placeholder(tf.float32, x.shape, name="dy"))
        return [grad.name for grad in grads]

    step = graphs.build(make)
    dx, dscale, doffset = emitted_values(step, "force_fp16", {"x:0": x, "dy:0": dy})
    data, gradient = wide(half(x)), wide(half(dy))
    centred = (data - data.mean((0, 1, 2))) / np.sqrt(data.var((0, 1, 2)) + 1e-3)
    sums, products = gradient.sum((0, 1, 2)), (gradient * centred).sum((0, 1, 2))
    expected = scale / np.sqrt(data.var((0, 1, 2)) + 1e-3) * (gradient - sums / 32 - centred * products / 32)
    np.testing.assert_allclose(dscale, products, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(doffset, sums, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(dx, expected, rtol=2e-3, atol=2e-4)
    np.testing.assert_array_equal(dx, half(dx).astype(np.float32))


def test_moving_averages_stay_float32():
    x, kept = values(2, 4, 4, 3), [values(3), np.abs(values(3))]

    def make():
        source = tf.placeholder(tf.float32, x.shape, name="x")
        averages = [tf.get_variable(f"v{n}", initializer=tf.constant(kept[n]), use_resource=False) for n in (0, 1)]
        y, *statistics = tf.nn.fused_batch_norm(source, tf.ones(3), tf.zeros(3), epsilon=1e-3, name="bn")
        updates = [tf.assign_sub(one, (one - of) * 0.1) for one, of in zip(averages, statistics)]
        return [tensor.name for tensor in (y, *updates)]

    y, mean, variance = emitted_values(graphs.build(make), "force_fp16", {"x:0": x})
    data = wide(half(x))
    np.testing.assert_allclose(mean, 0.9 * kept[0] + 0.1 * data.mean((0, 1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, 0.9 * kept[1] + 0.1 * data.var((0, 1, 2)) * 32 / 31, rtol=1e-5)
    assert not np.array_equal(mean, half(mean).astype(np.float32))
    np.testing.assert_array_equal(y, half(y).astype(np.float32))


def test_the_gradient_of_a_batch_norm_with_given_statistics():
    x, dy = values(2, 4, 4, 3), values(2, 4, 4, 3)
    scale, offset, mean, variance = values(3), values(3), values(3), np.abs(values(3)) + 0.1

    def make():
        source = tf.placeholder(tf.float32, x.shape, name="x")
        stored = [tf.Variable(value, use_resource=True) for value in (scale, offset, mean, variance)]
        y = tf.nn.fused_batch_norm(source, *stored, epsilon=1e-3, is_training=False)[0]
        grads = tf.gradients(y, [source, *stored[:2]], tf.placeholder(tf.float32, x.shape, name="dy"))
        return [grad.name for grad in grads]

    dx, dscale, doffset = emitted_values(graphs.build(make), "force_fp16", {"x:0": x, "dy:0": dy})
    data, gradient, deviation = wide(half(x)), wide(half(dy)), np.sqrt(wide(variance) + 1e-3)
    agree(dx, gradient * scale / deviation, 1.0)
    np.testing.assert_array_equal(dx, half(dx).astype(np.float32))
    np.testing.assert_allclose(dscale, (gradient * (data - mean) / deviation).sum((0, 1, 2)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(doffset, gradient.sum((0, 1, 2)), rtol=1e-4, atol=1e-4)


# Softmax


def softmax(x):
    exponents = np.exp(wide(x) - wide(x).max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def test_sparse_cross_entropy_rounds_both_its_results():
    logits, labels = values(4, 5, scale=3.0), np.int32([0, 3, 4, 1])

    def make():
        x = tf.placeholder(tf.float32, logits.shape, name="x")
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.constant(labels), logits=x)
        return [loss.name, tf.gradients(loss, x)[0].name]

    loss, gradient = emitted_values(graphs.build(make), "force_fp16", {"x:0": logits})
    shares = softmax(half(logits))
    agree(loss, -np.log(shares[np.arange(4), labels]), 1.0)
    agree(gradient, shares - np.eye(5)[labels], 2.0)
    for result in (loss, gradient):
        np.testing.assert_array_equal(result, half(result).astype(np.float32))


def test_the_gradient_of_softmax_rounds_once_after_its_sum():
    logits, dy = values(4, 6), values(4, 6, scale=100.0)

    def make():
        x = tf.placeholder(tf.float32, logits.shape, name="x")
        y = tf.nn.softmax(x, name="y")
        return [tf.gradients(y, x, tf.placeholder(tf.float32, dy.shape, name="dy"))[0].name, y.name]

    step = graphs.build(make)
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    assert "ConfusionSoftmaxGrad" in [op.type for op in plan.ops]
    result, y = emitted_values(step, "force_fp16", {"x:0": logits, "dy:0": dy})
    agree(y, softmax(half(logits)), 1.0)
    difference = half(wide(half(dy)) - (wide(half(dy)) * wide(y)).sum(-1, keepdims=True))
    agree(result, half(wide(difference) * wide(y)), 2.0)


# Several outputs


def test_every_output_of_a_split_is_what_its_input_is():
    x = values(2, 6, scale=1e4)

    def make():
        source = tf.placeholder(tf.float32, x.shape, name="x")
        parts = tf.split(source, 3, 1, name="parts") + tf.unstack(source, name="rows")
        return [part.name for part in parts] + [tf.add(parts[0], parts[2]).name]

    found = emitted_values(graphs.build(make), "force_fp16", {"x:0": x})
    narrow = half(x).astype(np.float32)
    for result, expected in zip(found, [*np.split(narrow, 3, 1), *narrow]):
        np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(found[-1], half(narrow[:, :2] + narrow[:, 4:]).astype(np.float32))


def test_many_rows_are_what_their_input_is_and_a_part_of_them_can_be_customised():
    x = values(130, 3)
    step = graphs.build(
        lambda: [row.name for row in tf.unstack(tf.placeholder(tf.float32, x.shape, name="x"), name="rows")]
    )
    for rows in (emitted_values(step, "force_fp16", {"x:0": x}), _with_health(step, "force_fp16", {"x:0": x})):
        np.testing.assert_array_equal(rows, half(x).astype(np.float32))
    entry = CustomDtypes("rows/Unpack1", False, ("float16",), ("float16",))
    config = PrecisionConfig("allow_fp32_to_fp16", custom_dtypes=(entry,))
    rows = emitted_values(step, "", {"x:0": x}, config)
    expected = np.concatenate([x[:63], half(x[63:126]).astype(np.float32), x[126:]])
    np.testing.assert_array_equal(rows, expected)


def _with_health(step, mode, feeds):
    plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
    health = emit_with_health(step.graph_def, plan)
    counted = graphs.run(health.graph_def, [*step.fetches, *health.counters.values()], feeds)
    return counted[: len(step.fetches)]


def test_what_a_fusion_puts_between_two_ops_is_no_value_that_is_counted():
    logits = values(4, 5)

    def make():
        x = tf.placeholder(tf.float32, logits.shape, name="x")
        return [tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.constant([0, 3, 4, 1]), logits=x).name]

    step = graphs.build(make)
    expected = emitted_values(step, "force_fp16", {"x:0": logits})
    np.testing.assert_array_equal(_with_health(step, "force_fp16", {"x:0": logits}), expected)


def test_health_counts_each_output_that_is_rounded():
    def make():
        x = tf.placeholder(tf.float32, (1, 3), name="x")
        loss = tf.nn.softmax_cross_entropy_with_logits(labels=tf.constant([[0.0, 0.0, 1.0]]), logits=x, name="loss")
        return [loss.name, tf.gradients(loss, x)[0].name]

    step = graphs.build(make)
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    health = emit_with_health(step.graph_def, plan)
    assert len([label for label in health.counters if label.endswith(":1")]) == 1
    feeds = {"x:0": [[6e4, 6e4, -6e4]]}
    plain = graphs.run(emit_rounded(step.graph_def, plan), step.fetches, feeds)
    for one, other in zip(plain, graphs.run(health.graph_def, step.fetches, feeds)):
        np.testing.assert_array_equal(one, other)
    counts = graphs.run(health.graph_def, list(health.counters.values()), feeds)
    # The loss is 120000, beyond float16.
    assert sum(int(count[0]) for count in counts) == 1 and plain[0] == [65504.0]


def test_what_a_customised_batch_norm_reads_is_as_its_rows_say():
    x = values(2, 4, 4, 3)

    def make():
        source = tf.placeholder(tf.float32, x.shape, name="x")
        return [tf.nn.fused_batch_norm(source, tf.ones(3), tf.zeros(3), epsilon=1e-3, name="bn")[0].name]

    entries = tuple(CustomDtypes(name, False, ("float32",), ()) for name in ("bn_Reduce", "bn_UpdateV3"))
    step = graphs.build(make)
    (kept,) = emitted_values(step, "", {"x:0": x}, PrecisionConfig("force_fp16", custom_dtypes=entries))
    assert not np.array_equal(kept, half(kept).astype(np.float32))


# Updates


@pytest.mark.parametrize("use_resource", [True, False])
@pytest.mark.parametrize(
    "optimizer",
    [lambda: tf.train.MomentumOptimizer(0.1, 0.9), lambda: tf.train.GradientDescentOptimizer(0.1)],
)
def test_optimizers_read_and_write_float16(optimizer, use_resource):
    start, gradient = values(5), values(5)

    def make():
        weight = tf.get_variable("w", initializer=tf.constant(start), use_resource=use_resource)
        read, fed = tf.multiply(weight, 1.0), tf.placeholder(tf.float32, 5, name="g")
        with tf.control_dependencies([read]):  # before the update
            gradient = tf.identity(fed)
        return [optimizer().apply_gradients([(gradient, weight)]).name, read.name]

    step = graphs.build(make)
    found = emitted_values(step, "force_fp16", {"g:0": gradient}, steps=3)[1]
    weight, moment, rate, g = half(start), np.zeros(5, np.float16), np.float32(half(0.1)), half(gradient)
    for _ in range(2):
        if "Momentum" in str(type(optimizer())):
            moment = half(np.float32(moment) * np.float32(half(0.9)) + np.float32(g))
            weight = half(np.float32(weight) - rate * np.float32(moment))
        else:
            weight = half(np.float32(weight) - rate * np.float32(g))
    # Where terms cancel, an error is that of the terms.
    np.testing.assert_allclose(found, weight.astype(np.float32), rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(found, half(found).astype(np.float32))


def test_what_is_taken_from_a_variable_is_float16():
    def make():
        weight = tf.get_variable("w", initializer=2048.0, use_resource=True)
        update = weight.assign_sub(tf.placeholder(tf.float32, (), name="x"), read_value=False)
        with tf.control_dependencies([update]):
            return [update.name, weight.read_value().name]

    assert emitted_values(graphs.build(make), "force_fp16", {"x:0": -1.0})[1] == 2048.0
    assert emitted_values(graphs.build(make), "force_fp16", {"x:0": 1.0})[1] == 2047.0


# Loops


def test_a_loop_in_mixed_precision_rounds_what_goes_round():
    weight = values(4, 4)

    def make():
        tf.disable_control_flow_v2()
        x = tf.matmul(tf.placeholder(tf.float32, (2, 4), name="x"), tf.eye(4))
        body = lambda i, v: (i + 1, tf.reduce_mean(tf.stack([v, v]), 0) * 1.001 + tf.matmul(v, weight))  # noqa: E731
        return [tf.while_loop(lambda i, v: i < 3, body, (0, x))[1].name]

    x = values(2, 4)
    found = emitted_values(graphs.build(make), "allow_mix_precision", {"x:0": x})[0]
    state = half(x)
    for _ in range(3):
        # ReduceMeanD is black: its float32 result decides the product and the sum after it.
        mean = np.float32(state) * np.float32(1.001)
        state = half(mean + np.float32(half(wide(state) @ wide(half(weight)))))
    np.testing.assert_allclose(found, state.astype(np.float32), rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(found, half(found).astype(np.float32))


def test_a_branch_of_constants_alone_is_taken_only_when_it_is_asked_for():
    def make():
        tf.disable_control_flow_v2()
        x = tf.placeholder(tf.float32, (2,), name="x")
        return [tf.cond(tf.reduce_sum(x) > 0, lambda: tf.fill([2], 0.1), lambda: x * 0.3).name]

    step = graphs.build(make)
    for x in ([1.0, 1.0], [-1.0, -3.0]):
        expected = half([0.1, 0.1]) if x[0] > 0 else half(half(x) * half(0.3))
        np.testing.assert_array_equal(emitted_values(step, "force_fp16", {"x:0": x})[0], expected.astype(np.float32))
