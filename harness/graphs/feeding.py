"""What a graph must be fed: its placeholders, their shapes, and tensors that are fed in place of being computed."""

from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from harness.errors import UsageError, nearest
from harness.graphs.fetches import tensor_of
from harness.graphs.source import Shape
from harness.precision.graph.nodes import (
    PLACEHOLDERS,
    TensorInfo,
    control_inputs,
    data_inputs,
    node_name,
    set_inputs,
    sorted_ancestors,
    tensor_name,
)

_SCALARS_SINCE = 22
"""Version of GraphDefs in which a placeholder can be a scalar; before, it then has any shape (ops/array_ops.cc)."""


class GraphInput(NamedTuple):
    """A tensor that is fed."""

    name: str
    """Name of its placeholder."""
    dtype: str
    """TensorFlow's name, such as float32."""
    shape: Optional[Shape]
    """None when its rank is unknown."""
    has_default: bool = False
    """True when it need not be fed."""

    @property
    def tensor(self) -> str:
        """Name to feed it under."""
        return f"{self.name}:0"


def graph_inputs(
    nodes: Mapping[str, Any], fetches: Iterable[str], infos: Mapping[str, TensorInfo]
) -> Tuple[GraphInput, ...]:
    """Return the placeholders that the fetches need, in the file's order."""
    needed = set(sorted_ancestors(dict(nodes), [node_name(fetch) for fetch in fetches]))
    found = [node for name, node in nodes.items() if name in needed and node.op in PLACEHOLDERS]
    return tuple(
        GraphInput(
            name=node.name,
            dtype=infos[f"{node.name}:0"].dtype,
            shape=infos[f"{node.name}:0"].shape,
            has_default=node.op == "PlaceholderWithDefault",
        )
        for node in found
    )


def fix_shapes(graph_def: Any, shapes: Mapping[str, Shape]) -> None:
    """Give placeholders the shapes that the file leaves open.

    Raises:
        UsageError: there is no such placeholder, or the file says another shape.
    """
    placeholders = {node.name: node for node in graph_def.node if node.op in PLACEHOLDERS}
    for text, shape in shapes.items():
        name = text[:-2] if text.endswith(":0") else text
        if name not in placeholders:
            known = f"{nearest(name, placeholders)} (it has {', '.join(list(placeholders)[:8]) or 'none'})"
            raise UsageError(f"--shape {text}: the graph has no placeholder of this name{known}")
        node = placeholders[name]
        stored = _stored_shape(node)
        if stored is not None and not _agree(stored, shape):
            raise UsageError(f"--shape {text}={_text(shape)}: the graph says {_text(stored)}")
        _set_shape(node, shape if stored is None else _merged(stored, shape))
    if () in shapes.values():
        graph_def.versions.producer = max(graph_def.versions.producer, _SCALARS_SINCE)
    if shapes:
        for node in graph_def.node:  # what was inferred of the shapes that were open
            node.attr.pop("_output_shapes", None)


def cut(graph_def: Any, infos: Mapping[str, TensorInfo], inputs: Sequence[str]) -> None:
    """Replace tensors that the graph computes by placeholders of the same dtype and shape, named after them.

    Output 0 of a node takes the node's name, output k the name NODE_k. Raises UsageError for a tensor that is not
    there.
    """
    nodes = {node.name: node for node in graph_def.node}
    renamed: Dict[str, str] = {}
    for text in inputs:
        name, number = tensor_of("--input", text, nodes, infos)
        tensor = f"{name}:{number}"
        if tensor not in infos:
            raise UsageError(f"--input {text}: the node has no output (expected one that computes a tensor)")
        if nodes[name].op in PLACEHOLDERS:
            continue
        stand_in = name
        if number or f"{name}:1" in infos:
            stand_in = f"{name}_{number}"
            while stand_in in nodes:
                stand_in += "_"
            renamed[tensor] = tensor_name(stand_in)
            nodes[stand_in] = graph_def.node.add(name=stand_in)
        _become_placeholder(nodes[stand_in], infos[tensor])
    if renamed:
        for node in graph_def.node:
            tensors = data_inputs(node)
            if any(tensor in renamed for tensor in tensors):
                set_inputs(node, [renamed.get(tensor, tensor) for tensor in tensors], control_inputs(node))


def _become_placeholder(node: Any, info: TensorInfo) -> None:
    import tensorflow.compat.v1 as tf

    node.op = "Placeholder"
    del node.input[:]
    for key in list(node.attr):
        del node.attr[key]
    node.attr["dtype"].type = tf.as_dtype(info.dtype).as_datatype_enum
    if info.shape is None:
        node.attr["shape"].shape.unknown_rank = True
    else:
        _set_shape(node, info.shape)


def _stored_shape(node: Any) -> Optional[Shape]:
    """Return the shape that a placeholder states; None when it states none. An old one states () for that."""
    stated = node.attr["shape"].shape if "shape" in node.attr else None
    if stated is None or stated.unknown_rank or not stated.dim:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in stated.dim)


def _set_shape(node: Any, shape: Shape) -> None:
    stated = node.attr["shape"].shape
    stated.unknown_rank = False
    del stated.dim[:]
    for size in shape:
        stated.dim.add(size=-1 if size is None else size)


def _agree(stored: Shape, given: Shape) -> bool:
    return len(stored) == len(given) and all(None in pair or pair[0] == pair[1] for pair in zip(stored, given))


def _merged(stored: Shape, given: Shape) -> Shape:
    sizes: List[Optional[int]] = [new if old is None else old for old, new in zip(stored, given)]
    return tuple(sizes)


def _text(shape: Shape) -> str:
    return ",".join("?" if size is None else str(size) for size in shape)
