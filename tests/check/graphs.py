"""Small graphs with a fault built in that float16 alone shows, and healthy ones; files of them."""

import numpy as np
import tensorflow.compat.v1 as tf


def weights(*shape):
    random = np.random.RandomState(len(shape))
    return (random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)


def save(path, make):
    """Write the graph that a function makes; return its path as text."""
    with tf.Graph().as_default() as graph:
        make()
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return str(path)


def healthy():
    """Two dense layers and a division."""
    x = tf.placeholder(tf.float32, (4, 32), name="x")
    with tf.name_scope("first"):
        hidden = tf.nn.relu(tf.matmul(x, weights(32, 64)))
    with tf.name_scope("second"):
        logits = tf.matmul(hidden, weights(64, 8))
    tf.divide(logits, 3.0, name="out")


def classifier():
    """A convolution with batch norm, a dense layer, a softmax."""
    x = tf.placeholder(tf.float32, (2, 12, 12, 3), name="x")
    features = tf.nn.conv2d(x, weights(3, 3, 3, 8), [1, 2, 2, 1], "SAME", name="conv")
    values = [np.float32(value) + np.zeros(8, np.float32) for value in (1.1, 0.3, 0.1, 0.7)]
    features = tf.nn.relu6(tf.nn.fused_batch_norm(features, *values, is_training=False, name="norm")[0])
    logits = tf.nn.bias_add(tf.matmul(tf.reduce_mean(features, [1, 2]), weights(8, 5)), weights(5))
    tf.nn.softmax(logits, name="out")


def far_divisor():
    """A layer whose means are taken by divisors that float16 does not hold."""
    x = tf.placeholder(tf.float32, (4, 32), name="x")
    with tf.name_scope("layer"):
        hidden = tf.nn.relu(tf.matmul(x, weights(32, 64)), name="relu")
    with tf.name_scope("mean"):
        scaled = tf.divide(hidden, np.full(64, 200000.0, np.float32), name="quotient")
    with tf.name_scope("last"):
        tf.matmul(scaled * 1024.0, weights(64, 8), name="out")


def long_sum():
    """A sum of 100,000 terms, which leaves float16."""
    x = tf.placeholder(tf.float32, (2, 100000), name="x")
    with tf.name_scope("layer"):
        terms = tf.square(x, name="square")
    with tf.name_scope("total"):
        total = tf.reduce_sum(terms, 1, name="sum")
    with tf.name_scope("last"):
        tf.multiply(total, 1e-5, name="out")


def bare_softmax():
    """A softmax that takes no maximum off before it exponentiates."""
    x = tf.placeholder(tf.float32, (4, 32), name="x")
    with tf.name_scope("logits"):
        logits = tf.matmul(x, 6 * weights(32, 16), name="product")
    with tf.name_scope("softmax"):
        powers = tf.exp(logits, name="exp")
        tf.divide(powers, tf.reduce_sum(powers, 1, keepdims=True, name="sum"), name="out")


def training(use_resource=True, scale=1.0, random_start=True):
    """A training step of two dense layers by Adam on a loss of this scale; run it for `train` and `loss`."""
    x = tf.placeholder(tf.float32, (16, 8), name="x")
    start = tf.random_normal_initializer(stddev=0.3) if random_start else tf.constant_initializer(weights(8, 8))
    with tf.variable_scope("layer", use_resource=use_resource):
        kernel = tf.get_variable("kernel", (8, 8), initializer=start)
        hidden = tf.nn.relu(tf.matmul(x, kernel))
    with tf.variable_scope("last", use_resource=use_resource):
        last = tf.get_variable("kernel", (8, 4), initializer=tf.constant_initializer(weights(8, 4)))
        wrong = tf.matmul(hidden, last) - x[:, :4]
    loss = tf.reduce_mean(tf.square(wrong)) * scale
    tf.identity(loss, name="loss")
    tf.train.GradientDescentOptimizer(0.1 / scale).minimize(loss, name="train")
    tf.global_variables_initializer()
