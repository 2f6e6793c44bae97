"""What a graph is run for: the fetches that its user names, or those that are plain to see."""

import collections
import re
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from harness.errors import UsageError, nearest
from harness.precision.graph.nodes import TensorInfo, node_name

_FETCH = re.compile(r"(?P<node>[^:^]+)(:(?P<output>[0-9]{1,9}))?")
_MOST_GUESSED = 16
"""More nodes that nothing reads are no longer plain to see."""
_NEVER_MEANT = re.compile(
    r"Save(V2|Slices)?|Restore(V2|Slice)?|MergeV2Checkpoints|ShardedFilename|Assert|Print(V2)?|Const|Placeholder"
    r"|.*Summary(V2)?|.*Close(V2)?|Queue(Close|Enqueue).*|.*Iterator.*|MakeIterator|.*Dataset.*|Delete.*|Write.*"
)
"""Ops that a graph holds beside what it computes: saving, summaries, checks, the input pipeline."""
_SETS = re.compile(r"Assign(VariableOp)?|InitializeTable.*|LookupTableImport.*|MakeIterator")
_FED = re.compile(r"Placeholder|Iterator.*|.*Dequeue.*|OneShotIterator|ReaderRead.*")


def named_fetches(fetches: Sequence[str], nodes: Mapping[str, Any], infos: Mapping[str, TensorInfo]) -> Tuple[str, ...]:
    """Return the fetches that a user named.

    Args:
        infos: what is known of every tensor of the graph.

    Raises:
        UsageError: the graph has no such node or output.
    """
    for fetch in fetches:
        tensor_of("fetch", fetch, nodes, infos)
    return tuple(dict.fromkeys(fetches))


def tensor_of(what: str, text: str, nodes: Mapping[str, Any], infos: Mapping[str, TensorInfo]) -> Tuple[str, int]:
    """Return node and output number that a text names; `what` says in errors what it was to be. Raises UsageError."""
    parts = _FETCH.fullmatch(text)
    if parts is None:
        raise UsageError(f"{what} '{text}': expected the name of a node, or NODE:NUMBER of one of its outputs")
    name, number = parts.group("node"), int(parts.group("output") or 0)
    if name not in nodes:
        raise UsageError(f"{what} '{text}': the graph has no node of this name{_alternatives(name, nodes)}")
    if parts.group("output") is not None and f"{name}:{number}" not in infos:
        outputs = sum(tensor.startswith(f"{name}:") for tensor in infos)
        raise UsageError(f"{what} '{text}': node {name} has {outputs} outputs, counted from 0")
    return name, number


def guessed_fetches(nodes: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the nodes that nothing reads and that neither save, summarise nor initialise.

    Raises:
        UsageError: there are none, or too many to be plain; the message lists them.
    """
    sinks = _sinks(nodes.values())
    if not sinks:
        raise UsageError("no node in it computes anything from another (expected some, or --fetch NAME)")
    meant = [name for name in sinks if _is_meant(name, nodes)] or sinks
    updates = [name for name in meant if nodes[name].op == "NoOp"]
    if len(meant) > _MOST_GUESSED:
        shown = ", ".join([*updates, *(name for name in meant if name not in updates)][:_MOST_GUESSED])
        raise UsageError(f"{len(meant)} nodes may be what it is run for: {shown}, … (expected --fetch NAME)")
    return tuple(meant)


def _alternatives(name: str, nodes: Iterable[str]) -> str:
    """Return the nearest names as a question: those alike, or in other scopes; empty when there are none."""
    found = nearest(name, nodes)
    if found:
        return found
    last = name.split("/")[-1]
    alike = [node for node in nodes if node.split("/")[-1] == last][:3]
    return f", did you mean {', '.join(alike)}?" if alike else ""


def _sinks(nodes: Iterable[Any]) -> List[str]:
    nodes = list(nodes)
    read = {node_name(reference) for node in nodes for reference in node.input}
    return [node.name for node in nodes if node.input and node.name not in read]


def _is_meant(name: str, nodes: Mapping[str, Any]) -> bool:
    """Say whether a sink is none that saves, restores, summarises or sets variables to what they begin with."""
    if _NEVER_MEANT.fullmatch(nodes[name].op):
        return False
    if nodes[name].op not in ("NoOp", "Identity") and not _SETS.fullmatch(nodes[name].op):
        return True
    ops = collections.Counter(nodes[node].op for node in _ancestors(name, nodes))
    if any(op.startswith(("Restore", "Save")) for op in ops):
        return False
    sets = any(_SETS.fullmatch(op) for op in ops)
    return not sets or any(_FED.fullmatch(op) or "Apply" in op for op in ops)


def _ancestors(name: str, nodes: Mapping[str, Any]) -> Set[str]:
    reached: Dict[str, bool] = {name: True}
    pending = [name]
    while pending:
        for reference in nodes[pending.pop()].input:
            parent = node_name(reference)
            if parent in nodes and parent not in reached:
                reached[parent] = True
                pending.append(parent)
    return set(reached)
