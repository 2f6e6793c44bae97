"""A flat graph in the making: nodes, the bodies of functions among them, and what stands for the calls of those."""

from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Tuple

import tensorflow.compat.v1 as tf
from tensorflow.python.framework import op_def_registry

from harness.precision.graph.nodes import (
    GraphError,
    control_inputs,
    node_name,
    set_inputs,
    tensor_name,
)


class Scope(NamedTuple):
    """Where a node of a body stands."""

    functions: Tuple[str, ...] = ()
    """Functions whose bodies it is in, outermost first."""
    pivot: str = ""
    """Control reference that ties nodes without inputs to a loop or branch; empty outside of them."""


class Body(NamedTuple):
    """A function's body, put into the graph."""

    outputs: List[str]
    controls: List[str]
    """Control references to the nodes that must run although no output needs them."""


def op_def(op: str) -> Any:
    """Return TensorFlow's OpDef of an op; None when this TensorFlow does not have it."""
    if hasattr(op_def_registry, "get"):
        return op_def_registry.get(op)
    return op_def_registry.get_registered_ops().get(op)


class Bodies:
    """Nodes of the flat graph by name, and those of bodies that are still to be looked at.

    Args:
        functions: of the library, by name.
    """

    def __init__(self, functions: Iterable[Any]) -> None:
        self.functions = {function.signature.name: function for function in functions}
        self.nodes: Dict[str, tf.NodeDef] = {}
        self.scopes: Dict[str, Scope] = {}
        self.alias: Dict[str, str] = {}
        """Tensors of bodies by those of the calls that returned them."""
        self.renamed: Dict[str, str] = {}
        """Tensors that can be fetched by those of calls that have more than one output."""
        self.pending: List[tf.NodeDef] = []
        """Nodes that may be calls, the next one last."""

    def scope(self, node: tf.NodeDef) -> Scope:
        """Return where a node stands."""
        return self.scopes.get(node.name, Scope())

    def function(self, name: str, call: tf.NodeDef) -> Any:
        """Return a function of the library; raises GraphError when it is not there, or the call stands in its body."""
        if name not in self.functions:
            raise GraphError(f"node '{call.name}': the graph has no function {name}, which it calls")
        if name in self.scope(call).functions:
            raise GraphError(f"node '{call.name}': the function {name} calls itself (expected a loop)")
        return self.functions[name]

    def instantiate(
        self, call: tf.NodeDef, name: str, where: str, arguments: Sequence[str], controls: Sequence[str], pivot: str
    ) -> Body:
        """Add the nodes of a function's body.

        Args:
            where: name scope of the nodes.
            controls: references that nodes with effects wait for, and those without inputs.
            pivot: what nodes without inputs wait for.
        """
        function = self.function(name, call)
        scope = Scope((*self.scope(call).functions, name), pivot)
        tensors = {argument.name: tensor for argument, tensor in zip(function.signature.input_arg, arguments)}
        made = []
        for stored in function.node_def:
            node = tf.NodeDef()
            node.CopyFrom(stored)
            node.name = f"{where}/{stored.name}"
            self.scopes[node.name] = scope
            made.append(node)
            for index, tensor in enumerate(_output_names(stored, self.functions)):
                tensors[tensor] = f"{node.name}:{index}"
        for node in made:
            _connect(node, tensors, where, controls, pivot)
            _fill_in(node, call)
        self.pending += reversed(made)
        outputs = [_tensor(function.ret[output.name], tensors) for output in function.signature.output_arg]
        return Body(outputs, [f"^{where}/{ended}" for ended in function.control_ret.values()])

    def stand_in(self, node: tf.NodeDef, outputs: Sequence[str], controls: Sequence[str]) -> None:
        """Give a call's outputs to its readers; a node of the call's name stays, for fetches and for who waits."""
        for index, tensor in enumerate(outputs):
            self.alias[f"{node.name}:{index}"] = tensor
        awaited = [*controls, *(f"^{node_name(tensor)}" for tensor in outputs[1:])]
        dtypes = self._output_dtypes(node, len(outputs))
        if not outputs:
            self.add(node, "", "NoOp", [], [*awaited, *control_inputs(node)])
        else:
            self.add(node, "", "Identity", outputs[:1], awaited, T=dtypes[0])
        if not self.scope(node).functions:
            for index in range(1, len(outputs)):
                kept = self.add(node, f"output_{index}", "Identity", [outputs[index]], T=dtypes[index])
                self.renamed[f"{node.name}:{index}"] = kept

    def _output_dtypes(self, node: tf.NodeDef, count: int) -> List[int]:
        for key in ("Tout", "T"):
            if key in node.attr and len(node.attr[key].list.type) == count:
                return list(node.attr[key].list.type)
        return [argument.type for argument in self.function(node.op, node).signature.output_arg]

    def add(
        self,
        call: tf.NodeDef,
        name: str,
        op: str,
        inputs: Sequence[str],
        controls: Sequence[str] = (),
        **attributes: Any,
    ) -> str:
        """Add a node that stands for part of a call, and return its first output; attributes are dtypes and counts."""
        node = tf.NodeDef(name=f"{call.name}/{name}" if name else call.name, op=op)
        set_inputs(node, inputs, controls)
        for key, value in attributes.items():
            if key == "N":
                node.attr[key].i = value
            else:
                node.attr[key].type = tf.as_dtype(value).as_datatype_enum
        return self.put(call, node)

    def put(self, call: tf.NodeDef, node: tf.NodeDef) -> str:
        """Add a node as it is, that stands for part of a call, and return its first output."""
        self.nodes[node.name] = node
        self.scopes[node.name] = self.scope(call)
        return tensor_name(node.name)

    def made(self, tensor: str) -> tf.NodeDef:
        """Return the node that makes a tensor."""
        return self.nodes[node_name(tensor)]


