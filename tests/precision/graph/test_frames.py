import tensorflow.compat.v1 as tf

from harness.precision.graph.frames import inner_nodes


def nodes_of(make):
    with tf.Graph().as_default() as graph:
        make()
    return {node.name: node for node in graph.as_graph_def().node}


def test_what_stands_in_a_loop_or_a_branch_is_inner_and_what_leaves_it_is_not(control_flow_v1):
    def make():
        x = tf.placeholder(tf.float32, (2,), name="x")
        before = tf.negative(x, name="before")
        looped = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.square(y, name="body")), [0, before])[1]
        chosen = tf.cond(tf.reduce_sum(x) > 0, lambda: tf.exp(looped, name="taken"), lambda: looped)
        tf.negative(chosen, name="after")

    inner = inner_nodes(nodes_of(make))
    kinds = {name.split("/")[-1] for name in inner}
    assert {"body", "taken"} <= kinds
    assert not kinds & {"x", "before", "after", "Exit_1"}


def test_a_graph_without_control_flow_has_no_inner_nodes():
    assert inner_nodes(nodes_of(lambda: tf.negative(tf.placeholder(tf.float32, (2,)) * 2.0))) == set()


def test_what_follows_a_loop_within_a_branch_is_still_within_it(control_flow_v1):
    def make():
        x = tf.placeholder(tf.float32, (2,))

        def branch():
            looped = tf.while_loop(lambda y: tf.reduce_sum(y) < 10.0, lambda y: y * 2.0, [x])
            return tf.identity(looped, "after_loop")

        return tf.cond(tf.reduce_sum(x) > 0.0, branch, lambda: x)

    assert any(name.endswith("after_loop") for name in inner_nodes(nodes_of(make)))
