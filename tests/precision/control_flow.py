"""Graphs with functions, conditionals and loops, as TensorFlow's two kinds of control flow build them."""

import numpy as np
import tensorflow as tf2
import tensorflow.compat.v1 as tf

FEED = np.arange(6, dtype=np.float32).reshape(2, 3) - 1
MAKERS = ["call", "conditional", "loop", "nested", "growing", "side_effect"]
FUNCTIONAL = ["chosen", "chosen_in_loop"]
"""Those of graphs that neither TensorFlow spells in control flow of its first kind."""


def _input():
    return tf.placeholder(tf.float32, (2, 3), name="x")


def call():
    @tf2.function
    def inner(a):
        return tf.nn.relu(a) * 2.0

    @tf2.function
    def outer(a, b):
        product = tf.matmul(a, b)
        return inner(product), product + 1.0

    first, second = outer(_input(), tf.ones((3, 4)))
    tf.add(first, second, name="out")


def conditional():
    x = _input()
    scale = tf.get_variable("scale", initializer=tf.constant(2.0), use_resource=True)
    chosen = tf.cond(
        tf.reduce_sum(x) > 0, lambda: tf.matmul(x, tf.ones((3, 4))) * scale.read_value(), lambda: tf.zeros((2, 4)) - 7.0
    )
    tf.identity(chosen, name="out")


def loop():
    weight = tf.constant(np.full((3, 3), 0.5, np.float32))

    def body(step, value):
        return step + 1, tf.nn.relu(tf.matmul(value, weight)) + 1.0

    tf.identity(tf.while_loop(lambda step, value: step < 4, body, [tf.constant(0), _input()])[1], name="out")


def recurrent():
    """A cell with one gate over four steps, then a branch; all named, for TensorFlows number ops differently."""
    x = tf.placeholder(tf.float32, (4, 2, 3), name="x")
    weight = tf.constant(np.linspace(-1, 1, 35, dtype=np.float32).reshape(7, 5)[:, :4], name="weight")

    def body(step, state):
        part = tf.gather(x, step, name="part")
        product = tf.matmul(tf.concat([part, state], 1, name="both"), weight, name="product")
        gate = tf.sigmoid(product, name="gate")
        new = tf.add(tf.multiply(gate, state, name="kept"), tf.tanh(product, name="new"), name="state")
        return step + 1, tf.identity(new, name="next")

    last = tf.while_loop(lambda step, state: step < 4, body, [tf.constant(0), tf.zeros((2, 4))], name="cell")[1]
    is_small = tf.less(tf.reduce_mean(last, name="mean"), 1.0, name="is_small")
    chosen = tf.cond(
        is_small,
        lambda: tf.identity(tf.nn.softmax(last, name="softmax"), name="small"),
        lambda: tf.identity(tf.nn.relu(last, name="relu"), name="large"),
        name="choice",
    )
    tf.identity(chosen, name="out")


def nested():
    def body(step, value):
        chosen = tf.cond(tf.equal(step % 2, 0), lambda: tf.matmul(value, tf.ones((3, 3))), lambda: value - 1.0)
        inner = tf.while_loop(
            lambda turn, part: turn < step, lambda turn, part: (turn + 1, part * 0.5 + 1.0), [tf.constant(0), chosen]
        )
        return step + 1, inner[1]

    tf.identity(tf.while_loop(lambda step, value: step < 4, body, [tf.constant(0), _input()])[1], name="out")


def choosing():
    """One of three heads of a network; all named, for TensorFlows number ops differently."""
    x = tf.placeholder(tf.float32, (2, 3), name="x")
    index = tf.placeholder(tf.int32, (), name="index")
    weight = tf.constant(np.linspace(-1, 1, 17, dtype=np.float32)[:12].reshape(3, 4), name="weight")
    features = tf.nn.relu(tf.matmul(x, weight, name="product"), name="features")
    heads = [
        lambda: tf.matmul(features, tf.ones((4, 4)), name="head"),
        lambda: tf.nn.log_softmax(features, name="shares"),
        lambda: tf.tanh(tf.add(features, 0.1, name="moved"), name="bounded"),
    ]
    tf.identity(tf.switch_case(index, heads, name="choice"), name="out")


def chosen():
    """One of three branches, by what the first element is."""
    x = _input()
    scale = tf.get_variable("scale", initializer=tf.constant(2.0), use_resource=True)
    branches = [
        lambda: tf.matmul(x, tf.ones((3, 3))) * scale.read_value(),
        lambda: x - 7.0,
        lambda: tf.nn.relu(tf.matmul(x, tf.ones((3, 3)))),
    ]
    tf.identity(tf.switch_case(tf.cast(x[0, 0], tf.int32), branches), name="out")


def chosen_in_loop():
    """A branch of its own in each of the first rounds, then the last one."""

    def body(step, value):
        branches = [lambda: tf.matmul(value, tf.ones((3, 3))), lambda: value - 1.0, lambda: value * 0.5]
        return step + 1, tf.switch_case(step, branches)

    tf.identity(tf.while_loop(lambda step, value: step < 5, body, [tf.constant(0), _input()])[1], name="out")


def growing():
    invariants = [tf.TensorShape([]), tf.TensorShape([None, 3])]
    grown = tf.while_loop(
        lambda step, value: step < 4,
        lambda step, value: (step + 1, tf.concat([value, value * 2.0], 0)),
        [tf.constant(0), _input()],
        shape_invariants=invariants,
    )
    tf.identity(grown[1], name="out")


def side_effect():
    """A loop whose body only counts in a variable."""
    total = tf.get_variable("total", initializer=tf.constant(0.0), use_resource=True)

    def body(step):
        with tf.control_dependencies([total.assign_add(3.0)]):
            return [step + 1]

    steps = tf.while_loop(lambda step: step < 4, body, [tf.constant(0)])
    with tf.control_dependencies([steps if isinstance(steps, tf.Tensor) else steps[0]]):
        tf.add(total.read_value(), tf.reduce_sum(_input()), name="out")


def build(make, functional: bool):
    """The GraphDef of what a function adds to a graph, and the name of its variables' initialiser."""
    (tf.enable_control_flow_v2 if functional else tf.disable_control_flow_v2)()
    try:
        with tf.Graph().as_default() as graph:
            make()
            initialize = tf.global_variables_initializer().name
            return graph.as_graph_def(), initialize
    finally:
        tf.disable_control_flow_v2()


def run(graph_def, initialize, feed):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        session.run(initialize)
        return session.run("out:0", {"x:0": feed})
