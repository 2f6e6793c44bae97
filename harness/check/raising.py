"""The graph in float64: every float32 tensor raised where TensorFlow has a kernel for it. Needs TensorFlow."""

import functools
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework.kernels import get_registered_kernels_for_op

from harness.precision.graph.nodes import (
    constant_node,
    constant_value,
    control_inputs,
    data_inputs,
    node_name,
    set_inputs,
    tensor_name,
)

_FLOAT, _DOUBLE = tf.float32.as_datatype_enum, tf.float64.as_datatype_enum
_BATCH_NORM = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


class Raised(NamedTuple):
    """A graph in float64."""

    graph_def: tf.GraphDef
    left: Tuple[str, ...]
    """Names of the ops that still compute in float32, for want of a kernel."""


def raised(graph_def: tf.GraphDef) -> Raised:
    """Return the graph with float64 in place of float32; what has no kernel for it computes in float32 between casts.

    Names of tensors stay. Raises TensorFlow's ValueError for a graph that cannot be imported.
    """
    spelled = _without_batch_norm(graph_def)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(spelled, name="")
    return _Raising(spelled, graph).run()


class _Raising:
    """Gives nodes their dtype first, and then casts the edges whose two ends differ."""

    def __init__(self, graph_def: tf.GraphDef, graph: tf.Graph) -> None:
        self.operations = graph.get_operations()
        self.result = tf.GraphDef(versions=graph_def.versions, library=graph_def.library)
        self.dtypes: Dict[str, int] = {}
        """Dtype of each tensor in the raised graph."""
        self.casts: Dict[Tuple[str, int], str] = {}
        self.left: List[str] = []

    def run(self) -> Raised:
        pairs = [(operation, self._node(operation)) for operation in self.operations]
        for operation, node in pairs:
            for index, dtype in enumerate(_types(operation.op_def.output_arg, node)):
                self.dtypes[f"{node.name}:{index}"] = dtype
        for operation, node in pairs:
            wanted = list(_types(operation.op_def.input_arg, node))
            inputs = [self._as(tensor, dtype) for tensor, dtype in zip(data_inputs(node), wanted)]
            set_inputs(node, inputs, control_inputs(node))
            self.result.node.add().CopyFrom(node)
        return Raised(self.result, tuple(self.left))

    def _node(self, operation: tf.Operation) -> tf.NodeDef:
        node = tf.NodeDef()
        node.CopyFrom(operation.node_def)
        node.attr.pop("_output_shapes", None)
        names = [name for name in node.attr if not name.startswith("_") and _holds_float(node.attr[name])]
        if not names:
            self.left += [node.name] if _has_fixed_float(operation.op_def) else []
            return node
        original = tf.NodeDef()
        original.CopyFrom(node)
        for name in names:
            _raise(node, name)
        if node.op == "Const" or (not _has_function(node) and _has_kernel(node, operation.op_def)):
            self.left += [node.name] if _has_fixed_float(operation.op_def) else []
            return node
        self.left.append(node.name)
        return original

    def _as(self, tensor: str, dtype: int) -> str:
        """Return a tensor in the dtype that its reader wants, through a cast where it has the other."""
        own = self.dtypes[tensor]
        if own == dtype or {own, dtype} != {_FLOAT, _DOUBLE}:
            return tensor
        if (tensor, dtype) not in self.casts:
            name = f"check_raised/{node_name(tensor)}/{tensor.partition(':')[2]}"
            node = self.result.node.add(name=name, op="Cast", input=[tensor])
            node.attr["SrcT"].type, node.attr["DstT"].type = own, dtype
            self.casts[tensor, dtype] = tensor_name(name)
        return self.casts[tensor, dtype]


def _holds_float(attribute: Any) -> bool:
    kind = attribute.WhichOneof("value")
    if kind == "tensor":
        return bool(attribute.tensor.dtype == _FLOAT)
    return attribute.type == _FLOAT if kind == "type" else _FLOAT in attribute.list.type


def _raise(node: tf.NodeDef, name: str) -> None:
    attribute = node.attr[name]
    kind = attribute.WhichOneof("value")
    if kind == "tensor":
        attribute.CopyFrom(constant_node("", constant_value(node).astype(np.float64)).attr["value"])
    elif kind == "type":
        attribute.type = _DOUBLE
    else:
        types = [_DOUBLE if dtype == _FLOAT else dtype for dtype in attribute.list.type]
        del attribute.list.type[:]
        attribute.list.type.extend(types)


