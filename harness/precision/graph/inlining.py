"""Put the bodies of functions where they are called, so that what is planned and run is one flat graph.

Calls become their bodies; functional If and While become Switch and Merge, Enter, NextIteration and Exit, as TensorFlow
itself lowers them before it runs a graph (core/common_runtime/lower_if_op.cc, lower_while_op.cc). A node of a body is
named after the call and itself: CALL/NODE.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import tensorflow.compat.v1 as tf
from tensorflow.python.framework import op_def_registry

from harness.precision.graph.nodes import (
    GraphError,
    control_inputs,
    data_inputs,
    node_name,
    set_inputs,
    tensor_name,
)

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_CONDITIONALS = ("If", "StatelessIf")
_LOOPS = ("While", "StatelessWhile")


class Inlined(NamedTuple):
    """A graph without calls."""

    graph_def: tf.GraphDef
    renamed: Dict[str, str]
    """New tensors by those of calls that have more than one output: CALL:1 is CALL/output_1:0."""


class _Scope(NamedTuple):
    """Where a node of a body stands."""

    functions: Tuple[str, ...] = ()
    """Functions whose bodies it is in, outermost first."""
    pivot: str = ""
    """Control reference that ties nodes without inputs to a loop or branch; empty outside of them."""


class _Body(NamedTuple):
    """A function's body, put into the graph."""

    outputs: List[str]
    controls: List[str]
    """Control references to the nodes that must run although no output needs them."""


def inline_functions(graph_def: tf.GraphDef) -> Inlined:
    """Return the graph with the bodies of all functions that it calls; it is the same when it calls none.

    Raises:
        GraphError: a function is not in the library, or calls itself.
    """
    return _Inlining(graph_def).run()


def op_def(op: str) -> Any:
    """Return TensorFlow's OpDef of an op; None when this TensorFlow does not have it."""
    if hasattr(op_def_registry, "get"):
        return op_def_registry.get(op)
    return op_def_registry.get_registered_ops().get(op)


