"""A graph with noise of some ulps on its weights, and feeds with such noise. Needs TensorFlow."""

import functools
from typing import Callable, Dict, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from harness.check.feeds import Feeds
from harness.precision.graph.nodes import (
    constant_node,
    constant_value,
    control_inputs,
    data_inputs,
    node_name,
    set_inputs,
    sorted_ancestors,
    tensor_name,
)

SIZE, SEED = "check_noise/size:0", "check_noise/seed:0"
"""Placeholders of a noisy graph: the relative size of its noise, and the first part of its seeds."""
_FLOAT = tf.float32.as_datatype_enum
VARIABLES = ("VariableV2", "Variable", "VarHandleOp")


def noisy_graph(graph_def: tf.GraphDef, run_for: Sequence[str]) -> tf.GraphDef:
    """Return the graph with each weight that float16 does not hold off by a relative amount, up or down at random.

    Weights are float32 constants and variables of more than one element, variables as they are read. Values that
    float16 holds stay as they are, for no mode rounds them; so do weights that belong to a loop alone.

    Args:
        run_for: what is run; what only initialisers need stays as it is.
    """
    noisy = tf.GraphDef()
    noisy.CopyFrom(graph_def)
    nodes = {node.name: node for node in noisy.node}
    step = sorted_ancestors(nodes, map(node_name, run_for))
    weights = [name for name in step if _is_weight(nodes[name], nodes)]
    _add_placeholders(noisy)
    moved = {tensor_name(name): _add_noise(noisy, name, number) for number, name in enumerate(weights)}
    for name in step:
        inputs = data_inputs(nodes[name])
        if any(tensor in moved for tensor in inputs):
            set_inputs(nodes[name], [moved.get(tensor, tensor) for tensor in inputs], control_inputs(nodes[name]))
    return noisy


def noisy_feeds(feeds: Feeds, size: float, random: np.random.RandomState) -> Feeds:
    """Return the feeds with each float off by a relative amount, up or down; equal values of an array move alike.

    A single number that float16 holds stays as it is: it is a setting, such as a dropout rate.
    """
    return {name: _noisy(value, size, random) for name, value in feeds.items()} if size else feeds


def _noisy(value: np.ndarray, size: float, random: np.random.RandomState) -> np.ndarray:
    if value.dtype.kind != "f" or (value.size == 1 and _is_held(value)):
        return value
    values, where = np.unique(value, return_inverse=True)
    signs = random.choice([-1.0, 1.0], size=values.shape)
    return (value * (1 + size * signs[where].reshape(value.shape))).astype(value.dtype)


def _is_held(value: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.all(value == value.astype(np.float16)))


def _is_weight(node: tf.NodeDef, nodes: Dict[str, tf.NodeDef]) -> bool:
    if control_inputs(node) and node.op == "Const":  # of a loop or a branch
        return False
    if node.op == "Const" and node.attr["dtype"].type == _FLOAT:
        value = constant_value(node)
        return value.size > 1 and not _is_held(value)
    if node.op not in ("ReadVariableOp", "Identity"):
        return False
    variable = nodes[node_name(node.input[0])]
    is_float = node.attr["dtype" if node.op == "ReadVariableOp" else "T"].type == _FLOAT
    return is_float and variable.op in VARIABLES and not is_single(variable)


def is_single(variable: tf.NodeDef) -> bool:
    """Say whether a variable is known to hold one number: a setting or a counter, such as a power of Adam's beta."""
    shape = variable.attr["shape"].shape
    return not shape.unknown_rank and all(dim.size == 1 for dim in shape.dim)


def _add_placeholders(graph_def: tf.GraphDef) -> None:
    for tensor, dtype in ((SIZE, tf.float32), (SEED, tf.int32)):
        node = graph_def.node.add(name=node_name(tensor), op="Placeholder")
        node.attr["dtype"].type = dtype.as_datatype_enum
        node.attr["shape"].shape.CopyFrom(tf.TensorShape([]).as_proto())


def _add_noise(graph_def: tf.GraphDef, weight: str, number: int) -> str:
    """Add the nodes that move a weight; return the moved tensor."""
    prefix = f"check_noise/{number}/"
    own = graph_def.node.add()
    own.CopyFrom(constant_node(f"{prefix}number", np.int32(number)))
    outside = {"weight": weight, "size": node_name(SIZE), "seed": node_name(SEED), "number": own.name}
    for part in _moving().node:
        if part.name not in outside:
            copy = graph_def.node.add()
            copy.CopyFrom(part)
            copy.name = prefix + part.name
            set_inputs(copy, map(_renaming(outside, prefix), data_inputs(part)), ())
    return tensor_name(f"{prefix}out")


@functools.lru_cache(maxsize=None)
def _moving() -> tf.GraphDef:
    """Return the graph that moves a tensor `weight`."""
    with tf.Graph().as_default() as graph:
        weight, size = tf.placeholder(tf.float32, name="weight"), tf.placeholder(tf.float32, [], name="size")
        seed, number = (tf.placeholder(tf.int32, [], name=name) for name in ("seed", "number"))
        drawn = tf.random.stateless_uniform(tf.shape(weight), tf.stack([seed, number]))
        moved = weight * (1 + size * tf.sign(drawn - 0.5))
        held = tf.equal(tf.cast(tf.cast(weight, tf.float16), tf.float32), weight)
        tf.where(held, weight, moved, name="out")
    return graph.as_graph_def()


def _renaming(outside: Dict[str, str], prefix: str) -> Callable[[str], str]:
    def renamed(tensor: str) -> str:
        name, _, output = tensor.partition(":")
        return f"{outside.get(name, prefix + name)}:{output}"

    return renamed


def seeded(size: float, seed: int) -> Dict[str, object]:
    """Return what a noisy graph is fed for noise of this size."""
    return {SIZE: np.float32(size), SEED: np.int32(seed)}
