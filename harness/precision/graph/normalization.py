"""Bring a TensorFlow GraphDef to what the card's compiler sees, whichever TensorFlow built it.

TensorFlow 1.15 and 2 spell the gradients of one step differently: the older one sums every gradient over no
axes and reshapes it to the shape it has. With static shapes these are no-ops, and arithmetic on shapes is
constant.
"""

import collections
import itertools
from typing import Dict, List, Optional, Sequence, Set

import numpy as np
import tensorflow.compat.v1 as tf

from harness.precision.graph.folding import fold_constants
from harness.precision.graph.loop_shapes import infer_shapes
from harness.precision.graph.nodes import (
    NodeGraph,
    TensorInfo,
    constant_node,
    constant_value,
    control_inputs,
    data_inputs,
    drop_dead_colocations,
    node_name,
    set_inputs,
    tensor_name,
)

_FORWARDING = frozenset(("Identity", "StopGradient", "PreventGradient", "Snapshot", "EnsureShape", "GuaranteeConst"))
# The compiler removes these and links their readers to what they read (GE, dimension_adjust_pass.cc).
_ADJUSTING = frozenset(("ExpandDims", "Squeeze"))
_REDUCING = frozenset(("Sum", "Mean", "Max", "Min", "Prod"))
_EXPANDING = frozenset(("Tile", "BroadcastTo"))


class StaticGraph:
    """A normalised graph together with the static shape and dtype of every tensor."""

    def __init__(self, graph: NodeGraph, infos: Dict[str, TensorInfo]) -> None:
        self.graph = graph
        self.infos = infos

    def is_constant(self, tensor: str) -> bool:
        """Say whether a tensor is that of a Const node."""
        node = self.graph.nodes.get(node_name(tensor))
        return node is not None and node.op == "Const"

    def outputs(self, name: str) -> List[str]:
        """Return the tensors that a node makes."""
        return list(itertools.takewhile(self.infos.__contains__, (f"{name}:{index}" for index in itertools.count())))

    def constant(self, tensor: str) -> np.ndarray:
        """Return the value of a constant tensor."""
        return constant_value(self.graph.nodes[node_name(tensor)])

    def forwards(self, node: tf.NodeDef, output: int = 0) -> Optional[int]:
        """Return which data input an output of a node passes on as it is; None if it computes something."""
        if node.op in _FORWARDING or node.op in _ADJUSTING:
            return 0
        return output if node.op == "IdentityN" else None

    def root(self, tensor: str, through: Sequence[str] = ()) -> str:
        """Return the tensor that a chain of forwarding nodes, and of these further ops, begins with."""
        while True:
            name, _, output = tensor.partition(":")
            node = self.graph.nodes[name]
            position = 0 if node.op in through else self.forwards(node, int(output))
            if position is None:
                return tensor
            tensor = data_inputs(node)[position]


def normalize(graph_def: tf.GraphDef, fetches: Sequence[str]) -> StaticGraph:
    """Prune to the fetches, fold what is constant, and drop what static shapes make a no-op.

    Fetches (tensor or operation names) keep their name, shape, dtype and value, and may be fed; variables
    and updates stay as they are. Raises GraphError for a fetch or input that is missing, and TensorFlow's
    ValueError for a graph that it cannot import.
    """
    graph = NodeGraph(graph_def, fetches)
    pruned = graph.to_graph_def()
    drop_dead_colocations(pruned)
    skeleton, infos = infer_shapes(pruned)
    stateful = {operation.name for operation in skeleton.get_operations() if _has_effect(operation)}
    infos.update(fold_constants(graph, infos, stateful))
    _Simplifier(graph, infos).run()
    graph.prune()
    _drop_ordering_ops(graph, stateful)
    return StaticGraph(graph, infos)


def _has_effect(operation: tf.Operation) -> bool:
    # Updates of reference variables are not marked stateful, nor are checks that stop a step.
    takes_reference = any(argument.is_ref for argument in operation.op_def.input_arg)
    return operation.op_def.is_stateful or takes_reference or operation.type.startswith("CheckNumerics")


