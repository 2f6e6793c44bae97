"""Write a plan into the graph with real low-precision kernels: what a host can run faster, not what the card computes.

The same decisions as rounded.py writes down as rounded float32 become the dtypes of TensorFlow's own kernels. Their
arithmetic is TensorFlow's: bfloat16 and float16 overflow to infinity, and sums inside a kernel are as wide as it makes
them.
"""

import itertools
from typing import Any, Dict, Sequence, Set, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework.kernels import get_registered_kernels_for_op

from harness.precision.emission.rounded import append_kept, matched_ops
from harness.precision.emission.writer import GraphWriter, rename
from harness.precision.graph.nodes import GraphError, control_inputs, data_inputs, node_name, set_inputs, tensor_name
from harness.precision.graph.normalization import StaticGraph, normalize
from harness.precision.number_formats import NARROW
from harness.precision.rules.ascend_ops import AscendOp
from harness.precision.rules.judge import AI_CORE
from harness.precision.rules.plan import DtypePlan, PlannedOp

_FLOAT = tf.float32.as_datatype_enum
# Leading inputs of the dtype T, of ops whose other inputs, and all outputs but the first, are of the dtype U.
_OF_TYPE_T = {f"FusedBatchNorm{name}": count for name, count in (("V2", 1), ("V3", 1), ("GradV2", 2), ("GradV3", 2))}


class NoKernelError(ValueError):
    """The plan asks for a kernel that TensorFlow does not have here; the message is one line."""


def emit_native(graph_def: tf.GraphDef, plan: DtypePlan, keep: Sequence[str] = (), device: str = "cpu") -> tf.GraphDef:
    """Return a graph whose ops compute in the plan's dtypes; fetches keep their name, shape and dtype.

    Args:
        graph_def: the graph that was planned.
        keep: further operations and tensors that must survive; what only they need is left as it is.
        device: cpu or gpu: where there must be a kernel for every op in its planned dtypes.

    Raises:
        GraphError: a fetch or kept name is missing, or the plan is of another graph.
        NoKernelError: the device cannot run an op in its planned dtypes.
    """
    if plan.all_float32:
        return graph_def
    return _Lowering(graph_def, plan, device).run(keep)


def has_kernel(node: tf.NodeDef, device: str) -> bool:
    """Say whether TensorFlow has a kernel for a node's dtype `T` on this kind of device."""
    return any(
        kernel.device_type == device.upper() and not kernel.label and _admits(kernel, node.attr["T"].type)
        for kernel in get_registered_kernels_for_op(node.op).kernel
    )


