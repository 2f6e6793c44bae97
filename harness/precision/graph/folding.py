"""Fold what does not depend on data: shapes, axes, permutations, gradients of constants."""

from typing import Dict, Iterable, List, Set

import numpy as np
import tensorflow.compat.v1 as tf

from harness.precision.graph.frames import inner_nodes
from harness.precision.graph.nodes import (
    NodeGraph,
    TensorInfo,
    constant_node,
    data_inputs,
    node_name,
    set_inputs,
    tensor_name,
)

_SHAPE_OPS = frozenset(("Shape", "ShapeN", "Size", "Rank"))
_NUMERIC = frozenset(("float16", "float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16"))


def fold_constants(graph: NodeGraph, infos: Dict[str, TensorInfo], stateful: Set[str]) -> Dict[str, TensorInfo]:
    """Replace what only depends on constants and static shapes by Const nodes, computed by TensorFlow.

    The compiler folds such ops on the host too, in their own dtype (GE, constant folding pass). What stands in a loop
    or a branch is left as it is, for a constant there belongs to it. Returns the infos of constants that had to be
    given a new name.

    Args:
        infos: what is known of every tensor.
        stateful: nodes that must run each step.
    """
    known = _known_nodes(graph, infos, stateful)
    wanted = _frontier(graph, known)
    if not wanted:
        return {}
    values = _evaluate(graph, infos, known, wanted)
    return _replace(graph, infos, values)


def _known_nodes(graph: NodeGraph, infos: Dict[str, TensorInfo], stateful: Set[str]) -> Set[str]:
    known: Set[str] = set()
    inner = inner_nodes(graph.nodes) if graph.has_frames else set()
    for name, node in graph.nodes.items():
        if name in inner:
            continue
        inputs = data_inputs(node)
        if node.op == "Const":
            known.add(name)
        elif node.op in _SHAPE_OPS:
            needed = [infos[tensor] for tensor in inputs]
            if node.op == "Rank":
                ready = all(info.shape is not None for info in needed)
            else:
                ready = all(info.dims_known for info in needed)
            if ready:
                known.add(name)
        elif (
            node.op != "PlaceholderWithDefault"
            and inputs
            and name not in stateful
            and all(node_name(tensor) in known for tensor in inputs)
        ):
            outputs = [infos[tensor].dtype for tensor in _outputs(name, infos)]
            if outputs and all(dtype in _NUMERIC for dtype in outputs):
                known.add(name)
    return known


def _outputs(name: str, infos: Dict[str, TensorInfo]) -> List[str]:
    outputs: List[str] = []
    while f"{name}:{len(outputs)}" in infos:
        outputs.append(f"{name}:{len(outputs)}")
    return outputs


def _frontier(graph: NodeGraph, known: Set[str]) -> List[str]:
    """Return the computed tensors that something not known reads, or that are fetched."""
    computed = {name for name in known if graph.nodes[name].op != "Const"}
    wanted = {tensor for tensor in graph.fetched_tensors if node_name(tensor) in computed}
    for name, node in graph.nodes.items():
        if name not in known:
            wanted.update(tensor for tensor in data_inputs(node) if node_name(tensor) in computed)
    return sorted(wanted)


def _evaluate(
    graph: NodeGraph, infos: Dict[str, TensorInfo], known: Set[str], wanted: Iterable[str]
) -> Dict[str, np.ndarray]:
    part = tf.GraphDef()
    part.versions.CopyFrom(graph.versions)
    for name in _needed(graph, known, wanted):
        node = graph.nodes[name]
        if node.op in _SHAPE_OPS:
            part.node.extend(_shape_nodes(node, infos))
        else:
            copy = part.node.add()
            copy.CopyFrom(node)
            set_inputs(copy, data_inputs(node), ())
            copy.attr.pop("_class", None)
    folded = tf.Graph()
    with folded.as_default():
        tf.import_graph_def(part, name="")
    # Default options: the first session of a process fixes the size of its thread pool.
    with tf.Session(graph=folded) as session:
        return dict(zip(wanted, session.run(list(wanted))))


def _needed(graph: NodeGraph, known: Set[str], wanted: Iterable[str]) -> List[str]:
    needed = {node_name(tensor) for tensor in wanted}
    for name in reversed(list(graph.nodes)):
        if name in needed and graph.nodes[name].op not in _SHAPE_OPS:
            needed.update(node_name(tensor) for tensor in data_inputs(graph.nodes[name]))
    return [name for name in graph.nodes if name in needed and name in known]


def _shape_nodes(node: tf.NodeDef, infos: Dict[str, TensorInfo]) -> List[tf.NodeDef]:
    dtype = np.dtype(tf.as_dtype(node.attr["out_type"].type or tf.int32).as_numpy_dtype)
    operands = [infos[tensor] for tensor in data_inputs(node)]
    if node.op == "Rank":
        # The one shape op that may be known although a dimension is not.
        return [constant_node(node.name, np.array(len(operands[0].shape or ()), np.int32))]
    shapes = [np.array(operand.static_shape, dtype) for operand in operands]
    if node.op == "Size":
        return [constant_node(node.name, np.array(operands[0].elements, dtype))]
    if node.op == "Shape":
        return [constant_node(node.name, shapes[0])]
    # ShapeN has an output for each operand, a Const has one. An IdentityN of the same name gives all outputs under
    # the names that their readers know, so that those can be evaluated unchanged.
    parts = [constant_node(f"{node.name}/{index}", shape) for index, shape in enumerate(shapes)]
    joined = tf.NodeDef(name=node.name, op="IdentityN", input=[part.name for part in parts])
    joined.attr["T"].list.type.extend(part.attr["dtype"].type for part in parts)
    return parts + [joined]


def _replace(graph: NodeGraph, infos: Dict[str, TensorInfo], values: Dict[str, np.ndarray]) -> Dict[str, TensorInfo]:
    renamed: Dict[str, str] = {}
    added: Dict[str, TensorInfo] = {}
    for tensor, value in values.items():
        name = node_name(tensor)
        if len(_outputs(name, infos)) > 1:
            # A node with several outputs cannot become a Const; its readers move to one beside it.
            name = f"{name}/folded_{tensor.split(':')[1]}"
            renamed[tensor] = tensor_name(name)
            added[tensor_name(name)] = infos[tensor]
        graph.nodes[name] = constant_node(name, value)
    if renamed:
        for node in graph.nodes.values():
            inputs = data_inputs(node)
            if any(tensor in renamed for tensor in inputs):
                controls = [reference for reference in node.input if reference.startswith("^")]
                set_inputs(node, [renamed.get(tensor, tensor) for tensor in inputs], controls)
    graph.prune()
    return added