def _has_function(node: tf.NodeDef) -> bool:
    """Say whether an op runs functions, whose bodies compute in float32."""
    return any(value.HasField("func") or value.list.func for value in node.attr.values())


def _has_fixed_float(op_def: Any) -> bool:
    """Say whether an op gives float32 whatever it is given, as ResizeBilinear does."""
    return any(argument.type == _FLOAT for argument in op_def.output_arg)


@functools.lru_cache(maxsize=None)
def _kernels(op: str) -> Tuple[Any, ...]:
    return tuple(
        kernel
        for kernel in get_registered_kernels_for_op(op).kernel
        if kernel.device_type in ("CPU", "DEFAULT") and not kernel.label
    )


def _has_kernel(node: tf.NodeDef, op_def: Any) -> bool:
    restricted = [attribute for attribute in op_def.attr if attribute.allowed_values.list.type]
    if not all(_admits(attribute, node) for attribute in restricted):
        return False
    return any(all(_admits(constraint, node) for constraint in kernel.constraint) for kernel in _kernels(node.op))


def _admits(restricted: Any, node: tf.NodeDef) -> bool:
    value = node.attr[restricted.name]
    return set(value.list.type or [value.type]) <= set(restricted.allowed_values.list.type)


def _types(arguments: Sequence[Any], node: tf.NodeDef) -> Iterator[int]:
    """Yield the dtype of each tensor that these arguments of an op stand for; a reference counts as its value."""
    for argument in arguments:
        if argument.type_list_attr:
            yield from node.attr[argument.type_list_attr].list.type
            continue
        dtype = node.attr[argument.type_attr].type if argument.type_attr else argument.type
        yield from [dtype] * (node.attr[argument.number_attr].i if argument.number_attr else 1)


def _without_batch_norm(graph_def: tf.GraphDef) -> tf.GraphDef:
    """Spell out batch norms, for want of a kernel: (x - mean) * scale / sqrt(variance + epsilon) + offset.

    Those whose statistics are read, as moving averages and gradients do, stay.
    """
    read = {reference for node in graph_def.node for reference in node.input}
    spelled = tf.GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.op in _BATCH_NORM and _can_be_spelled(node, read):
            _spell(spelled, node)
        else:
            spelled.node.add().CopyFrom(node)
    return spelled


def _can_be_spelled(node: tf.NodeDef, read: Set[str]) -> bool:
    has_statistics = any(f"{node.name}:{index}" in read for index in range(1, 6))
    is_channels_last = "data_format" not in node.attr or node.attr["data_format"].s in (b"NHWC", b"NDHWC")
    return is_channels_last and not has_statistics


def _spell(graph_def: tf.GraphDef, node: tf.NodeDef) -> None:
    x, scale, offset, mean, variance = data_inputs(node)
    name, controls = node.name, control_inputs(node)
    constants = {"epsilon": np.float32(node.attr["epsilon"].f), "axes": np.arange(3, dtype=np.int32)}
    for key, value in constants.items():
        graph_def.node.add().CopyFrom(constant_node(f"{name}/check_{key}", value))
    steps = []
    if "is_training" not in node.attr or node.attr["is_training"].b:  # by the statistics of the batch
        mean, variance = f"{name}/check_mean", f"{name}/check_variance"
        steps += [
            ("check_mean", "Mean", [x, f"{name}/check_axes"]),
            ("check_deviation", "SquaredDifference", [x, mean]),
            ("check_variance", "Mean", [f"{name}/check_deviation", f"{name}/check_axes"]),
        ]
    steps += [
        ("check_sum", "AddV2", [variance, f"{name}/check_epsilon"]),
        ("check_root", "Rsqrt", [f"{name}/check_sum"]),
        ("check_factor", "Mul", [scale, f"{name}/check_root"]),
        ("check_centred", "Sub", [x, mean]),
        ("check_product", "Mul", [f"{name}/check_centred", f"{name}/check_factor"]),
    ]
    for key, op, inputs in steps:
        _add(graph_def, f"{name}/{key}", op, inputs, controls)
    _add(graph_def, name, "AddV2", [f"{name}/check_product", offset], controls)


def _add(graph_def: tf.GraphDef, name: str, op: str, inputs: Sequence[str], controls: Sequence[str]) -> None:
    node = graph_def.node.add(name=name, op=op)
    set_inputs(node, map(tensor_name, inputs), controls)
    node.attr["T"].type = _FLOAT
    if op == "Mean":
        node.attr["Tidx"].type = tf.int32.as_datatype_enum
