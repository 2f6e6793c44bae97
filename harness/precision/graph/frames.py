"""Which nodes of a graph run once in every step, and which in loops and branches alone."""

from typing import Dict, Mapping, NamedTuple, Set

import tensorflow.compat.v1 as tf

from harness.precision.graph.nodes import node_name, sorted_ancestors

_ENTERS, _EXITS = ("Enter", "RefEnter"), ("Exit", "RefExit")
_AGAIN = ("NextIteration", "RefNextIteration")
_SWITCHES, _MERGES = ("Switch", "RefSwitch"), ("Merge", "RefMerge")


class _Depth(NamedTuple):
    """How many loops and branches a node stands in."""

    loops: int = 0
    branches: int = 0


def nodes_in_loops(nodes: Mapping[str, tf.NodeDef]) -> Set[str]:
    """Return the nodes that belong to a loop's frame."""
    return {name for name, depth in _depths(nodes).items() if depth.loops}


def inner_nodes(nodes: Mapping[str, tf.NodeDef]) -> Set[str]:
    """Return the nodes whose tensors cannot be fetched: in a loop they run many times, in a branch maybe never."""
    return {name for name, depth in _depths(nodes).items() if depth.loops or depth.branches}


def _depths(nodes: Mapping[str, tf.NodeDef]) -> Dict[str, _Depth]:
    depths: Dict[str, _Depth] = {}
    for name in sorted_ancestors(dict(nodes), nodes):
        op, parents = nodes[name].op, map(node_name, nodes[name].input)
        known = [depths[parent] for parent in parents if parent in depths]  # but for the back edges of loops
        loops, branches = (max((getattr(depth, kind) for depth in known), default=0) for kind in _Depth._fields)
        loops += (op in _ENTERS) - (op in _EXITS)
        branches += (op in _SWITCHES) - (op in _EXITS or op in _MERGES and not _begins_loop(nodes[name], nodes))
        depths[name] = _Depth(max(loops, 0), max(branches, 0))
    return depths


def _begins_loop(merge: tf.NodeDef, nodes: Mapping[str, tf.NodeDef]) -> bool:
    """Return True for the Merge of a loop variable, which joins no branches."""
    return any(nodes[node_name(reference)].op in _AGAIN for reference in merge.input)
