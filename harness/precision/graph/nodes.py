"""A GraphDef as nodes that can be rewired: names, inputs, order, pruning, static shapes."""

import collections
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

import numpy as np
import tensorflow.compat.v1 as tf

PLACEHOLDERS = frozenset(("Placeholder", "PlaceholderV2", "PlaceholderWithDefault"))
_SKELETON_ELEMENTS = 1024
NEXT, MERGING = ("NextIteration", "RefNextIteration"), ("Merge", "RefMerge")
"""The two ends of a loop's back edge."""
_CONTROL_FLOW = frozenset(("Switch", "RefSwitch", "Merge", "RefMerge", "Enter", "RefEnter"))


class GraphError(ValueError):
    """A graph cannot be planned; the message is one line naming the node or fetch."""


class TensorInfo(NamedTuple):
    """What is known of a tensor before it runs; None marks an unknown rank or dimension."""

    shape: Optional[Tuple[Optional[int], ...]]
    dtype: str
    """TensorFlow's name, such as float32, without the mark of a reference."""
    is_ref: bool = False

    @property
    def elements(self) -> int:
        """Number of elements; unknown dimensions count as one."""
        return int(np.prod([1 if dim is None else dim for dim in self.shape or ()], dtype=np.int64))

    @property
    def dims_known(self) -> bool:
        """Say whether the whole shape is static."""
        return self.shape is not None and None not in self.shape

    @property
    def text(self) -> str:
        """The shape as the option --shape has it: sizes, `?` for unknown ones; `…` for an unknown rank."""
        return "…" if self.shape is None else ",".join("?" if dim is None else str(dim) for dim in self.shape)

    @property
    def static_shape(self) -> Tuple[int, ...]:
        """Shape of a tensor whose every dimension is known; raises ValueError for any other."""
        dims = [dim for dim in self.shape or () if dim is not None]
        if self.shape is None or len(dims) < len(self.shape):
            raise ValueError(f"shape {self.shape}: expected a static one")
        return tuple(dims)


def node_name(reference: str) -> str:
    """Return the node of an input, tensor or control reference: "a:1", "^a" and "a" are all of node "a"."""
    return reference.lstrip("^").split(":")[0]


def tensor_name(reference: str) -> str:
    """Return the full tensor name of a data input or fetch: "a" is "a:0"."""
    return reference if ":" in reference else reference + ":0"


def input_reference(tensor: str) -> str:
    """Return a tensor name as GraphDef inputs spell it: "a:0" is "a"."""
    return tensor[:-2] if tensor.endswith(":0") else tensor


def data_inputs(node: tf.NodeDef) -> List[str]:
    """Return the full tensor names of a node's inputs, control inputs left out."""
    return [tensor_name(reference) for reference in node.input if not reference.startswith("^")]


def control_inputs(node: tf.NodeDef) -> List[str]:
    """Return a node's control references, each beginning with "^"."""
    return [reference for reference in node.input if reference.startswith("^")]


def set_inputs(node: tf.NodeDef, tensors: Iterable[str], controls: Iterable[str]) -> None:
    """Replace a node's inputs by these tensors and control references."""
    references = [input_reference(tensor) for tensor in tensors] + sorted(set(controls))
    del node.input[:]
    node.input.extend(references)


def constant_node(name: str, value: Union[np.ndarray, np.generic]) -> tf.NodeDef:
    """Return a Const node; a large array of one repeated value is stored as that value."""
    node = tf.NodeDef(name=name, op="Const")
    value = np.asarray(value)
    proto = None
    if value.size > _SKELETON_ELEMENTS and np.array_equal(value, np.broadcast_to(value.flat[0], value.shape)):
        proto = tf.make_tensor_proto(value.flat[0], shape=value.shape, dtype=tf.as_dtype(value.dtype))
    node.attr["value"].tensor.CopyFrom(proto or tf.make_tensor_proto(value))
    node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
    return node


def constant_value(node: tf.NodeDef) -> np.ndarray:
    """Return the array of a Const node."""
    return np.asarray(tf.make_ndarray(node.attr["value"].tensor))


