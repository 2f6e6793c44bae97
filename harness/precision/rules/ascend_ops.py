"""From TensorFlow nodes to the ops the Ascend compiler judges: their types, and what they read and write.

Types follow canndev framework/tf_plugin, inputs that become attributes canndev const2attr_fusion_pass.cc. The fusions
that join or split nodes are in rules.fusions. All of it is knowledge about the plan only: the TensorFlow graph is not
changed here.
"""

from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

import tensorflow.compat.v1 as tf

from harness.precision.graph.nodes import TensorInfo, data_inputs, node_name
from harness.precision.graph.normalization import StaticGraph
from harness.precision.number_formats import CONVERTED
from harness.precision.rules.config import PrecisionConfig
from harness.precision.rules.kernels import OpKernel
from harness.precision.rules.op_table import load_op_table

CONSTANT, VARIABLE, COMPUTED = "constant", "variable", "computed"

# Passes that make attributes of inputs and may be switched off, by the type they change; the others may not.
_CLOSABLE_FORMS = {
    "StridedSlice": "ConstToAttrStridedSliceFusion",
    "Pad": "PadFusionPass",
    "OneHot": "OneHotFusionPass",
    "Tile": "TileConstToAttrFusion",
}

Edge = Tuple[str, int]
"""A TensorFlow node and the position of one of its data inputs."""


class Input(NamedTuple):
    """One connected input of an op, at its position in the kernel rows."""

    position: int
    tensor: str
    """TensorFlow tensor read at the edge, or the output of another op that was made of the same node."""
    root: str
    """Tensor at the start of the identities and variable reads that lead to the edge; its producer decides."""
    dtype: str
    edges: Tuple[Edge, ...]
    """Where TensorFlow's nodes read it; none within a node."""
    kind: str
    """CONSTANT, VARIABLE or COMPUTED; fed placeholders count as computed."""
    elements: int


class Output(NamedTuple):
    """One output of an op."""

    tensor: Optional[str]
    """None for an output that TensorFlow's op does not have."""
    dtype: str
    elements: int
    variable: Optional[str] = None
    """The variable it is written to, if any."""


class AscendOp(NamedTuple):
    """An op as the Ascend compiler judges it, made of one or more TensorFlow nodes."""

    name: str
    nodes: Tuple[str, ...]
    type: str
    kernel: Optional[OpKernel]
    """None for a type outside the table."""
    inputs: Tuple[Input, ...]
    outputs: Tuple[Output, ...]
    keep_dtype: bool
    """The node carries `_keep_dtype` (keep_dtype_scope)."""


