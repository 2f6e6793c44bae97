"""Graphs the tests plan and run: the style step from the model, a residual block, a dense layer with Adam."""

import functools
from typing import Callable, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from model import losses, stylization, vgg
from model.settings import StyleSettings


class Step(NamedTuple):
    """A graph, what to run it for, and what sets its variables first."""

    graph_def: tf.GraphDef
    fetches: Tuple[str, ...]
    initialize: str = ""


def build(make: Callable[[], Sequence[str]]) -> Step:
    """Return the graph of a function that returns its fetches."""
    with tf.Graph().as_default() as graph:
        fetches = tuple(make())
        initialize = tf.global_variables_initializer().name
        return Step(graph.as_graph_def(), fetches, initialize)


def run(graph_def: tf.GraphDef, fetches: Sequence[str], feeds=None, initialize: str = "", steps: int = 1):
    """Run a graph some times, with TensorFlow's optimiser on as in a real step; return the last values."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf.Session(graph=graph) as session:
            if initialize:
                session.run(initialize)
            for _ in range(steps):
                values = session.run(list(fetches), feeds or {})
            return values


@functools.lru_cache(maxsize=None)
def style_step(size: int = 32, pooling: str = "max", network: str = "synthetic-narrow") -> Step:
    """The model's own training step: narrow network, small picture."""
    network, settings = vgg.load(network), StyleSettings(pooling=pooling)
    random = np.random.RandomState(0)
    picture = random.uniform(0, 255, (1, size, size, 3)) - network.mean_pixel
    content = {"relu4_2": _zeros(network, "relu4_2", size)}
    targets = losses.Targets((content,), (_gram_targets(network, settings),))
    step = stylization.step_graph(picture, targets, network, settings)
    fetches = (step.update, step.picture, step.gradient) + tuple(step.losses[name] for name in losses.LOSSES)
    return Step(step.graph_def, fetches, step.initialize)


def _zeros(network, layer: str, size: int) -> np.ndarray:
    side = -(-size // 2 ** (int(layer[4]) - 1))
    return np.zeros((1, side, side, network.biases["conv" + layer[4:]].size), np.float32)


def _gram_targets(network, settings):
    grams = {}
    for layer in settings.style_layers():
        channels = network.biases["conv" + layer[4:]].size
        grams[layer] = np.zeros((channels, channels), np.float32)
    return grams


@functools.lru_cache(maxsize=None)
def residual_block() -> Step:
    """Training step of a residual block with batch norm and plain gradient descent."""

    def make():
        x = tf.placeholder(tf.float32, (2, 8, 8, 4), name="x")
        branch = x
        for index in (1, 2):
            with tf.name_scope(f"unit{index}"):
                kernel = _variable(f"kernel{index}", (3, 3, 4, 4))
                scale, offset = _variable(f"scale{index}", (4,)), _variable(f"offset{index}", (4,))
                branch = tf.nn.conv2d(branch, kernel, strides=[1, 1, 1, 1], padding="SAME")
                branch = tf.nn.fused_batch_norm(branch, scale, offset, epsilon=1e-3)[0]
                if index == 1:
                    branch = tf.nn.relu(branch)
        with tf.name_scope("out"):
            out = tf.nn.relu(branch + x)
            loss = tf.reduce_mean(tf.square(tf.reduce_mean(out, [1, 2])), name="loss")
        update = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        return [update.name, loss.name]

    return build(make)


@functools.lru_cache(maxsize=None)
def dense_step(use_resource: bool = True) -> Step:
    """Training step of a dense layer with a bias, a broadcast scale, and Adam."""

    def make():
        x = tf.placeholder(tf.float32, (5, 3), name="x")
        weight = _variable("weight", (3, 2), use_resource)
        bias, scale = _variable("bias", (2,), use_resource), _variable("scale", (1, 1), use_resource)
        out = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, weight), bias) * scale)
        loss = tf.reduce_sum(tf.square(out - 1.0), name="loss")
        update = tf.train.AdamOptimizer(0.01).minimize(loss)
        return [update.name, loss.name, weight.op.name + ("/Read/ReadVariableOp:0" if use_resource else ":0")]

    return build(make)


def _variable(name: str, shape, use_resource: bool = True) -> tf.Variable:
    random = np.random.RandomState(len(name))
    initial = tf.constant(random.standard_normal(shape).astype(np.float32))
    return tf.get_variable(name, initializer=initial, use_resource=use_resource)
