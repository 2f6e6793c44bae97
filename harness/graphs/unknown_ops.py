"""Ops that this TensorFlow does not have: left out with all that reads them, where nothing that is run needs them."""

from typing import Any, Dict, List, Sequence, Set

from harness.errors import UsageError
from harness.precision.graph.bodies import op_def
from harness.precision.graph.nodes import node_name


def drop_unknown_ops(graph_def: Any, fetches: Sequence[str]) -> None:
    """Take the nodes with unknown ops out of a graph, and the functions that hold some.

    Raises:
        UsageError: a fetch needs them; the message names the ops.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    unknown = {node.op for node in graph_def.node} | _ops_within(functions)
    unknown = {op for op in unknown if op not in functions and op_def(op) is None}
    if not unknown:
        return
    spoilt = _spoilt_functions(functions, unknown)
    nodes = {node.name: node for node in graph_def.node}
    lost = _with_readers(nodes, [name for name, node in nodes.items() if _is_spoilt(node, unknown, spoilt)])
    if any(node_name(fetch) in lost for fetch in fetches):
        raise UsageError(
            f"this TensorFlow does not have its ops {', '.join(sorted(unknown))} (expected the package that registers "
            "them, or a graph without them)"
        )
    for node in [node for node in graph_def.node if node.name in lost]:
        graph_def.node.remove(node)
    for name in spoilt:
        graph_def.library.function.remove(functions[name])


def _ops_within(functions: Dict[str, Any]) -> Set[str]:
    return {node.op for function in functions.values() for node in function.node_def}


def _spoilt_functions(functions: Dict[str, Any], unknown: Set[str]) -> Set[str]:
    """Return the functions that hold unknown ops, themselves or through what they call."""
    spoilt: Set[str] = set()
    while True:
        more = {
            name
            for name, function in functions.items()
            if name not in spoilt and any(_is_spoilt(node, unknown, spoilt) for node in function.node_def)
        }
        if not more:
            return spoilt
        spoilt |= more


def _is_spoilt(node: Any, unknown: Set[str], spoilt: Set[str]) -> bool:
    called = [node.op]
    for value in node.attr.values() if spoilt else ():
        called += [value.func.name, *(function.name for function in value.list.func)]
    return node.op in unknown or not spoilt.isdisjoint(called)


def _with_readers(nodes: Dict[str, Any], names: List[str]) -> Set[str]:
    """Return these nodes, all that read them, and all that wait for them."""
    readers: Dict[str, List[str]] = {}
    for name, node in nodes.items():
        for reference in node.input:
            readers.setdefault(node_name(reference), []).append(name)
    reached, pending = set(names), list(names)
    while pending:
        new = [name for name in readers.get(pending.pop(), ()) if name not in reached]
        reached.update(new)
        pending += new
    return reached