class Lowering:
    """What is known of a normalised graph's nodes, and how ops are made of them."""

    def __init__(self, static: StaticGraph, config: PrecisionConfig) -> None:
        self.static = static
        self.config = config
        self.nodes = static.graph.nodes
        self.table = load_op_table()
        self.readers = static.graph.readers()
        self.fetched = static.graph.fetched_tensors

    # What a node is

    def kernel(self, op_type: str) -> Optional[OpKernel]:
        """Return the kernel of an Ascend type; that of the host for ops that never reach AI Core."""
        kernel = self.table.ops.get(op_type)
        if kernel is None and self.table.is_host(op_type):
            return OpKernel.model_validate({"type": op_type, "unit": "host"})
        return kernel

    def is_judged(self, node: tf.NodeDef) -> bool:
        """Say whether the compiler decides a node's dtypes: whether it has floats and is not dealt with by itself."""
        kernel = self.kernel(self.table.ascend_type(node.op))
        if self.static.forwards(node, 0) is not None or (kernel is not None and kernel.local):
            return False
        if kernel is not None and kernel.writes:
            return _attribute_dtype(node) in CONVERTED
        dtypes = [self.info(tensor).dtype for tensor in data_inputs(node)]
        dtypes += [output.dtype for output in self.outputs(node.name)]
        return any(dtype in CONVERTED for dtype in dtypes)

    def type_of(self, node: tf.NodeDef) -> Tuple[str, Tuple[int, ...]]:
        """Return the Ascend type and which data inputs are left: constant ones may become attributes."""
        tensors = data_inputs(node)
        slots = tuple(range(len(tensors)))
        op_type = self.table.ascend_type(node.op)
        form = self.table.attribute_forms.get(op_type)
        if form is None or form.type not in self.table.ops or _CLOSABLE_FORMS.get(op_type) in self.config.fusions_off:
            return op_type, slots
        attributes = [slot for slot in form.positions(len(tensors)) if slot < len(tensors)]
        if any(self.kind(tensors[slot]) != CONSTANT for slot in attributes):
            return op_type, slots
        return form.type, tuple(slot for slot in slots if slot not in attributes)

    def info(self, tensor: str) -> TensorInfo:
        """Return what is known of a TensorFlow tensor."""
        return self.static.infos[tensor]

    def root(self, tensor: str) -> str:
        """Return the tensor that identities and variable reads pass on."""
        return self.static.root(tensor, through=("ReadVariableOp",))

    def kind(self, tensor: str) -> str:
        """Return CONSTANT, VARIABLE or COMPUTED."""
        root = self.root(tensor)
        op = self.nodes[node_name(root)].op
        if op == "Const":
            return CONSTANT
        op_type = self.table.ascend_type(op)
        # Inside a function a captured variable is a placeholder that holds its handle.
        captured = op_type == "Data" and self.info(root).dtype == "resource"
        return VARIABLE if op_type == "Variable" or captured else COMPUTED

    def is_alone(self, tensor: str) -> bool:
        """Say whether a tensor has one op as its reader; the fetch of one is a reader too, but none of these."""
        return self.has_one_reader(tensor) and tensor not in self.fetched

    def has_one_reader(self, tensor: str) -> bool:
        """Say whether one op reads a tensor, or it is fetched and nothing reads it."""
        return len(self.readers.get(tensor, ())) + (tensor in self.fetched) == 1

    def is_read(self, tensor: str) -> bool:
        """Say whether a tensor has a reader or is fetched."""
        return tensor in self.readers or tensor in self.fetched

    def producer(self, tensor: str, *ops: str) -> Optional[tf.NodeDef]:
        """Return the node that makes a tensor if it is one of these TensorFlow ops, else None."""
        node = self.nodes[node_name(tensor)]
        return node if node.op in ops else None

    # Ops

    def single(self, node: tf.NodeDef) -> AscendOp:
        """Return the op of a node that no fusion takes part in."""
        op_type, slots = self.type_of(node)
        inputs = self.inputs(node, slots)
        kernel = self.kernel(op_type)
        if kernel is not None and kernel.writes:
            outputs = tuple(_written(tensor) for tensor in inputs[: kernel.writes])
        else:
            outputs = self.outputs(node.name)
        return self.op(node.name, op_type, (node,), inputs, outputs)

    def op(
        self,
        name: str,
        op_type: str,
        nodes: Sequence[tf.NodeDef],
        inputs: Iterable[Input],
        outputs: Iterable[Output],
    ) -> AscendOp:
        """Return an op of this type; the first of its nodes says whether its dtype is to be kept."""
        keep = "_keep_dtype" in nodes[0].attr
        names = tuple(node.name for node in nodes)
        return AscendOp(name, names, op_type, self.kernel(op_type), tuple(inputs), tuple(outputs), keep)

    def inputs(self, node: tf.NodeDef, slots: Iterable[int]) -> Tuple[Input, ...]:
        """Return a node's inputs at these slots, as positions 0, 1 and so on of an op."""
        return tuple(self.input(position, (node.name, slot)) for position, slot in enumerate(slots))

    def input(self, position: int, *edges: Edge) -> Input:
        """Return the tensor that these edges read, as the input of an op at a position."""
        name, slot = edges[0]
        tensor = data_inputs(self.nodes[name])[slot]
        info, root, kind = self.info(tensor), self.root(tensor), self.kind(tensor)
        if info.dtype == "resource" and kind == VARIABLE:
            info = TensorInfo(_variable_shape(self.nodes[node_name(root)]), _attribute_dtype(self.nodes[name]))
        return Input(position, tensor, root, info.dtype, edges, kind, info.elements)

    def outputs(self, name: str) -> Tuple[Output, ...]:
        """Return all outputs of a node."""
        outputs: List[Output] = []
        while f"{name}:{len(outputs)}" in self.static.infos:
            outputs.append(self.output(f"{name}:{len(outputs)}"))
        return tuple(outputs)

    def output(self, tensor: str) -> Output:
        """Return a TensorFlow tensor as an op's output."""
        return Output(tensor, self.info(tensor).dtype, self.info(tensor).elements)


def between(position: int, output: Output) -> Input:
    """Return the output of one op as the input of another one that was made of the same node."""
    assert output.tensor is not None
    return Input(position, output.tensor, output.tensor, output.dtype, (), COMPUTED, output.elements)


def _variable_shape(handle: tf.NodeDef) -> Optional[Tuple[int, ...]]:
    if "shape" not in handle.attr or handle.attr["shape"].shape.unknown_rank:
        return None
    return tuple(dim.size for dim in handle.attr["shape"].shape.dim)


def _written(variable: Input) -> Output:
    return Output(None, variable.dtype, variable.elements, node_name(variable.tensor))


def _attribute_dtype(node: tf.NodeDef) -> str:
    """Return the value dtype of an op that takes a resource."""
    for key in ("T", "dtype"):
        if key in node.attr:
            return str(tf.as_dtype(node.attr[key].type).base_dtype.name)
    return "resource"
