"""Which nodes of a graph run once in every step, and which in loops and branches alone."""

from typing import Dict, Mapping, NamedTuple, Set, Tuple

import tensorflow.compat.v1 as tf

from harness.precision.graph.nodes import node_name, sorted_ancestors

_ENTERS, _EXITS = ("Enter", "RefEnter"), ("Exit", "RefExit")
_BACKS = ("NextIteration", "RefNextIteration")
_SWITCHES, _MERGES = ("Switch", "RefSwitch"), ("Merge", "RefMerge")


class _Depth(NamedTuple):
    """How many loops and branches a node stands in."""

    loops: int = 0
    branches: int = 0


class _Forward(NamedTuple):
    """A node without the back edges of loops, by which nothing is told of where it stands."""

    input: Tuple[str, ...]


def inner_nodes(nodes: Mapping[str, tf.NodeDef]) -> Set[str]:
    """Return the nodes whose tensors cannot be fetched: in a loop they run many times, in a branch maybe never."""
    backs = {name for name, node in nodes.items() if node.op in _BACKS}
    forward = {
        name: _Forward(tuple(parent for parent in node.input if node_name(parent) not in backs))
        for name, node in nodes.items()
    }
    depths: Dict[str, _Depth] = {}
    for name in sorted_ancestors(forward, forward):
        op, known = nodes[name].op, [depths[node_name(parent)] for parent in forward[name].input]
        loops, branches = (max((getattr(depth, kind) for depth in known), default=0) for kind in _Depth._fields)
        loops += (op in _ENTERS) - (op in _EXITS)
        branches += (op in _SWITCHES) - (op in (*_MERGES, *_EXITS))
        depths[name] = _Depth(max(loops, 0), max(branches, 0))
    return {name for name, depth in depths.items() if depth.loops or depth.branches}
