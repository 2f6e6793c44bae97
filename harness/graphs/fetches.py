"""What a graph is run for: the fetches that its user names, or those that are plain to see."""

import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from harness.errors import UsageError, nearest
from harness.precision.graph.nodes import TensorInfo, node_name, sorted_ancestors

_FETCH = re.compile(r"(?P<node>[^:^]+)(:(?P<output>[0-9]{1,9}))?")
_MOST_GUESSED = 16
"""More nodes that nothing reads are no longer plain to see."""
_NEVER_MEANT = re.compile(
    r"Assert|Print(V2)?|ReadVariableOp|VarIsInitializedOp|IsVariableInitialized|.*Summary(V2)?|.*(Iterator|Dataset|Queue|Reader).*"
)
"""Ops that a graph holds beside what it computes: checks, summaries, the input pipeline."""
_SAVES = re.compile(r"Save(V2|Slices)?|Restore(V2|Slice)?|MergeV2Checkpoints")
_FED = re.compile(r"Placeholder.*|Iterator.*|OneShotIterator|.*Dequeue.*|ReaderRead.*")
_MOVES_VALUES = re.compile(
    r"Const|Identity|NoOp|Assign(VariableOp)?|Variable(V2)?|VarHandleOp|ReadVariableOp|Random.*|TruncatedNormal"
    r"|(Initialize|LookupTableImport|HashTable).*|Fill|Add(V2)?|Mul|Sub|Reshape"
)
"""Ops that an initialiser, or a variable's value as it is read, is made of."""


def named_fetches(fetches: Sequence[str], nodes: Mapping[str, Any], infos: Mapping[str, TensorInfo]) -> Tuple[str, ...]:
    """Return the fetches that a user named.

    Args:
        infos: what is known of every tensor of the graph.

    Raises:
        UsageError: the graph has no such node or output.
    """
    for fetch in fetches:
        tensor_of("--fetch", fetch, nodes, infos)
    return tuple(dict.fromkeys(fetches))


def tensor_of(what: str, text: str, nodes: Mapping[str, Any], infos: Mapping[str, TensorInfo]) -> Tuple[str, int]:
    """Return node and output number that a text names; `what` says in errors what it was to be. Raises UsageError."""
    parts = _FETCH.fullmatch(text)
    if parts is None:
        raise UsageError(f"{what} {text}: expected the name of a node, or NODE:NUMBER of one of its outputs")
    name, number = parts.group("node"), int(parts.group("output") or 0)
    if name not in nodes:
        raise UsageError(f"{what} {text}: the graph has no node of this name{_alternatives(name, nodes)}")
    if parts.group("output") is not None and f"{name}:{number}" not in infos:
        outputs = sum(tensor.startswith(f"{name}:") for tensor in infos)
        raise UsageError(f"{what} {text}: node {name} has {outputs} outputs, counted from 0")
    return name, number


def guessed_fetches(nodes: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the nodes that nothing reads: the updates of variables if there are some, else what is fed something.

    What saves, summarises or initialises is left out.

    Raises:
        UsageError: there are none, or too many to be plain; the message lists them.
    """
    sinks = _sinks(nodes.values())
    if not sinks:
        raise UsageError("no node in it computes anything from another (expected some, or --fetch NAME)")
    found = _traits(nodes, sinks)
    kept = [name for name in sinks if not found[name].saves and not _NEVER_MEANT.fullmatch(nodes[name].op)]
    meant = (
        [name for name in kept if found[name].updates]
        or [name for name in kept if found[name].is_fed and found[name].computes]
        or [name for name in kept if found[name].computes]
        or kept
        or sinks
    )
    if len(meant) > _MOST_GUESSED:
        shown = ", ".join(meant[:_MOST_GUESSED])
        raise UsageError(f"{len(meant)} nodes may be what it is run for: {shown}, … (expected --fetch NAME)")
    return tuple(meant)


class _Traits(NamedTuple):
    """What a node, or any that it needs, does."""

    saves: bool
    updates: bool
    is_fed: bool
    computes: bool

    def joined(self, other: "_Traits") -> "_Traits":
        return _Traits(*(mine or theirs for mine, theirs in zip(self, other)))


def _traits(nodes: Mapping[str, Any], sinks: Sequence[str]) -> Dict[str, _Traits]:
    found: Dict[str, _Traits] = {}
    for name in sorted_ancestors(dict(nodes), sinks):
        op = nodes[name].op
        is_fed = _FED.fullmatch(op) is not None
        traits = _Traits(
            saves=_SAVES.fullmatch(op) is not None,
            updates="Apply" in op,
            is_fed=is_fed,
            computes=not is_fed and _MOVES_VALUES.fullmatch(op) is None,
        )
        for parent in map(node_name, nodes[name].input):
            traits = traits.joined(found[parent]) if parent in found else traits  # a loop's back edge is not there yet
        found[name] = traits
    return found


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