class _Lowering:
    """Gives nodes their dtype first, and then casts the edges whose two ends differ."""

    def __init__(self, graph_def: tf.GraphDef, plan: DtypePlan, device: str) -> None:
        self.source = graph_def
        self.device = device
        self.low = tf.as_dtype(plan.config.low)
        self.static = normalize(graph_def, plan.fetches)
        self.graph = self.static.graph
        self.ops = matched_ops(self.static, plan)
        self.fetched = self.graph.fetched_tensors
        self.writer = GraphWriter(self.graph, [node.name for node in graph_def.node])
        self.narrow: Set[str] = set()
        """Tensors that were float32 and are in the narrow format now."""
        self.casts: Dict[Tuple[str, bool], str] = {}
        """Cast tensor, by original tensor and whether the cast is to the narrow format."""

    def run(self, keep: Sequence[str]) -> tf.GraphDef:
        lowered = self._lowered_nodes()
        nodes = [(node, name in lowered) for name, node in self.graph.nodes.items()]
        for node, is_lowered in nodes:
            if is_lowered:
                self._lower(node)
        for node, is_lowered in nodes:
            tensors = data_inputs(node)
            narrow = _OF_TYPE_T.get(node.op, len(tensors)) if is_lowered else 0
            inputs = [self._as_read(tensor, slot < narrow) for slot, tensor in enumerate(tensors)]
            set_inputs(node, inputs, control_inputs(node))
        self.graph.prune()
        emitted = self.graph.to_graph_def()
        append_kept(emitted, self.source, keep)
        return emitted

    def _lowered_nodes(self) -> Set[str]:
        names: Set[str] = set()
        for op, planned in self.ops:
            if planned.engine == AI_CORE and planned.is_narrow and planned.type != "Cast":
                self._require_one_dtype(op, planned)
                # The moving averages that a batch norm takes in stay float32, as their variables.
                names.update(op.nodes[:1] if any(output.variable for output in op.outputs) else op.nodes)
        return names

    def _require_one_dtype(self, op: AscendOp, planned: PlannedOp) -> None:
        """TensorFlow's kernels compute in one dtype: they widen no output, and leave no variable wide.

        What no kernel of the card narrows, such as the gradient of a convolution's filter, is as TensorFlow has it.
        """
        rows = op.kernel.rows_for(len(op.inputs), len(op.outputs)) if op.kernel else ()
        read = [
            (tensor.dtype, dtype, [row.inputs[tensor.position :][:1] for row in rows])
            for tensor, dtype in zip(op.inputs, planned.inputs)
        ]
        made = [
            (output.dtype, dtype, [row.outputs[index : index + 1] for row in rows])
            for index, (output, dtype) in enumerate(zip(op.outputs, planned.outputs))
        ]
        wide = [
            original
            for original, dtype, columns in read + made
            if original == "float32" and dtype != self.low.name and any(set(column) & set(NARROW) for column in columns)
        ]
        if wide:
            reason = f"no kernel takes and gives {planned.dtypes}"
        elif op.kernel is not None and op.kernel.writes:
            reason = f"no kernel computes in {self.low.name} on a float32 variable"
        else:
            return
        raise NoKernelError(f"{planned.type} {planned.name}: in TensorFlow {reason} (use --emit rounded)")

    def _lower(self, node: tf.NodeDef) -> None:
        name = node.name
        if "T" in node.attr and node.attr["T"].type == _FLOAT:
            node.attr["T"].type = self.low.as_datatype_enum
        if "T" not in node.attr or not has_kernel(node, self.device):
            raise NoKernelError(
                f"{node.op} {name}: TensorFlow {tf.__version__} has no {self.low.name} kernel for it on this "
                f"{self.device.upper()} (use --emit rounded)"
            )
        count = 1 if node.op in _OF_TYPE_T else _count_outputs(name, self.static)
        outputs = {f"{name}:{index}" for index in range(count)}
        fetched = outputs & self.fetched
        self.narrow |= {tensor for tensor in outputs - fetched if self._was_float(tensor)}
        if fetched:
            self._widen_fetch(name, fetched)

    def _widen_fetch(self, name: str, fetched: Set[str]) -> None:
        """Cast a node's output under its own name: a fetch may also be fed, and then its readers must read that."""
        if fetched != {tensor_name(name)}:
            raise GraphError(f"fetch of '{name}': of an op that is narrowed, only the first output can be fetched")
        raw = self.writer.free_name(f"{name}/{self.low.name}")
        rename(self.graph, name, raw)
        widened = self._cast(tensor_name(raw), self.low, tf.float32)
        rename(self.graph, node_name(widened), name)

    def _as_read(self, tensor: str, narrow: bool) -> str:
        """Return what a node that computes in the narrow format, or does not, reads for a tensor."""
        if not self._was_float(tensor) or narrow == (tensor in self.narrow):
            return tensor
        if (tensor, narrow) not in self.casts:
            if narrow and self.static.is_constant(tensor):
                self.casts[tensor, narrow] = self._constant(tensor, self.static.constant(tensor))
            else:
                ends = (tf.float32, self.low) if narrow else (self.low, tf.float32)
                self.casts[tensor, narrow] = self._cast(tensor, *ends)
        return self.casts[tensor, narrow]

    def _was_float(self, tensor: str) -> bool:
        info = self.static.infos.get(tensor)
        return info is not None and info.dtype == "float32" and not info.is_ref

    def _constant(self, tensor: str, value: np.ndarray) -> str:
        """Return a copy of a constant in the narrow format: TensorFlow itself folds no constants of this size."""
        with np.errstate(over="ignore"):
            value = value.astype(self.low.as_numpy_dtype)
        narrow = self.writer.constant(f"{node_name(tensor)}/{self.low.name}", value)
        self.graph.nodes[node_name(narrow)].input.extend(self.graph.nodes[node_name(tensor)].input)
        return narrow

    def _cast(self, tensor: str, source: tf.DType, target: tf.DType) -> str:
        name = f"{node_name(tensor)}/{target.name}"
        types = {"SrcT": source.as_datatype_enum, "DstT": target.as_datatype_enum}
        return self.writer.add(name, "Cast", [tensor], **types)


def _count_outputs(name: str, static: StaticGraph) -> int:
    return next(index for index in itertools.count() if f"{name}:{index}" not in static.infos)


def _admits(kernel: Any, dtype: int) -> bool:
    return all(dtype in item.allowed_values.list.type for item in kernel.constraint if item.name == "T")