def _connect(node: tf.NodeDef, tensors: Dict[str, str], where: str, controls: Sequence[str], pivot: str) -> None:
    """Let a node of a body read what it read there."""
    inputs = [_tensor(reference, tensors) for reference in node.input if not reference.startswith("^")]
    awaited = []
    for reference in control_inputs(node):
        argument = tensors.get(reference[1:]) if reference[1:] in tensors else None
        awaited.append(f"^{node_name(argument)}" if argument else f"^{where}/{reference[1:]}")
    definition = op_def(node.op)
    has_effect = definition is None or definition.is_stateful
    if has_effect or not (inputs or awaited):
        awaited += controls
    if pivot and not (inputs or awaited):
        awaited.append(pivot)
    set_inputs(node, inputs, awaited)
    for key in ("_class", "_output_shapes"):
        node.attr.pop(key, None)


def _output_names(node: tf.NodeDef, functions: Dict[str, Any]) -> List[str]:
    """Return the outputs of a body's node as bodies name them: NODE:OUTPUT:0, in the order of a graph's numbers."""
    definition = functions[node.op].signature if node.op in functions else op_def(node.op)
    names: List[str] = []
    for argument in definition.output_arg if definition is not None else ():
        if argument.number_attr:
            count = node.attr[argument.number_attr].i
        else:
            count = len(node.attr[argument.type_list_attr].list.type) if argument.type_list_attr else 1
        names += [f"{node.name}:{argument.name}:{index}" for index in range(count)]
    return names


def _tensor(reference: str, tensors: Dict[str, str]) -> str:
    """Return the tensor that a body's reference names: an argument, or NODE:OUTPUT:NUMBER."""
    name = reference if reference in tensors else f"{reference}:0"
    if name not in tensors and reference.split(":")[0] in tensors:
        name = reference.split(":")[0]
    if name not in tensors:
        raise GraphError(f"'{reference}': a function's body reads it and has no such tensor")
    return tensors[name]


def _fill_in(node: tf.NodeDef, call: tf.NodeDef) -> None:
    """Give attributes that a function leaves to its caller the caller's value."""
    for key in list(node.attr):
        wanted = node.attr[key].placeholder
        if wanted and wanted in call.attr:
            node.attr[key].CopyFrom(call.attr[wanted])
