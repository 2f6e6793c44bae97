"""The graph that is checked: what it is run for, what it is fed, its variables and its random ops. Needs TensorFlow."""

import hashlib
import re
from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

import tensorflow.compat.v1 as tf

from harness.check.noise import VARIABLES, is_single
from harness.errors import UsageError, nearest
from harness.graphs.feeding import GraphInput
from harness.graphs.reading import Graph
from harness.precision.graph.frames import inner_nodes
from harness.precision.graph.nodes import NodeGraph, node_name, sorted_ancestors, tensor_name
from harness.precision.number_formats import NUMBERS

_RANDOM = frozenset(("RandomUniform", "RandomStandardNormal", "TruncatedNormal", "RandomUniformInt"))
"""Ops that draw numbers of which no mode changes the distribution: all modes are fed the same."""
_SEED = 87654321
"""The first seed of random ops that have none; TensorFlow's own default where only the second is given."""
_UPDATES = re.compile("(Resource)?(Sparse)?(Apply|Assign)|NoOp|VarIsInitializedOp")
"""Types of the ops that a variable of the optimiser's own is read by."""
_WAITING = re.compile(
    r"QueueDequeue\w*|ReaderRead(UpTo)?(V2)?|(Ordered)?(Map)?Unstage(NoKey)?|BarrierTakeMany|\w*AccumulatorTakeGradient"
)
"""Types of the ops that wait until another one has put something in."""
_FILLING = re.compile(r"QueueEnqueue\w*|(Ordered)?(Map)?Stage|BarrierInsertMany|\w*AccumulatorApplyGradient")
_INITIALIZERS = ("init", "init_op")
"""Names that TensorFlow's users give to what sets the variables."""


class Initializer(NamedTuple):
    """An operation that is run before the first step, and what it is fed."""

    operation: str
    feeds: Dict[str, str] = {}


class Subject(NamedTuple):
    """A graph as it is run: pruned to what that needs, with what reads its variables."""

    graph_def: tf.GraphDef
    fetches: Tuple[str, ...]
    """Tensors of numbers that are held against float32's."""
    updates: Tuple[str, ...]
    """Operations without an output that are run with them."""
    initializers: Tuple[Initializer, ...]
    inputs: Tuple[GraphInput, ...]
    random: Tuple[str, ...]
    """Tensors that one step draws at random."""
    initial_random: Tuple[str, ...]
    """Those that the initialisers draw."""
    variables: Dict[str, str]
    """Tensor that reads each of the model's float32 variables, where there are updates, by the variable's name."""

    @property
    def run_for(self) -> Tuple[str, ...]:
        """All that is run at once, the updates first."""
        return (*self.updates, *self.fetches)

    @property
    def kept(self) -> Tuple[str, ...]:
        """What no mode changes: initialisers and what reads the variables."""
        names = [name for one in self.initializers for name in (one.operation, *one.feeds)]
        return (*names, *self.variables.values())

    def sha256(self) -> str:
        """Return a hash of the graph."""
        return hashlib.sha256(self.graph_def.SerializeToString(deterministic=True)).hexdigest()

    def shaped(self, shapes: Dict[str, Tuple[int, ...]]) -> "Subject":
        """Return the subject with these shapes of its placeholders: the card, too, compiles for static shapes."""
        graph_def = tf.GraphDef()
        graph_def.CopyFrom(self.graph_def)
        names = {one.name for one in self.inputs}
        for node in graph_def.node:
            if node.name in names and node.name in shapes:
                node.attr["shape"].shape.CopyFrom(tf.TensorShape(shapes[node.name]).as_proto())
            node.attr.pop("_output_shapes", None)  # what was inferred of the shapes that were open
        return self._replace(graph_def=graph_def)


def subject(graph: Graph, initialize: str = "") -> Subject:
    """Return a graph as it is run for its fetches.

    Args:
        initialize: operation that sets the variables; empty: what restores them, or a node called `init`.

    Raises:
        UsageError: there is no number among the fetches, nothing that sets the variables, or a queue that stays empty.
    """
    nodes = {node.name: node for node in graph.graph_def.node}
    tensors, updates = _split(graph, nodes)
    step = set(sorted_ancestors(nodes, map(node_name, graph.fetches)))
    initializers = _initializers(graph, nodes, [name for name in nodes if name in step], initialize)
    before = set(sorted_ancestors(nodes, [one.operation for one in initializers]))
    _refuse_waiting([nodes[name] for name in sorted(step | before)])
    variables = {
        name: f"{name}/check_read" if nodes[name].op == "VarHandleOp" else name
        for name in (_trained(nodes, step) if updates else ())
    }
    return Subject(
        _pruned(graph.graph_def, sorted(step | before), variables),
        tensors,
        updates,
        tuple(initializers),
        graph.inputs,
        _random(nodes, step),
        _random(nodes, before),
        {name: f"{reader}:0" for name, reader in variables.items()},
    )


