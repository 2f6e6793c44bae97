"""Functions' bodies where they are called: the same values, nothing left to call, shapes known within."""

import numpy as np
import pytest
import tensorflow as tf2
import tensorflow.compat.v1 as tf

from harness.precision.graph.inlining import inline_functions
from harness.precision.graph.loop_shapes import infer_shapes
from harness.precision.graph.nodes import GraphError
from tests.precision import control_flow

CALLS = {
    *("PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf"),
    *("Case", "StatelessCase", "While", "StatelessWhile"),
}


@pytest.mark.parametrize("maker", control_flow.MAKERS + control_flow.FUNCTIONAL)
def test_a_graph_without_calls_computes_the_same(maker):
    graph_def, initialize = control_flow.build(getattr(control_flow, maker), functional=True)
    assert {node.op for node in graph_def.node} & CALLS
    flat = inline_functions(graph_def).graph_def
    assert not {node.op for node in flat.node} & CALLS and not flat.library.function
    for feed in (control_flow.FEED, -control_flow.FEED):
        expected = control_flow.run(graph_def, initialize, feed)
        assert np.array_equal(control_flow.run(flat, initialize, feed), expected)


@pytest.mark.parametrize("index", [-3, 0, 1, 2, 3])
def test_the_last_branch_is_taken_for_every_index_that_has_none(index):
    graph_def, initialize = control_flow.build(control_flow.chosen, functional=True)
    feed = np.full((2, 3), index, np.float32)
    expected = {0: feed * 0, 1: feed - 7}.get(index, np.maximum(feed * 3, 0))
    for built in (graph_def, inline_functions(graph_def).graph_def):
        assert np.array_equal(control_flow.run(built, initialize, feed), expected)


def test_a_single_branch_is_always_taken():
    graph_def = tf.GraphDef()
    graph_def.CopyFrom(control_flow.build(control_flow.chosen, functional=True)[0])
    (case,) = [node for node in graph_def.node if node.op in ("Case", "StatelessCase")]
    del case.attr["branches"].list.func[1:]
    initialize = control_flow.build(control_flow.chosen, functional=True)[1]
    flat = inline_functions(graph_def).graph_def
    for index in (-3, 0, 3):
        feed = np.full((2, 3), index, np.float32)
        assert np.array_equal(control_flow.run(flat, initialize, feed), feed * 6)


def test_a_body_is_named_after_its_call():
    graph_def, _ = control_flow.build(control_flow.loop, functional=True)
    ops = {node.name: node.op for node in inline_functions(graph_def).graph_def.node}
    assert ops["while/body/MatMul"] == "MatMul" and ops["while/cond/Less"] == "Less"


def test_a_graph_that_calls_nothing_stays_as_it_is():
    graph_def, _ = control_flow.build(control_flow.loop, functional=False)
    assert inline_functions(graph_def) == (graph_def, {})


def test_each_output_of_a_call_can_be_fetched():
    def make():
        @tf2.function
        def both(a):
            return a + 1.0, a * 3.0

        both(tf.placeholder(tf.float32, (2,), name="x"))

    graph_def, _ = control_flow.build(make, functional=True)
    (call,) = [node.name for node in graph_def.node if node.op in CALLS]
    flat, renamed = inline_functions(graph_def)
    assert renamed == {f"{call}:1": f"{call}/output_1:0"}
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(flat, name="")
        first, second = session.run([f"{call}:0", renamed[f"{call}:1"]], {"x:0": [1, 2]})
    assert (first.tolist(), second.tolist()) == ([2, 3], [3, 6])


def test_a_function_that_is_not_there_or_calls_itself_is_named():
    graph_def, _ = control_flow.build(control_flow.call, functional=True)
    absent = tf.GraphDef(node=graph_def.node)
    with pytest.raises(GraphError, match="the graph has no function __inference_outer"):
        inline_functions(absent)
    for function in graph_def.library.function:
        for node in function.node_def:
            if node.op == "PartitionedCall":
                node.attr["f"].func.name = function.signature.name
    with pytest.raises(GraphError, match="calls itself"):
        inline_functions(graph_def)


@pytest.mark.parametrize("functional", [True, False])
@pytest.mark.parametrize(
    "maker, shape", [("loop", (2, 3)), ("nested", (2, 3)), ("growing", (None, 3)), ("conditional", (2, 4))]
)
def test_shapes_are_known_within_loops_and_only_where_they_stay(maker, shape, functional):
    graph_def, _ = control_flow.build(getattr(control_flow, maker), functional)
    _, infos = infer_shapes(inline_functions(graph_def).graph_def)
    assert infos["out:0"].shape == shape
    products = [info.shape for name, info in infos.items() if name.endswith("/MatMul:0")]
    assert all(found == shape for found in products) and bool(products) == (maker != "growing")
