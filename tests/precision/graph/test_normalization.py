"""Normalised graphs: the same values, names, shapes and dtypes, with fewer nodes."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import GraphError, normalize, output_nodes
from tests.precision import graphs


def ops(step):
    return sorted(node.op for node in normalize(step.graph_def, step.fetches).graph.nodes.values())


def values(step, graph_def, feeds=None):
    return graphs.run(graph_def, step.fetches, feeds)


def test_broadcast_gradients_keep_only_what_sums():
    def make():
        x = tf.placeholder(tf.float32, (3, 4), name="x")
        y = tf.multiply(x * 2.0, tf.ones((3, 4)) + x)
        return [tf.gradients(tf.reduce_sum(y), x)[0].name]

    step = graphs.build(make)
    found = ops(step)
    assert not {"Sum", "Reshape", "Shape", "BroadcastGradientArgs"} & set(found)
    feeds = {"x:0": np.arange(12, dtype=np.float32).reshape(3, 4)}
    normalized = normalize(step.graph_def, step.fetches).graph.to_graph_def()
    np.testing.assert_array_equal(values(step, normalized, feeds), values(step, step.graph_def, feeds))


def test_one_spelling_for_sums_over_broadcast_dimensions():
    def make():
        x, row = tf.placeholder(tf.float32, (3, 4), name="x"), tf.placeholder(tf.float32, (1, 4), name="row")
        vector = tf.placeholder(tf.float32, (4,), name="vector")
        return [tf.abs(g).name for g in tf.gradients(tf.reduce_sum(x * row * vector), [row, vector])]

    step = graphs.build(make)
    assert "Reshape" not in ops(step) and ops(step).count("Sum") == 2
    feeds = {name + ":0": np.ones(shape) for name, shape in (("x", (3, 4)), ("row", (1, 4)), ("vector", (4,)))}
    normalized = normalize(step.graph_def, step.fetches).graph.to_graph_def()
    for one, other in zip(values(step, normalized, feeds), values(step, step.graph_def, feeds)):
        assert one.shape == other.shape
        np.testing.assert_array_equal(one, other)


def test_a_shared_reduction_is_not_reshaped_under_its_other_reader():
    def make():
        x = tf.placeholder(tf.float32, (3, 4), name="x")
        total = tf.reshape(tf.reduce_sum(x, axis=0), (4,))
        return [tf.reshape(total, (1, 4)).name, tf.multiply(total, 2.0).name]

    step = graphs.build(make)
    normalized = normalize(step.graph_def, step.fetches).graph.to_graph_def()
    shapes = [value.shape for value in values(step, normalized, {"x:0": np.ones((3, 4))})]
    assert shapes == [(1, 4), (4,)]


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda x: tf.squeeze(tf.expand_dims(x, 0)), ["ExpandDims", "Squeeze"]),
        (lambda x: tf.broadcast_to(x, (3, 4)), []),
        (lambda x: tf.broadcast_to(x, (2, 3, 4)), ["Reshape", "Tile"]),
        (lambda x: tf.tile(x, (1, 1)), []),
        (lambda x: tf.stop_gradient(tf.add_n([x])), []),
        (lambda x: tf.transpose(x, tf.range(tf.rank(x) - 1, -1, -1)), ["Transpose"]),
        (lambda x: tf.reshape(x, tf.concat([[2], [tf.size(x) // 2]], 0)), ["Reshape"]),
    ],
)
def test_shape_arithmetic_and_no_ops_fold(make, expected):
    step = graphs.build(lambda: [tf.abs(make(tf.placeholder(tf.float32, (3, 4), name="x"))).name])
    assert [op for op in ops(step) if op not in ("Const", "Placeholder", "Abs")] == expected
    feeds = {"x:0": np.random.RandomState(0).randn(3, 4)}
    normalized = normalize(step.graph_def, step.fetches).graph.to_graph_def()
    np.testing.assert_array_equal(values(step, normalized, feeds), values(step, step.graph_def, feeds))


def test_fetches_keep_name_shape_and_dtype_and_may_be_fed():
    def make():
        x = tf.identity(tf.placeholder(tf.float32, (2, 3), name="fed"), name="x")
        constant = tf.add(tf.constant(1.0), 2.0, name="constant")
        first, second = tf.split(tf.constant([1.0, 2.0]), 2, name="parts")
        return [x.name, constant.name, second.name, tf.shape(x, name="shape").name, (x * constant).name]

    step = graphs.build(make)
    normalized = normalize(step.graph_def, step.fetches).graph.to_graph_def()
    with tf.Graph().as_default() as before, tf.Graph().as_default() as after:
        with before.as_default():
            tf.import_graph_def(step.graph_def, name="")
        tf.import_graph_def(normalized, name="")
        for fetch in step.fetches:
            one, other = before.get_tensor_by_name(fetch), after.get_tensor_by_name(fetch)
            assert one.dtype == other.dtype and one.shape.as_list() == other.shape.as_list()
    result = values(step, normalized, {"x:0": np.full((2, 3), 7.0)})
    np.testing.assert_array_equal(result[-1], np.full((2, 3), 21.0))
    assert (result[1], result[2].tolist(), result[3].tolist()) == (3.0, [2.0], [2, 3])


@pytest.mark.parametrize("use_resource", [True, False])
def test_normalised_steps_train_the_same(use_resource):
    step = graphs.dense_step(use_resource)
    fetches = step.fetches + (step.initialize,)
    normalized = normalize(step.graph_def, fetches).graph.to_graph_def()
    feeds = {"x:0": np.random.RandomState(1).randn(5, 3)}
    results = [
        graphs.run(graph, step.fetches[1:], feeds, step.initialize)
        + graphs.run(graph, step.fetches, feeds, step.initialize, steps=5)[1:]
        for graph in (step.graph_def, normalized)
    ]
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_gated_gradients_of_constants_go_and_checks_stay():
    def make():
        x = tf.placeholder(tf.float32, (2,), name="x")
        dead = tf.multiply(x, 3.0, name="dead")
        check = tf.check_numerics(x, "not finite", name="check")
        with tf.control_dependencies([tf.group(dead, check)]):
            return [tf.negative(x, name="y").name]

    step = graphs.build(make)
    nodes = normalize(step.graph_def, step.fetches).graph.nodes
    assert "dead" not in nodes and "check" in nodes


def test_loops_are_left_alone():
    def make():
        x = tf.placeholder(tf.float32, (2,), name="x")
        tf.disable_control_flow_v2()
        return [tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2.0), (0, x))[1].name]

    step = graphs.build(make)
    normalized = normalize(step.graph_def, step.fetches).graph.to_graph_def()
    np.testing.assert_array_equal(values(step, normalized, {"x:0": [1.0, 2.0]})[0], [8.0, 16.0])


def test_what_stands_outside_of_loops_and_branches_folds(control_flow_v1):
    def make():
        x = tf.placeholder(tf.float32, (2, 3), name="x")
        order = tf.range(tf.rank(x) - 1, -1, -1, name="outside")
        scale = tf.add(tf.constant(1.0), 2.0, name="scale")
        looped = tf.while_loop(
            lambda i, v: i < 3, lambda i, v: (i + 1, v * tf.add(scale, tf.constant(1.0), name="in_loop")), (0, x)
        )[1]
        chosen = tf.cond(
            tf.reduce_sum(x) > 0, lambda: tf.add(tf.constant(1.0), 2.0, name="in_branch"), lambda: scale, name="choice"
        )
        always = tf.cond(tf.constant(True), lambda: tf.constant(5.0), lambda: tf.constant(6.0), name="always")
        return [tf.add(tf.transpose(looped, order) * chosen, always, name="out").name]

    step = graphs.build(make)
    nodes = normalize(step.graph_def, step.fetches).graph.nodes
    assert {nodes[name].op for name in ("outside", "scale")} == {"Const"}
    assert {nodes[place].op for place in ("while/in_loop", "choice/in_branch")} <= {"Add", "AddV2"}
    normalized = normalize(step.graph_def, step.fetches).graph.to_graph_def()
    for sign in (1, -1):
        feeds = {"x:0": np.full((2, 3), sign)}
        np.testing.assert_array_equal(values(step, normalized, feeds), values(step, step.graph_def, feeds))
        np.testing.assert_array_equal(values(step, normalized, feeds)[0], np.full((3, 2), sign * 64 * 3 + 5))


def test_unknown_shapes_stay_unknown():
    def make():
        x = tf.placeholder(tf.float32, (None, 4), name="x")
        return [tf.gradients(tf.reduce_mean(x * [1.0, 2.0, 3.0, 4.0]), x)[0].name]

    step = graphs.build(make)
    normalized = normalize(step.graph_def, step.fetches).graph.to_graph_def()
    feeds = {"x:0": np.ones((3, 4))}
    np.testing.assert_allclose(values(step, normalized, feeds), values(step, step.graph_def, feeds), rtol=1e-6)


def test_outputs_are_what_nothing_reads():
    step = graphs.dense_step()
    outputs = output_nodes(step.graph_def)
    assert set(outputs) >= {"Adam", "init"} and "weight" not in outputs


def test_missing_nodes_are_named():
    step = graphs.build(lambda: [tf.placeholder(tf.float32, name="x").name])
    with pytest.raises(GraphError, match="fetch 'nowhere': the graph has no node of this name"):
        normalize(step.graph_def, ["nowhere:0"])
    broken = tf.GraphDef()
    broken.node.add(name="a", op="Identity", input=["b"])
    with pytest.raises(GraphError, match="node 'a': its input 'b' is not in the graph"):
        normalize(broken, ["a"])