def _refuse_waiting(run: Sequence[tf.NodeDef]) -> None:
    """Raise UsageError when some of what is run would wait for ever: TensorFlow tells no such graph."""
    waiting = [node for node in run if _WAITING.fullmatch(node.op)]
    if waiting and not any(_FILLING.fullmatch(node.op) for node in run):
        raise UsageError(
            f"{waiting[0].op} {waiting[0].name} waits for what another thread puts in, and none runs here "
            "(expected --input NAME, to feed what it gives)"
        )


def _trained(nodes: Dict[str, tf.NodeDef], step: Set[str]) -> List[str]:
    """Return the float32 variables that anything but updates reads: those of the model, not of its optimiser."""
    readers = [nodes[name] for name in step if not _UPDATES.match(nodes[name].op)]
    read = {node_name(reference) for node in readers for reference in node.input}
    return [
        name
        for name in sorted(step & read)
        if nodes[name].op in VARIABLES
        and nodes[name].attr["dtype"].type == tf.float32.as_datatype_enum
        and not is_single(nodes[name])
    ]


def _initializers(graph: Graph, nodes: Dict[str, tf.NodeDef], needed: Sequence[str], given: str) -> List[Initializer]:
    """Return what sets the variables that the fetches need, and the tables."""
    found = [Initializer(node_name(name)) for name in graph.init_ops]
    if given:
        if node_name(given) not in nodes:
            raise UsageError(f"--init-op {given}: the graph has no node of this name{nearest(given, nodes)}")
        return [Initializer(node_name(given)), *found]
    variables = [name for name in needed if nodes[name].op in VARIABLES]
    if not variables:
        return found
    if graph.restore is not None:
        feeds = {graph.restore.file_tensor: graph.restore.prefix}
        return [Initializer(node_name(graph.restore.operation), feeds), *found]
    named = [Initializer(name) for name in _INITIALIZERS if name in nodes]
    if not named and not found:
        raise UsageError(
            f"it has {len(variables)} variables, the first is {variables[0]} "
            "(expected --init-op NAME of what sets them, or a frozen graph)"
        )
    return [*named[:1], *found]


def _split(graph: Graph, nodes: Dict[str, tf.NodeDef]) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Return the tensors of numbers among the fetches, and the operations that are only run."""
    tensors, updates = [], []
    for fetch in graph.fetches:
        info = graph.infos.get(tensor_name(fetch))
        if info is None or info.is_ref:
            updates.append(node_name(fetch))
        elif info.dtype in NUMBERS:
            tensors.append(tensor_name(fetch))
    if not tensors and not updates:
        raise UsageError("nothing that it is run for is a number (expected --fetch NAME)")
    return tuple(dict.fromkeys(tensors)), tuple(dict.fromkeys(updates))


def _pruned(graph_def: tf.GraphDef, targets: Sequence[str], variables: Dict[str, str]) -> tf.GraphDef:
    pruned = NodeGraph(graph_def, targets).to_graph_def()
    for number, node in enumerate(node for node in pruned.node if node.op in _RANDOM):
        if not node.attr["seed"].i and not node.attr["seed2"].i:  # else every check would draw other numbers
            node.attr["seed"].i, node.attr["seed2"].i = _SEED, number
    for node in [node for node in pruned.node if node.op == "VarHandleOp" and node.name in variables]:
        reader = pruned.node.add(name=variables[node.name], op="ReadVariableOp", input=[node.name])
        reader.attr["dtype"].CopyFrom(node.attr["dtype"])
    return pruned


def _random(nodes: Dict[str, tf.NodeDef], names: Set[str]) -> Tuple[str, ...]:
    """Return the tensors that ops draw at random; one inside a loop or a branch is no tensor to be fed."""
    inner = inner_nodes(nodes)
    return tuple(f"{name}:0" for name in nodes if name in names - inner and nodes[name].op in _RANDOM)
