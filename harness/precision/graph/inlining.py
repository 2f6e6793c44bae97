"""Put the bodies of functions where they are called, so that what is planned and run is one flat graph.

Calls become their bodies; functional If, Case and While become the nodes of graph.control_flow. A node of a body is
named after the call and itself: CALL/NODE.
"""

from typing import Callable, Dict, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from harness.precision.graph.bodies import Bodies
from harness.precision.graph.control_flow import put_case, put_conditional, put_loop
from harness.precision.graph.nodes import control_inputs, data_inputs, node_name, set_inputs

_Expander = Callable[[Bodies, tf.NodeDef], None]


class Inlined(NamedTuple):
    """A graph without calls."""

    graph_def: tf.GraphDef
    renamed: Dict[str, str]
    """New tensors by those of calls that have more than one output: CALL:1 is CALL/output_1:0."""


def inline_functions(graph_def: tf.GraphDef) -> Inlined:
    """Return the graph with the bodies of all functions that it calls; it is the same when it calls none.

    Raises:
        GraphError: a function is not in the library, or calls itself.
    """
    bodies = Bodies(graph_def.library.function)
    if not any(_expander(bodies, node) for node in graph_def.node):
        return Inlined(graph_def, {})
    bodies.pending = list(reversed(graph_def.node))
    while bodies.pending:  # to which each body adds its nodes
        node = bodies.pending.pop()
        expand = _expander(bodies, node)
        if expand is None:
            bodies.nodes[node.name] = node
        else:
            expand(bodies, node)
    _resolve(bodies)
    return Inlined(_flat(bodies, graph_def), bodies.renamed)


def _put_call(bodies: Bodies, node: tf.NodeDef) -> None:
    name = node.op if node.op in bodies.functions else node.attr["f"].func.name
    controls = control_inputs(node)
    body = bodies.instantiate(node, name, node.name, data_inputs(node), controls, bodies.scope(node).pivot)
    bodies.stand_in(node, body.outputs, body.controls)


_EXPANDERS: Dict[str, _Expander] = {
    "PartitionedCall": _put_call,
    "StatefulPartitionedCall": _put_call,
    "If": put_conditional,
    "StatelessIf": put_conditional,
    "Case": put_case,
    "StatelessCase": put_case,
    "While": put_loop,
    "StatelessWhile": put_loop,
}


def _expander(bodies: Bodies, node: tf.NodeDef) -> Optional[_Expander]:
    return _put_call if node.op in bodies.functions else _EXPANDERS.get(node.op)


def _resolve(bodies: Bodies) -> None:
    """Let readers of calls read what the bodies return."""
    for name, node in bodies.nodes.items():
        tensors = data_inputs(node)
        if any(tensor in bodies.alias for tensor in tensors):
            changed = tf.NodeDef()
            changed.CopyFrom(node)  # it may be the caller's
            set_inputs(changed, [_behind(bodies, tensor) for tensor in tensors], control_inputs(node))
            bodies.nodes[name] = changed


def _behind(bodies: Bodies, tensor: str) -> str:
    while tensor in bodies.alias:
        tensor = bodies.alias[tensor]
    return tensor


def _flat(bodies: Bodies, source: tf.GraphDef) -> tf.GraphDef:
    """Return the graph; what stands for a call within a body is left out where nothing refers to it."""
    read = {node_name(reference) for node in bodies.nodes.values() for reference in node.input}
    kept = [node for node in bodies.nodes.values() if node.name in read or not bodies.scope(node).functions]
    flat = tf.GraphDef(node=kept)
    flat.versions.CopyFrom(source.versions)
    if any(_holds_function(node) for node in kept):
        flat.library.CopyFrom(source.library)
    return flat


def _holds_function(node: tf.NodeDef) -> bool:
    return any(value.HasField("func") or value.list.func for value in node.attr.values())
