"""Static shapes of all tensors of a graph, also of those within loops."""

from typing import Dict, Optional, Tuple

import tensorflow.compat.v1 as tf

from harness.precision.graph.nodes import TensorInfo, data_inputs, import_skeleton, node_name, set_inputs, tensor_infos

Shape = Optional[Tuple[Optional[int], ...]]

_AGAIN = "/again"
"""Ends the name of what stands for a loop variable's next value."""
_ROUNDS = 10
"""A shape can lose as many sizes as it has, and then its rank; few loops take more than two rounds."""


def infer_shapes(graph_def: tf.GraphDef) -> Tuple[tf.Graph, Dict[str, TensorInfo]]:
    """Return the graph, large constants replaced, and what TensorFlow's shape functions know of every tensor.

    When TensorFlow imports a loop, the next value of a variable is not there yet, so that its shape is unknown. Here a
    variable is first taken to keep the shape it begins with; what the loop's body then makes of it says which sizes it
    loses, and the rest is inferred anew until nothing changes.
    """
    backwards = _next_values(graph_def)
    if not backwards:
        skeleton = import_skeleton(graph_def)
        return skeleton, tensor_infos(skeleton)
    assumed: Dict[str, Shape] = {}
    for _ in range(_ROUNDS):
        skeleton = import_skeleton(_without_back_edges(graph_def, backwards, assumed))
        infos = {name: info for name, info in tensor_infos(skeleton).items() if not node_name(name).endswith(_AGAIN)}
        wrong = {
            merge: _common(infos[f"{merge}:0"].shape, infos[tensor].shape)
            for merge, tensor in backwards.items()
            if _common(infos[f"{merge}:0"].shape, infos[tensor].shape) != infos[f"{merge}:0"].shape
        }
        if not wrong:
            return skeleton, infos
        assumed.update(wrong)
    return skeleton, {name: info._replace(shape=None) for name, info in infos.items()}


def _next_values(graph_def: tf.GraphDef) -> Dict[str, str]:
    """Return, by the Merge of each loop variable, the tensor of its next value."""
    nexts = {node.name for node in graph_def.node if node.op in ("NextIteration", "RefNextIteration")}
    return {
        node.name: tensor
        for node in graph_def.node
        if node.op in ("Merge", "RefMerge")
        for tensor in data_inputs(node)
        if node_name(tensor) in nexts
    }


def _without_back_edges(graph_def: tf.GraphDef, backwards: Dict[str, str], assumed: Dict[str, Shape]) -> tf.GraphDef:
    """Return the graph with something of the assumed shape in place of each next value, at first the first value."""
    cut = tf.GraphDef()
    cut.CopyFrom(graph_def)
    for node in list(cut.node):
        if node.op in ("Enter", "RefEnter"):
            node.attr["is_constant"].b = True  # of any other Enter TensorFlow forgets the shape
        if node.name not in backwards:
            continue
        first = next(tensor for tensor in data_inputs(node) if tensor != backwards[node.name])
        again = first
        if node.name in assumed:
            stand_in = cut.node.add(name=node.name + _AGAIN, op="Placeholder")
            stand_in.attr["dtype"].type = node.attr["T"].type
            stand_in.attr["shape"].shape.CopyFrom(tf.TensorShape(assumed[node.name]).as_proto())
            again = stand_in.name + ":0"
        set_inputs(node, [again if tensor == backwards[node.name] else tensor for tensor in data_inputs(node)], ())
    return cut


def _common(first: Shape, second: Shape) -> Shape:
    """Return what two shapes have in common."""
    if first is None or second is None or len(first) != len(second):
        return None
    return tuple(one if one == other else None for one, other in zip(first, second))