class _Simplifier:
    """One pass in topological order: removes no-ops and spells the rest in one way."""

    def __init__(self, graph: NodeGraph, infos: Dict[str, TensorInfo]) -> None:
        self.graph = graph
        self.infos = infos
        self.fetched = graph.fetched_tensors
        self.reads = collections.Counter(tensor for node in graph.nodes.values() for tensor in data_inputs(node))
        """How often a tensor is read, as the graph stands after what was simplified so far."""
        self.alias: Dict[str, str] = {}
        self.added: Dict[str, tf.NodeDef] = {}

    def run(self) -> None:
        for name, node in list(self.graph.nodes.items()):
            inputs = [self.alias.get(tensor, tensor) for tensor in data_inputs(node)]
            controls = [self._control(reference) for reference in control_inputs(node)]
            set_inputs(node, inputs, controls)
            if inputs and not controls:
                self._simplify(name, node, inputs)
        self.graph.nodes.update(self.added)

    def _control(self, reference: str) -> str:
        source = node_name(self.alias.get(reference[1:] + ":0", reference[1:]))
        # A Switch itself runs whichever way it turns; what waits for one of its outputs goes on waiting for that.
        return reference if self.graph.nodes[source].op in ("Switch", "RefSwitch") else f"^{source}"

    def _simplify(self, name: str, node: tf.NodeDef, inputs: List[str]) -> None:
        source, result = self.infos[inputs[0]], self.infos.get(tensor_name(name))
        # What waits for an Identity behind a Switch waits for one of its branches; the Switch itself says none.
        if result is None or source.is_ref or self._is_branch(inputs[0]):
            return
        same_shape = result.dims_known and result.shape == source.shape
        # A fetch may also be fed: what reads it must go on reading it.
        is_fetched = tensor_name(name) in self.fetched
        moves_nothing = node.op == "Reshape" or (node.op in _REDUCING and source.elements == result.elements)
        forwards = node.op in _FORWARDING or (node.op == "AddN" and len(inputs) == 1)
        if forwards or (same_shape and (moves_nothing or node.op in _EXPANDING or node.op in _ADJUSTING)):
            if not is_fetched:
                self._forward(name, inputs)
        elif moves_nothing:
            if result.dims_known and source.dims_known:
                if not is_fetched and self._absorb(inputs[0], result):
                    self._forward(name, inputs)
                else:
                    self._become_reshape(node, inputs[0], result)
        elif node.op == "BroadcastTo" and result.dims_known and source.dims_known:
            self._become_tile(node, inputs[0], source, result)

    def _is_branch(self, tensor: str) -> bool:
        node = self.graph.nodes.get(node_name(tensor))
        return node is not None and node.op in ("Switch", "RefSwitch")

    def _forward(self, name: str, inputs: List[str]) -> None:
        """Let what reads a node read its first input instead."""
        tensor, source = tensor_name(name), inputs[0]
        self.alias[tensor] = source
        self.reads[source] += self.reads[tensor] - inputs.count(source)

    def _absorb(self, source: str, result: TensorInfo) -> bool:
        """Let a reduction that only feeds a Reshape keep or drop its single dimensions instead, if that does it.

        TensorFlow 2 keeps them when it sums the gradient of a broadcast, 1.15 does not and reshapes.
        """
        node = self.graph.nodes.get(node_name(source))
        shared = source in self.fetched or self.reads[source] > 1 or self.graph.fanout[source] > 1
        if node is None or node.op not in _REDUCING or shared:
            return False
        operand, axes = data_inputs(node)
        axes_node = self.graph.nodes[node_name(axes)]
        if axes_node.op != "Const" or not self.infos[operand].dims_known:
            return False
        shape = self.infos[operand].static_shape
        reduced = {int(axis) % len(shape) for axis in np.ravel(constant_value(axes_node))}
        kept = tuple(1 if axis in reduced else size for axis, size in enumerate(shape))
        dropped = tuple(size for axis, size in enumerate(shape) if axis not in reduced)
        if result.shape not in (kept, dropped):
            return False
        node.attr["keep_dims"].b = result.shape == kept
        self.infos[source] = self.infos[source]._replace(shape=result.shape)
        return True

    def _become_reshape(self, node: tf.NodeDef, source: str, result: TensorInfo) -> None:
        """Reductions over single elements move nothing, as Reshape: one spelling for all."""
        dtype = self.infos[source].dtype
        shape = self._constant(node.name + "/shape", np.array(result.shape, np.int32))
        _retype(node, "Reshape", {"T": dtype, "Tshape": "int32"})
        set_inputs(node, [source, shape], ())

    def _become_tile(self, node: tf.NodeDef, source: str, before: TensorInfo, result: TensorInfo) -> None:
        """TensorFlow 2 broadcasts in the gradient of a sum where 1.15 tiles."""
        padded = (1,) * (len(result.static_shape) - len(before.static_shape)) + before.static_shape
        if padded != before.shape:
            shape = self._constant(node.name + "/shape", np.array(padded, np.int32))
            reshaped = tf.NodeDef(name=node.name + "/expanded", op="Reshape")
            _retype(reshaped, "Reshape", {"T": before.dtype, "Tshape": "int32"})
            set_inputs(reshaped, [source, shape], ())
            source = self._add(reshaped, before._replace(shape=padded))
        multiples = np.array([after // size for after, size in zip(result.static_shape, padded)], np.int32)
        _retype(node, "Tile", {"T": before.dtype, "Tmultiples": "int32"})
        set_inputs(node, [source, self._constant(node.name + "/multiples", multiples)], ())

    def _constant(self, name: str, value: np.ndarray) -> str:
        return self._add(constant_node(name, value), TensorInfo(value.shape, value.dtype.name))

    def _add(self, node: tf.NodeDef, info: TensorInfo) -> str:
        while node.name in self.graph.nodes or node.name in self.added:
            node.name += "_"
        self.added[node.name] = node
        self.infos[tensor_name(node.name)] = info
        return tensor_name(node.name)


def _drop_ordering_ops(graph: NodeGraph, stateful: Set[str]) -> None:
    """Replace pure ops that nothing reads, but something waits for, by what they wait for themselves.

    Optimizers gate gradients by groups of control edges, which keep even gradients of constants alive.
    TensorFlow's dependency optimiser drops them in the same way.
    """
    if graph.has_frames:
        return
    data_readers = collections.Counter(
        node_name(tensor) for node in graph.nodes.values() for tensor in data_inputs(node)
    )
    awaited = {name: set(map(node_name, control_inputs(node))) for name, node in graph.nodes.items()}
    waiting: Dict[str, Set[str]] = {}
    for name, sources in awaited.items():
        for source in sources:
            waiting.setdefault(source, set()).add(name)
    changed: Set[str] = set()
    fetched = {node_name(fetch) for fetch in graph.fetches}
    for name in reversed(list(graph.nodes)):
        node = graph.nodes[name]
        if data_readers[name] or name in stateful or name in fetched or node.op == "NoOp":
            continue
        sources = awaited[name].union(map(node_name, data_inputs(node)))
        for reader in waiting.pop(name, ()):
            awaited[reader].remove(name)
            awaited[reader] |= sources
            changed.add(reader)
            for source in sources:
                waiting.setdefault(source, set()).add(reader)
        # The op is gone, and with it a reader of each of its inputs. Whoever made those comes later in this order and
        # may be dropped in turn.
        data_readers.subtract(map(node_name, data_inputs(node)))
    for name in changed:
        set_inputs(graph.nodes[name], data_inputs(graph.nodes[name]), ("^" + source for source in awaited[name]))
    graph.prune()


def _retype(node: tf.NodeDef, op: str, types: Dict[str, str]) -> None:
    node.op = op
    for key in [key for key in node.attr if not key.startswith("_")]:
        del node.attr[key]
    for key, dtype in types.items():
        node.attr[key].type = tf.as_dtype(dtype).as_datatype_enum