class _Inlining:
    """Replaces calls by bodies until there are none: each new node is looked at in its turn."""

    def __init__(self, graph_def: tf.GraphDef) -> None:
        self.source = graph_def
        self.functions = {function.signature.name: function for function in graph_def.library.function}
        self.nodes: Dict[str, tf.NodeDef] = {}
        self.scopes: Dict[str, _Scope] = {}
        self.alias: Dict[str, str] = {}
        """Tensors of bodies by those of the calls that returned them."""
        self.renamed: Dict[str, str] = {}
        self.pending: List[tf.NodeDef] = []

    def run(self) -> Inlined:
        expanders = {node.name: self._expander(node) for node in self.source.node}
        if not any(expanders.values()):
            return Inlined(self.source, {})
        self.pending = list(reversed(self.source.node))
        while self.pending:
            node = self.pending.pop()
            expand = self._expander(node)
            if expand is None:
                self.nodes[node.name] = node
            else:
                expand(node)
        self._resolve()
        return Inlined(self._flat(), self.renamed)

    def _expander(self, node: tf.NodeDef) -> Optional[Callable[[tf.NodeDef], None]]:
        if node.op in _CALLS or node.op in self.functions:
            return self._call
        if node.op in _CONDITIONALS:
            return self._conditional
        return self._loop if node.op in _LOOPS else None

    # The three kinds

    def _call(self, node: tf.NodeDef) -> None:
        name = node.op if node.op in self.functions else node.attr["f"].func.name
        controls = control_inputs(node)
        body = self._instantiate(node, name, node.name, data_inputs(node), controls, self._scope(node).pivot)
        self._stand_in(node, body.outputs, body.controls)

    def _conditional(self, node: tf.NodeDef) -> None:
        inputs, controls = data_inputs(node), control_inputs(node)
        condition = self._boolean(node, inputs[0])
        pivots = self._add(node, "pivot", "Switch", [condition, condition], controls, T=tf.bool)
        switches = [
            # Handles of variables are passed on as they are: what reads them waits for the branch.
            ""
            if dtype == tf.resource.as_datatype_enum
            else self._add(node, f"switch_{index}", "Switch", [tensor, condition], controls, T=dtype)
            for index, (tensor, dtype) in enumerate(zip(inputs[1:], node.attr["Tin"].list.type))
        ]
        ends, outputs = [], []
        for side, branch in enumerate(("else", "then")):
            pivot = self._add(node, branch, "Identity", [f"{node_name(pivots)}:{side}"], T=tf.bool)
            arguments = [
                f"{node_name(switch)}:{side}" if switch else tensor for switch, tensor in zip(switches, inputs[1:])
            ]
            function = node.attr[f"{branch}_branch"].func.name
            where = f"{node.name}/{branch}"
            tie = f"^{node_name(pivot)}"
            body = self._instantiate(node, function, where, arguments, (tie,), tie)
            outputs.append(body.outputs)
            ends.append(self._add(node, f"{branch}_end", "Identity", [pivot], body.controls, T=tf.bool))
        merged = [
            self._add(node, f"merge_{index}", "Merge", pair, T=dtype, N=2)
            for index, (pair, dtype) in enumerate(zip(zip(*outputs), node.attr["Tout"].list.type))
        ]
        end = self._add(node, "end", "Merge", ends, T=tf.bool, N=2)
        self._stand_in(node, merged, [f"^{node_name(end)}"])

    def _loop(self, node: tf.NodeDef) -> None:
        tensors, dtypes = data_inputs(node), list(node.attr["T"].list.type)
        fixed = self._invariants(node, dtypes)
        entered = [
            self._enter(node, index, tensor, dtype, index in fixed)
            for index, (tensor, dtype) in enumerate(zip(tensors, dtypes))
        ]
        state = [
            tensor if index in fixed else self._add(node, f"merge_{index}", "Merge", [tensor, tensor], T=dtype, N=2)
            for index, (tensor, dtype) in enumerate(zip(entered, dtypes))
        ]
        first = next(index for index in range(len(state)) if index not in fixed)
        begin = f"^{node_name(state[first])}"
        test = self._instantiate(node, node.attr["cond"].func.name, f"{node.name}/cond", state, (begin,), begin)
        condition = self._add(node, "loop_cond", "LoopCond", [self._boolean(node, test.outputs[0])], test.controls)
        switches = {
            index: self._add(node, f"switch_{index}", "Switch", [state[index], condition], T=dtypes[index])
            for index in range(len(state))
            if index not in fixed
        }
        pivot = self._add(node, "body", "Identity", [f"{node_name(switches[first])}:1"], T=dtypes[first])
        arguments = [
            f"{node_name(switches[index])}:1" if index in switches else state[index] for index in range(len(state))
        ]
        function = node.attr["body"].func.name
        tie = f"^{node_name(pivot)}"
        body = self._instantiate(node, function, f"{node.name}/body", arguments, (tie,), tie)
        outputs = list(tensors)
        for index, switch in switches.items():
            controls = body.controls if index == first else ()
            again = self._add(node, f"next_{index}", "NextIteration", [body.outputs[index]], controls, T=dtypes[index])
            set_inputs(self._made(state[index]), [entered[index], again], ())
            outputs[index] = self._add(node, f"exit_{index}", "Exit", [f"{node_name(switch)}:0"], T=dtypes[index])
        self._stand_in(node, outputs, ())

    def _invariants(self, node: tf.NodeDef, dtypes: Sequence[int]) -> List[int]:
        """Return the loop variables that the body returns as it got them; one that is no handle is always kept."""
        body = self._function(node.attr["body"].func.name, node)
        arguments, results = body.signature.input_arg, body.signature.output_arg
        fixed = [
            index
            for index, (argument, result) in enumerate(zip(arguments, results))
            if body.ret[result.name].split(":")[0] == argument.name
        ]
        return fixed[1:] if len(fixed) == len(dtypes) else fixed

    def _enter(self, node: tf.NodeDef, index: int, tensor: str, dtype: int, is_fixed: bool) -> str:
        entered = self._add(node, f"enter_{index}", "Enter", [tensor], control_inputs(node), T=dtype)
        made = self._made(entered)
        made.attr["frame_name"].s = node.name.encode()
        made.attr["is_constant"].b = is_fixed
        made.attr["parallel_iterations"].i = 10
        return entered

    # What they are made of

    def _function(self, name: str, node: tf.NodeDef) -> Any:
        if name not in self.functions:
            raise GraphError(f"node '{node.name}': the graph has no function {name}, which it calls")
        if name in self._scope(node).functions:
            raise GraphError(f"node '{node.name}': the function {name} calls itself (expected a loop)")
        return self.functions[name]

    def _instantiate(
        self, call: tf.NodeDef, name: str, where: str, arguments: Sequence[str], controls: Sequence[str], pivot: str
    ) -> _Body:
        """Add the nodes of a function's body.

        Args:
            where: name scope of the nodes.
            controls: references that nodes with effects wait for, and those without inputs.
            pivot: what nodes without inputs wait for.
        """
        function = self._function(name, call)
        scope = _Scope((*self._scope(call).functions, name), pivot)
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
            self._connect(node, tensors, where, controls, pivot)
            _fill_in(node, call)
        self.pending += reversed(made)
        outputs = [_tensor(function.ret[output.name], tensors) for output in function.signature.output_arg]
        return _Body(outputs, [f"^{where}/{ended}" for ended in function.control_ret.values()])

    def _connect(
        self, node: tf.NodeDef, tensors: Dict[str, str], where: str, controls: Sequence[str], pivot: str
    ) -> None:
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

    def _stand_in(self, node: tf.NodeDef, outputs: Sequence[str], controls: Sequence[str]) -> None:
        """Give a call's outputs to its readers; a node of the call's name stays, for fetches and for who waits."""
        for index, tensor in enumerate(outputs):
            self.alias[f"{node.name}:{index}"] = tensor
        awaited = [*controls, *(f"^{node_name(tensor)}" for tensor in outputs[1:])]
        dtypes = self._output_dtypes(node, len(outputs))
        if not outputs:
            self._add(node, "", "NoOp", [], [*awaited, *control_inputs(node)])
        else:
            self._add(node, "", "Identity", outputs[:1], awaited, T=dtypes[0])
        if not self._scope(node).functions:
            for index in range(1, len(outputs)):
                kept = self._add(node, f"output_{index}", "Identity", [outputs[index]], T=dtypes[index])
                self.renamed[f"{node.name}:{index}"] = kept

    def _output_dtypes(self, node: tf.NodeDef, count: int) -> List[int]:
        for key in ("Tout", "T"):
            if key in node.attr and len(node.attr[key].list.type) == count:
                return list(node.attr[key].list.type)
        return [argument.type for argument in self._function(node.op, node).signature.output_arg]

    def _boolean(self, node: tf.NodeDef, tensor: str) -> str:
        dtype = node.attr["Tcond"].type if "Tcond" in node.attr else tf.bool.as_datatype_enum
        if dtype == tf.bool.as_datatype_enum:
            return tensor
        return self._add(node, "condition", "ToBool", [tensor], T=dtype)

    def _add(
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
        self.nodes[node.name] = node
        self.scopes[node.name] = self._scope(call)
        return tensor_name(node.name)

    def _made(self, tensor: str) -> tf.NodeDef:
        return self.nodes[node_name(tensor)]

    def _scope(self, node: tf.NodeDef) -> _Scope:
        return self.scopes.get(node.name, _Scope())

    # Put together

    def _resolve(self) -> None:
        """Let readers of calls read what the bodies return."""
        for name, node in self.nodes.items():
            tensors = data_inputs(node)
            if any(tensor in self.alias for tensor in tensors):
                changed = tf.NodeDef()
                changed.CopyFrom(node)  # it may be the caller's
                set_inputs(changed, [self._behind(tensor) for tensor in tensors], control_inputs(node))
                self.nodes[name] = changed

    def _behind(self, tensor: str) -> str:
        while tensor in self.alias:
            tensor = self.alias[tensor]
        return tensor

    def _flat(self) -> tf.GraphDef:
        """Return the graph; what stands for a call within a body is left out where nothing refers to it."""
        read = {node_name(reference) for node in self.nodes.values() for reference in node.input}
        kept = [node for node in self.nodes.values() if node.name in read or not self._scope(node).functions]
        flat = tf.GraphDef(node=kept)
        flat.versions.CopyFrom(self.source.versions)
        if any(_holds_function(node) for node in kept):
            flat.library.CopyFrom(self.source.library)
        return flat


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


def _holds_function(node: tf.NodeDef) -> bool:
    return any(value.HasField("func") or value.list.func for value in node.attr.values())
