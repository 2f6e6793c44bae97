"""Emitted graphs against NumPy's float16: rounding, saturation, kernels that widen, updates, what stays the same."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import (
    MATMUL32,
    MODES,
    CustomDtypes,
    GraphError,
    PrecisionConfig,
    emit_rounded,
    emit_with_health,
    load_config,
    plan_graph,
)
from tests.precision import graphs, interpreter


def emitted_values(step, mode, feeds=None, config=None, steps=1, fetches=None):
    """Plan, emit and run a graph."""
    plan = plan_graph(step.graph_def, step.fetches, config or load_config(mode))
    emitted = emit_rounded(step.graph_def, plan, keep=[step.initialize])
    return graphs.run(emitted, fetches or step.fetches, feeds, step.initialize, steps)


EDGES = np.array(
    [
        0.0, -0.0, 1.0, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-11 + 2.0**-20, 2049.0, 2051.0, 65504.0, 65519.9,
        65520.0, -65520.0, 1e9, -1e9, 3e38, np.inf, -np.inf, np.nan, 2.0**-24, 2.0**-25, 2.0**-25 * 1.0001,
        3 * 2.0**-25, 6.1e-5, 5.97e-8, 1e-8, -1e-8, 1e-40, 0.1, -0.3,
    ],
    np.float32,
)  # fmt: skip


def test_rounding_nearest_even_saturating_nan_to_zero_with_subnormals():
    step = graphs.build(lambda: [tf.negative(tf.placeholder(tf.float32, EDGES.shape, name="x"), name="y").name])
    result = emitted_values(step, "force_fp16", {"x:0": EDGES})[0]
    np.testing.assert_array_equal(result, -interpreter.to_half(EDGES).astype(np.float32))
    assert result.dtype == np.float32


def test_what_each_rounding_loses_is_counted_and_what_its_bound_excludes_is_not_looked_for():
    def make():
        x = tf.placeholder(tf.float32, EDGES.shape, name="x")  # anything, NaN too
        square = tf.multiply(x, x * np.float32(-3.0), name="square")  # at most 65504 ** 2, so that no NaN is left
        return [tf.multiply(square, 1e-4, name="small").name]  # within float16

    step = graphs.build(make)
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    health = emit_with_health(step.graph_def, plan)
    counts = dict(zip(health.counters, graphs.run(health.graph_def, list(health.counters.values()), {"x:0": EDGES})))
    rounded = interpreter.to_half(EDGES).astype(np.float32)
    tripled = interpreter.to_half(rounded * np.float32(-3.0)).astype(np.float32)
    squares = rounded * tripled
    smalls = interpreter.to_half(squares).astype(np.float32) * interpreter.to_half(np.float32(1e-4)).astype(np.float32)
    for label, values in (("x", EDGES), ("square", squares), ("small", smalls)):
        magnitudes = np.abs(values)
        # TensorFlow's threads take subnormal float32 values for 0.
        flushed = (magnitudes <= 2.0**-25) & (magnitudes >= 2.0**-126)
        lost = (magnitudes >= 65520, flushed, np.isnan(values))
        assert counts[label].tolist() == [np.count_nonzero(one) for one in lost], label
    assert counts["x"].min() > 0 and counts["square"][:2].min() > 0
    looks_for = {
        name
        for node in health.graph_def.node
        for name in ("x", "square", "small")
        if node.op == "IsNan" and f"{name}/float16/health" in node.name
    }
    assert looks_for == {"x"}


def test_every_finite_half_and_every_midpoint_between_two():
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    middles = (halves[1:].astype(np.float64) + halves[:-1]) / 2
    values = np.concatenate([halves, middles.astype(np.float32)])
    step = graphs.build(lambda: [tf.negative(tf.placeholder(tf.float32, values.shape, name="x")).name])
    result = emitted_values(step, "force_fp16", {"x:0": values})[0]
    np.testing.assert_array_equal(result, -interpreter.to_half(values).astype(np.float32))


def test_constants_are_rounded_like_tensors():
    step = graphs.build(lambda: [tf.multiply(tf.placeholder(tf.float32, (), name="x"), tf.constant(EDGES)).name])
    result = emitted_values(step, "force_fp16", {"x:0": 1.0})[0]
    np.testing.assert_array_equal(result, interpreter.to_half(EDGES).astype(np.float32))


@pytest.mark.parametrize("op", [tf.add, tf.subtract, tf.multiply, tf.divide, tf.minimum, tf.maximum])
def test_binary_arithmetic_is_float16_arithmetic(op):
    random = np.random.RandomState(0)
    values = np.concatenate([EDGES, random.standard_normal(3000) * 10.0 ** random.uniform(-8, 5, 3000)])
    one, other = (values[random.permutation(len(values))].astype(np.float32) for _ in range(2))

    def make():
        x, y = (tf.placeholder(tf.float32, one.shape, name=name) for name in "xy")
        return [op(x, y, name="result").name]

    step = graphs.build(make)
    name = plan_graph(step.graph_def, step.fetches, load_config("force_fp16")).ops[0].type
    expected = interpreter.compute(name, [interpreter.to_half(one), interpreter.to_half(other)], "float16")
    result = emitted_values(step, "force_fp16", {"x:0": one, "y:0": other})[0]
    np.testing.assert_array_equal(result, expected.astype(np.float32))


def test_division_by_a_constant_is_a_product_with_its_reciprocal_unless_that_fusion_is_off():
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16)
    for divisor in (14.0, 30.0, 1000.0, 0.1):
        step = graphs.build(lambda: [(tf.placeholder(tf.float32, halves.shape, name="x") / divisor).name])  # noqa: B023
        expected = {
            "current": interpreter.compute("Mul", [halves, interpreter.to_half(1 / divisor)], "float16"),
            "early_2022": interpreter.compute("RealDiv", [halves, interpreter.to_half(divisor)], "float16"),
        }
        for profile, quotients in expected.items():
            config = load_config("force_fp16", profile=profile)
            result = emitted_values(step, "", {"x:0": halves}, config)[0]
            np.testing.assert_array_equal(result, quotients.astype(np.float32))


def test_division_by_a_constant_that_float16_flushes_to_zero():
    step = graphs.build(lambda: [(tf.placeholder(tf.float32, (3,), name="x") / 1e-8).name])
    result = emitted_values(step, "force_fp16", {"x:0": [1.0, -1.0, 0.0]})[0]
    # It is too small for the fusion that makes a product of a division.
    np.testing.assert_array_equal(result, [65504.0, -65504.0, 0.0])


def test_cube_ops_round_operands_and_accumulate_wide():
    x = np.full((1, 4096), 1.0 + 2.0**-11 + 2.0**-12, np.float32)
    step = graphs.build(lambda: [tf.matmul(tf.placeholder(tf.float32, x.shape, name="x"), tf.ones((4096, 1))).name])
    half = float(interpreter.to_half(x[0, 0]))
    expected = interpreter.to_half(4096 * half)
    assert emitted_values(step, "allow_mix_precision", {"x:0": x})[0] == expected
    assert emitted_values(step, MATMUL32, {"x:0": x})[0] == np.float32(4096 * half)
    assert emitted_values(step, "must_keep_origin_dtype", {"x:0": x})[0] != expected


def test_cube_results_saturate_unless_they_are_float32():
    x = np.full((1, 64), 100.0)
    step = graphs.build(
        lambda: [tf.matmul(tf.placeholder(tf.float32, x.shape, name="x"), tf.fill((64, 1), -50.0)).name]
    )
    assert emitted_values(step, "allow_mix_precision", {"x:0": x})[0] == -65504
    assert emitted_values(step, MATMUL32, {"x:0": x})[0] == -320000


def test_convolution_adds_its_bias_before_the_one_rounding():
    def make():
        x = tf.placeholder(tf.float32, (1, 1, 1, 1), name="x")
        out = tf.nn.conv2d(x, tf.fill((1, 1, 1, 1), 2049.0 / 2048), [1, 1, 1, 1], "SAME")
        return [tf.nn.bias_add(out, tf.constant([2.0**-11])).name]

    step = graphs.build(make)
    # 2048 * (1 + 2^-10 after rounding to even: 1) + 2^-11 = 2048.0005 in float32, 2048 in float16.
    assert emitted_values(step, "allow_mix_precision", {"x:0": [[[[2048.0]]]]})[0] == 2048.0


def test_kernels_that_widen_round_once():
    x = np.array([2048.0, 1.0, 1.0], np.float32)
    y = np.array([60000.0, 60000.0, -60000.0], np.float32)

    def make():
        parts = [tf.placeholder(tf.float32, (), name=name) for name in "abc"]
        vector = tf.stack(parts)
        return [
            tf.add_n(parts).name,
            tf.reduce_sum(vector).name,
            tf.reduce_mean(vector).name,
            tf.nn.l2_loss(vector).name,
        ]

    step = graphs.build(make)
    for values in (x, y):
        feeds = {f"{name}:0": value for name, value in zip("abc", values)}
        results = emitted_values(step, "force_fp16", feeds)
        total = values.sum(dtype=np.float64)
        half = [interpreter.to_half(value) for value in (total, total, total / 3)]
        assert results[:3] == [float(value) for value in half]
        # L2Loss writes float32 from float16.
        np.testing.assert_allclose(results[3], (values.astype(np.float64) ** 2).sum() / 2, rtol=1e-6)


def test_sums_over_unknown_dimensions_saturate():
    def make():
        x = tf.placeholder(tf.float32, (None,), name="x")
        return [tf.reduce_sum(tf.minimum(tf.maximum(x, -1000.0), 1000.0)).name]

    step = graphs.build(make)
    assert emitted_values(step, "force_fp16", {"x:0": np.full(100, 5000.0)}) == [65504.0]


def test_relu_before_rounding_gives_the_same_values():
    x = np.array([[-1e6, 1e6, -1e-9, 1e-9, 1.0004, np.nan]], np.float32)

    def make():
        product = tf.placeholder(tf.float32, x.shape, name="x") * tf.placeholder(tf.float32, (), name="one")
        return [tf.nn.relu(product, name="y").name]

    step = graphs.build(make)
    result = emitted_values(step, "force_fp16", {"x:0": x, "one:0": 1.0})[0]
    np.testing.assert_array_equal(result, np.maximum(interpreter.to_half(x), 0).astype(np.float32))


def test_a_tensor_that_relu_shares_is_rounded_itself():
    def make():
        total = tf.placeholder(tf.float32, (), name="x") + 1.0
        return [tf.nn.relu(total).name, tf.negative(total).name, tf.identity(total, name="total").name]

    step = graphs.build(make)
    assert emitted_values(step, "force_fp16", {"x:0": 2048.0}) == [2048.0, -2048.0, 2048.0]


def test_overlapping_pool_gradients_are_rounded():
    def make():
        x = tf.placeholder(tf.float32, (1, 3, 1, 1), name="x")
        pooled = tf.nn.max_pool(x, [1, 2, 1, 1], [1, 1, 1, 1], "VALID")
        return [tf.gradients(pooled, x, tf.placeholder(tf.float32, (1, 2, 1, 1), name="dy"))[0].name]

    step = graphs.build(make)
    feeds = {"x:0": np.reshape([0.0, 1.0, 0.0], (1, 3, 1, 1)), "dy:0": np.reshape([2048.0, 1.0], (1, 2, 1, 1))}
    assert emitted_values(step, "force_fp16", feeds)[0].ravel().tolist() == [0.0, 2048.0, 0.0]


def test_explicit_casts_to_float16_saturate():
    step = graphs.build(lambda: [tf.cast(tf.placeholder(tf.float32, (3,), name="x"), tf.float16).name])
    result = emitted_values(step, "allow_mix_precision", {"x:0": [1e9, np.nan, 0.1]})[0]
    assert result.dtype == np.float16 and result.tolist() == [65504.0, 0.0, np.float16(0.1)]


# Graphs as a whole


def test_an_all_float32_plan_changes_nothing():
    step = graphs.style_step()
    plan = plan_graph(step.graph_def, step.fetches, load_config("must_keep_origin_dtype"))
    before = step.graph_def.SerializeToString(deterministic=True)
    assert emit_rounded(step.graph_def, plan).SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("mode", MODES + (MATMUL32,))
@pytest.mark.parametrize("make", [graphs.style_step, graphs.residual_block, graphs.dense_step])
def test_emitted_graphs_load_and_keep_their_fetches(make, mode):
    step = make()
    before = step.graph_def.SerializeToString(deterministic=True)
    plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
    emitted = emit_rounded(step.graph_def, plan, keep=[step.initialize])
    assert step.graph_def.SerializeToString(deterministic=True) == before
    infos = []
    for graph_def in (step.graph_def, emitted):
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
            graph.get_operation_by_name(step.initialize)
            fetches = [graph.as_graph_element(fetch) for fetch in step.fetches]
            infos.append([(item.name, getattr(item, "dtype", ""), str(getattr(item, "shape", ""))) for item in fetches])
    assert infos[0] == infos[1]


@pytest.mark.parametrize("mode", MODES + (MATMUL32,))
def test_style_steps_run_and_stay_finite(mode):
    step = graphs.style_step()
    values = emitted_values(step, mode, steps=3)
    assert all(np.isfinite(value).all() for value in values if value is not None)
    losses = values[3:]
    assert all(loss >= 0 for loss in losses)


@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("mode", MODES + (MATMUL32,))
def test_every_operand_and_result_the_plan_calls_float16_is(mode, pooling):
    step = graphs.style_step(pooling=pooling)
    plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
    emitted = emit_rounded(step.graph_def, plan, keep=[step.initialize])
    nodes = {node.name: node for node in emitted.node}
    relus = {
        nodes.get(op.nodes[0] + "/unrounded", nodes[op.nodes[0]]).input[0] for op in plan.ops if op.type == "ReluV2"
    }
    tensors = set()
    for op in plan.ops:
        node = nodes.get(op.nodes[0] + "/unrounded", nodes[op.nodes[0]])
        operands = node.input[-len(op.inputs) :] if node.op == "Conv2DBackpropInput" else node.input
        if op.type != "ApplyAdamD":
            tensors.update(name for name, dtype in zip(operands, op.inputs) if dtype == "float16")
            tensors.update(op.nodes[-1:] if op.outputs[:1] == ("float16",) and op.type != "Assign" else ())
    # Rounding waits for a Relu behind it.
    names = sorted(f"{name}:0" for name in tensors - relus if nodes[name].op != "VarHandleOp")
    assert names or mode == "must_keep_origin_dtype"
    values = graphs.run(emitted, names + [step.fetches[0]], initialize=step.initialize)
    for name, value in zip(names, values):
        np.testing.assert_array_equal(value, interpreter.to_half(value).astype(np.float32), err_msg=name)


def test_plain_mixed_precision_hides_the_style_loss_and_matmul32_does_not():
    step = graphs.style_step()
    true, plain, mended = (
        emitted_values(step, mode)[4] for mode in ("must_keep_origin_dtype", "allow_mix_precision", MATMUL32)
    )
    assert plain < 0.5 * true
    np.testing.assert_allclose(mended, true, rtol=0.01)


def test_loops_round_in_their_own_frame():
    def make():
        tf.disable_control_flow_v2()
        x = tf.placeholder(tf.float32, (), name="x")
        return [tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 1.1 / v * v), (0, x))[1].name]

    step = graphs.build(make)
    value = np.float16(3.0)
    for _ in range(3):
        value = value * np.float16(1.1) / value * value
    assert emitted_values(step, "force_fp16", {"x:0": 3.0}) == [value]


def test_frozen_graphs():
    def make():
        x = tf.placeholder(tf.float32, (1, 2), name="x")
        weight = tf.identity(tf.constant([[1.0004], [70000.0]]), name="weight/read")
        return [tf.matmul(x, weight).name]

    step = graphs.build(make)
    plan = plan_graph(step.graph_def, step.fetches, load_config("allow_mix_precision"))
    assert [(item.saturated, item.flushed) for item in plan.constants] == [(1, 0)]
    assert emitted_values(step, "allow_mix_precision", {"x:0": [[1.0, 0.5]]})[0] == [[32752.0]]


def test_a_plan_of_another_graph_is_refused():
    one, other = (
        graphs.build(lambda: [tf.identity(make(tf.placeholder(tf.float32, (2,))), name="y").name])  # noqa: B023
        for make in (tf.negative, tf.square)
    )
    plan = plan_graph(one.graph_def, one.fetches, load_config("force_fp16"))
    with pytest.raises(GraphError, match="the plan was made for another graph"):
        emit_rounded(other.graph_def, plan)


def test_fed_fetches_pass_through_the_roundings():
    step = graphs.style_step()
    shape = (1, 32, 32, 3)
    picture = np.random.RandomState(3).uniform(-100, 100, shape).astype(np.float32)
    one, other = (
        emitted_values(step, "force_fp16", {step.fetches[1]: value}, fetches=step.fetches[3:])
        for value in (picture, interpreter.to_half(picture))
    )
    assert one == other
    assert one != emitted_values(step, "force_fp16", fetches=step.fetches[3:])


# Updates


@pytest.mark.parametrize("use_resource", [True, False])
@pytest.mark.parametrize("gradient", [0.0, 1e-9, 3e-4, 1.5, 300.0])
def test_adam_under_force_fp16_is_native_float16(use_resource, gradient):
    start = np.array([0.7, -120.3, 3e4], np.float32)

    def make():
        variable = tf.get_variable("x", initializer=tf.constant(start), use_resource=use_resource)
        adam = tf.train.AdamOptimizer(10.0)
        update = adam.apply_gradients([(tf.placeholder(tf.float32, (3,), name="gradient"), variable)])
        slots = [adam.get_slot(variable, name) for name in ("m", "v")] + list(adam._get_beta_accumulators())
        return [update.name] + [tf.identity(slot, name=f"slot{n}").name for n, slot in enumerate([variable] + slots)]

    step = graphs.build(make)
    feeds = {"gradient:0": np.array([gradient, -gradient, gradient], np.float32)}
    plan = plan_graph(step.graph_def, step.fetches[:1], load_config("force_fp16"))
    emitted = emit_rounded(step.graph_def, plan, keep=(step.initialize,) + step.fetches[1:])
    state = [start, np.zeros(3), np.zeros(3), np.float32(0.9), np.float32(0.999)]
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(emitted, name="")
        with tf.Session(graph=graph) as session:
            session.run(step.initialize)
            for _ in range(3):
                session.run(step.fetches[0], feeds)
                state = interpreter.adam(state, feeds["gradient:0"], 10.0, 0.9, 0.999, 1e-8)
                for value, expected in zip(session.run(list(step.fetches[1:])), state):
                    np.testing.assert_array_equal(value, np.asarray(expected, np.float32))


def test_adam_stays_float32_in_the_other_modes():
    step = graphs.dense_step()
    plan = plan_graph(step.graph_def, step.fetches, load_config("allow_fp32_to_fp16"))
    emitted = emit_rounded(step.graph_def, plan)
    assert sum(node.op == "ResourceApplyAdam" for node in emitted.node) == 3


@pytest.mark.parametrize("use_resource", [True, False])
def test_additions_to_a_variable_under_force_fp16(use_resource):
    def make():
        variable = tf.get_variable("x", initializer=tf.constant(2048.0), use_resource=use_resource)
        update = tf.assign_add(variable, 1.0)
        return [update.op.name]

    step = graphs.build(make)
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    read = next(node.name for node in step.graph_def.node if node.name in ("x/read", "x/Read/ReadVariableOp"))
    emitted = emit_rounded(step.graph_def, plan, keep=[step.initialize, read])
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(emitted, name="")
        with tf.Session(graph=graph) as session:
            session.run(step.initialize)
            session.run(step.fetches[0])
            assert session.run(read + ":0") == 2048.0


def test_customised_op_alone_is_rounded():
    config = PrecisionConfig(
        "allow_fp32_to_fp16", custom_dtypes=(CustomDtypes("b", False, ("float16", "float16"), ("float16",)),)
    )

    def make():
        x = tf.placeholder(tf.float32, (), name="x")
        return [tf.add(x, 1.0, name="a").name, tf.add(x, 1.0, name="b").name]

    step = graphs.build(make)
    assert emitted_values(step, "", {"x:0": 2048.0}, config=config) == [2049.0, 2048.0]
