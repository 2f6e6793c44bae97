"""Bring a TensorFlow GraphDef to what the card's compiler sees, whichever TensorFlow built it.

TensorFlow 1.15 and 2 spell the gradients of one step differently: the older one sums every gradient over no
axes and reshapes it to the shape it has. With static shapes these are no-ops, and arithmetic on shapes is
constant.
"""

from typing import Dict, List, Optional, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from .folding import fold_constants
from .graph import (
    NodeGraph,
    TensorInfo,
    constant_node,
    constant_value,
    control_inputs,
    data_inputs,
    drop_dead_colocations,
    import_skeleton,
    node_name,
    set_inputs,
    tensor_infos,
    tensor_name,
)

FORWARDING = frozenset(("Identity", "StopGradient", "PreventGradient", "Snapshot", "EnsureShape"))
_RESHAPING = frozenset(("Reshape", "ExpandDims", "Squeeze"))
_REDUCING = frozenset(("Sum", "Mean", "Max", "Min", "Prod"))
_EXPANDING = frozenset(("Tile", "BroadcastTo"))


class StaticGraph:
    """A normalised graph together with the static shape and dtype of every tensor."""

    def __init__(self, graph: NodeGraph, infos: Dict[str, TensorInfo]) -> None:
        self.graph = graph
        self.infos = infos

    def constant(self, tensor: str) -> Optional[np.ndarray]:
        """Return the value of a constant tensor, None for any other."""
        node = self.graph.nodes.get(node_name(tensor))
        return constant_value(node) if node is not None and node.op == "Const" else None


def normalize(graph_def: tf.GraphDef, fetches: Sequence[str]) -> StaticGraph:
    """Prune to the fetches, fold what is constant, and drop what static shapes make a no-op.

    Fetches (tensor or operation names) keep their name, shape, dtype and value; variables and updates stay
    as they are. Raises GraphError for a fetch or input that is missing, and TensorFlow's ValueError for a
    graph that it cannot import.
    """
    graph = NodeGraph(graph_def, fetches)
    pruned = graph.to_graph_def()
    drop_dead_colocations(pruned)
    skeleton = import_skeleton(pruned)
    infos = tensor_infos(skeleton)
    stateful = {operation.name for operation in skeleton.get_operations() if operation.op_def.is_stateful}
    infos.update(fold_constants(graph, infos, stateful))
    _Simplifier(graph, infos).run()
    graph.prune()
    return StaticGraph(graph, infos)


class _Simplifier:
    """One pass in topological order: removes no-ops and spells the rest in one way."""

    def __init__(self, graph: NodeGraph, infos: Dict[str, TensorInfo]) -> None:
        self.graph = graph
        self.infos = infos
        self.alias: Dict[str, str] = {}
        self.added: List[tf.NodeDef] = []

    def run(self) -> None:
        for name, node in list(self.graph.nodes.items()):
            inputs = [self.alias.get(tensor, tensor) for tensor in data_inputs(node)]
            controls = [self._control(reference) for reference in control_inputs(node)]
            set_inputs(node, inputs, controls)
            if inputs and not controls:
                self._simplify(name, node, inputs)
        for node in self.added:
            self.graph.nodes[node.name] = node

    def _control(self, reference: str) -> str:
        return "^" + node_name(self.alias.get(reference[1:] + ":0", reference[1:]))

    def _simplify(self, name: str, node: tf.NodeDef, inputs: List[str]) -> None:
        source, result = self.infos[inputs[0]], self.infos.get(tensor_name(name))
        if result is None or source.is_ref:
            return
        same_shape = result.dims_known and result.shape == source.shape
        if node.op in FORWARDING or (node.op == "AddN" and len(inputs) == 1):
            self.alias[tensor_name(name)] = inputs[0]
        elif node.op in _RESHAPING or (node.op in _REDUCING and source.elements == result.elements):
            if same_shape:
                self.alias[tensor_name(name)] = inputs[0]
            elif result.dims_known and source.dims_known:
                self._become_reshape(node, inputs[0], result)
        elif node.op in _EXPANDING and same_shape:
            self.alias[tensor_name(name)] = inputs[0]
        elif node.op == "BroadcastTo" and result.dims_known and source.dims_known:
            self._become_tile(node, inputs[0], source, result)

    def _become_reshape(self, node: tf.NodeDef, source: str, result: TensorInfo) -> None:
        """ExpandDims, Squeeze and reductions over single elements move nothing: one spelling for all."""
        dtype = self.infos[source].dtype
        shape = self._constant(node.name + "/shape", np.array(result.shape, np.int32))
        _retype(node, "Reshape", {"T": dtype, "Tshape": "int32"})
        set_inputs(node, [source, shape], ())

    def _become_tile(self, node: tf.NodeDef, source: str, before: TensorInfo, result: TensorInfo) -> None:
        """TensorFlow 2 broadcasts in the gradient of a sum where 1.15 tiles."""
        padded = (1,) * (len(result.shape) - len(before.shape)) + tuple(before.shape)
        if padded != before.shape:
            shape = self._constant(node.name + "/shape", np.array(padded, np.int32))
            reshaped = tf.NodeDef(name=node.name + "/expanded", op="Reshape")
            _retype(reshaped, "Reshape", {"T": before.dtype, "Tshape": "int32"})
            set_inputs(reshaped, [source, shape], ())
            source = self._add(reshaped, before._replace(shape=padded))
        multiples = np.array([after // size for after, size in zip(result.shape, padded)], np.int32)
        _retype(node, "Tile", {"T": before.dtype, "Tmultiples": "int32"})
        set_inputs(node, [source, self._constant(node.name + "/multiples", multiples)], ())

    def _constant(self, name: str, value: np.ndarray) -> str:
        return self._add(constant_node(name, value), TensorInfo(value.shape, value.dtype.name))

    def _add(self, node: tf.NodeDef, info: TensorInfo) -> str:
        while node.name in self.graph.nodes or any(node.name == other.name for other in self.added):
            node.name += "_"
        self.added.append(node)
        self.infos[tensor_name(node.name)] = info
        return tensor_name(node.name)


def _retype(node: tf.NodeDef, op: str, types: Dict[str, str]) -> None:
    node.op = op
    for key in [key for key in node.attr if not key.startswith("_")]:
        del node.attr[key]
    for key, dtype in types.items():
        node.attr[key].type = tf.as_dtype(dtype).as_datatype_enum