class NodeGraph:
    """The nodes of a GraphDef by name, producers first, and the tensors or operations it is run for."""

    def __init__(self, graph_def: tf.GraphDef, fetches: Sequence[str]) -> None:
        self.versions = graph_def.versions
        self.library = graph_def.library
        self.fetches = tuple(fetches)
        self.nodes: Dict[str, tf.NodeDef] = {}
        source = {node.name: node for node in graph_def.node}
        self.fanout = collections.Counter(tensor for node in graph_def.node for tensor in data_inputs(node))
        """Readers of each tensor, those that no fetch needs included."""
        for name in sorted_ancestors(source, (node_name(fetch) for fetch in fetches)):
            self.nodes[name] = tf.NodeDef()
            self.nodes[name].CopyFrom(source[name])

    @property
    def has_frames(self) -> bool:
        """Say whether there are loops or conditionals, in which nodes belong to frames."""
        return any(node.op in _CONTROL_FLOW for node in self.nodes.values())

    @property
    def fetched_tensors(self) -> Set[str]:
        """Tensors that must survive; the fetch of a bare name means its first output, if it has one."""
        return {tensor_name(fetch) for fetch in self.fetches}

    def prune(self) -> None:
        """Drop the nodes that no fetch needs and restore the order."""
        order = sorted_ancestors(self.nodes, (node_name(fetch) for fetch in self.fetches))
        self.nodes = {name: self.nodes[name] for name in order}

    def readers(self) -> Dict[str, List[Tuple[str, int]]]:
        """Return, by tensor, the (node, input position) pairs that read it."""
        readers: Dict[str, List[Tuple[str, int]]] = {}
        for name, node in self.nodes.items():
            for position, tensor in enumerate(data_inputs(node)):
                readers.setdefault(tensor, []).append((name, position))
        return readers

    def descendants(self, name: str) -> Set[str]:
        """Return the nodes that read this one or wait for it, directly or not."""
        successors: Dict[str, List[str]] = {}
        for node in self.nodes.values():
            for reference in node.input:
                successors.setdefault(node_name(reference), []).append(node.name)
        reached: Set[str] = set()
        pending = [name]
        while pending:
            new = [successor for successor in successors.get(pending.pop(), ()) if successor not in reached]
            reached.update(new)
            pending += new
        return reached

    def to_graph_def(self) -> tf.GraphDef:
        """Return the graph as a GraphDef that can be imported on its own."""
        graph_def = tf.GraphDef()
        graph_def.versions.CopyFrom(self.versions)
        graph_def.library.CopyFrom(self.library)
        graph_def.node.extend(self.nodes.values())
        drop_dead_colocations(graph_def)
        return graph_def


def sorted_ancestors(nodes: Dict[str, tf.NodeDef], targets: Iterable[str]) -> List[str]:
    """Return the targets and all they need, producers first, but for the back edges of loops.

    Raises GraphError when a target or an input is not among the nodes.
    """
    order: List[str] = []
    state: Dict[str, bool] = {}
    pending = list(targets)
    for target in pending:  # which grows
        if target not in nodes:
            raise GraphError(f"fetch '{target}': the graph has no node of this name")
        stack = [target]
        while stack:
            name = stack[-1]
            if name not in state:
                state[name] = False
                for reference in nodes[name].input:
                    parent = node_name(reference)
                    if parent not in nodes:
                        raise GraphError(f"node '{name}': its input '{reference}' is not in the graph")
                    if nodes[parent].op in NEXT and nodes[name].op in MERGING:
                        pending.append(parent)
                    elif parent not in state:
                        stack.append(parent)
            else:
                stack.pop()
                if not state[name]:
                    state[name] = True
                    order.append(name)
    return order


def output_nodes(graph_def: tf.GraphDef) -> Tuple[str, ...]:
    """Return the operations that nothing reads or waits for: what a graph is for when its user does not say."""
    read = {node_name(reference) for node in graph_def.node for reference in node.input}
    return tuple(node.name for node in graph_def.node if node.input and node.name not in read)


def drop_dead_colocations(graph_def: tf.GraphDef) -> None:
    """Remove colocations with nodes that are gone; TensorFlow refuses to import them."""
    names = {node.name for node in graph_def.node}
    for node in graph_def.node:
        if "_class" not in node.attr:
            continue
        classes = node.attr["_class"].list.s
        alive = [item for item in classes if not item.startswith(b"loc:@") or item[5:].decode() in names]
        if not alive:
            del node.attr["_class"]
        elif len(alive) < len(classes):
            del classes[:]
            classes.extend(alive)


def import_skeleton(graph_def: tf.GraphDef) -> tf.Graph:
    """Import a graph with large constants replaced by placeholders of their shape, which costs no copying."""
    skeleton = tf.GraphDef()
    skeleton.versions.CopyFrom(graph_def.versions)
    skeleton.library.CopyFrom(graph_def.library)
    for node in graph_def.node:
        shape = node.attr["value"].tensor.tensor_shape if node.op == "Const" else None
        if shape is None or np.prod([dim.size for dim in shape.dim], dtype=np.int64) <= _SKELETON_ELEMENTS:
            skeleton.node.add().CopyFrom(node)
            continue
        stand_in = skeleton.node.add(name=node.name, op="Placeholder", input=control_inputs(node))
        stand_in.attr["dtype"].CopyFrom(node.attr["dtype"])
        stand_in.attr["shape"].shape.CopyFrom(shape)
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(skeleton, name="")
    return graph


def tensor_infos(graph: tf.Graph) -> Dict[str, TensorInfo]:
    """Return what TensorFlow's own shape functions know of every tensor."""
    infos = {}
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            dims = tensor.shape.dims
            shape = None if dims is None else tuple(tensor.shape.as_list())
            is_ref = tensor.dtype._is_ref_dtype
            infos[tensor.name] = TensorInfo(shape, tensor.dtype.base_dtype.name, is_ref)
    return infos
