"""From TensorFlow nodes to the ops the Ascend compiler judges: types, and the fusions that change dtypes.

Types follow canndev framework/tf_plugin; fusions follow canndev fusion_pass, as run by GE
OptimizeOriginalGraph. They are knowledge about the plan only: the TensorFlow graph is not changed here.
"""

from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import tensorflow.compat.v1 as tf

from harness.precision.graph.nodes import TensorInfo, data_inputs, node_name, tensor_name
from harness.precision.graph.normalization import FORWARDING, StaticGraph
from harness.precision.number_formats import CONVERTED
from harness.precision.rules.op_table import OpKernel, load_op_table

CONSTANT, VARIABLE, COMPUTED = "constant", "variable", "computed"

_FORWARDING = FORWARDING | {"ReadVariableOp"}

# Constant inputs become attributes (canndev const2attr_fusion_pass.cc): new type, those inputs, the others.
_ATTRIBUTE_FORMS = {
    "Conv2DBackpropInput": ("Conv2DBackpropInputD", (0,), (1, 2)),
    "AvgPoolGrad": ("AvgPoolGradD", (0,), (1,)),
    "Transpose": ("TransposeD", (1,), (0,)),
    "Sum": ("ReduceSumD", (1,), (0,)),
    "Mean": ("ReduceMeanD", (1,), (0,)),
    "Tile": ("TileD", (1,), (0,)),
    "Fill": ("FillD", (0,), (1,)),
}
_MADE_BY_FUSION = frozenset(form for form, _, _ in _ATTRIBUTE_FORMS.values()) | {"ReluV2", "ReluGradV2"}


class Input(NamedTuple):
    """One connected input of an op, at its position in the kernel rows."""

    position: int
    tensor: str
    """TensorFlow tensor read at the edge."""
    root: str
    """Tensor at the start of the identities and variable reads that lead to the edge; its producer decides."""
    dtype: str
    node: str
    """TensorFlow node that reads it."""
    slot: int
    """Position of the edge among that node's data inputs."""
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


def lower(static: StaticGraph) -> Tuple[AscendOp, ...]:
    """Return a normalised graph's ops, producers first; those without float16 or float32 are not judged."""
    return _Lowering(static).run()


class _Lowering:
    """Finds which nodes the fusions join, and then makes one op of each group of nodes."""

    def __init__(self, static: StaticGraph) -> None:
        self.static = static
        self.nodes = static.graph.nodes
        self.table = load_op_table()
        self.readers = static.graph.readers()
        self.fetched = static.graph.fetched_tensors
        self.tf_types = _types_by_tf_op()
        self.fused_bias = self._convolutions_with_bias()
        self.fused_relus = self._relus_with_gradient()

    def run(self) -> Tuple[AscendOp, ...]:
        ops = []
        for name, node in self.nodes.items():
            if name not in self.fused_bias.values() and self._is_judged(node):
                ops.append(self._lower(name, node))
        return tuple(ops)

    def _is_judged(self, node: tf.NodeDef) -> bool:
        kernel = self.table.ops.get(self.tf_types.get(node.op, node.op))
        if node.op in _FORWARDING or (kernel is not None and not kernel.rows):
            return False
        if kernel is not None and kernel.writes:
            return _attribute_dtype(node) in CONVERTED
        dtypes = [self._info(tensor).dtype for tensor in data_inputs(node)]
        dtypes += [output.dtype for output in self._outputs(node.name)]
        return any(dtype in CONVERTED for dtype in dtypes)

    def _lower(self, name: str, node: tf.NodeDef) -> AscendOp:
        head = self.nodes[self.fused_bias.get(name, name)]
        op_type, slots = self._type(head)
        kernel = self.table.ops.get(op_type)
        keep = "_keep_dtype" in head.attr
        if name in self.fused_bias:
            inputs = self._inputs(head, slots) + (self._input(node, 1, position=2),)
            return AscendOp(head.name, (head.name, name), op_type, kernel, inputs, self._outputs(name), keep)
        inputs, outputs = self._inputs(node, slots), self._outputs(name)
        if name in self.fused_relus and node.op == "Relu":
            outputs += (Output(None, "uint8", outputs[0].elements),)
        elif name in self.fused_relus:
            inputs = (inputs[0], inputs[1]._replace(dtype="uint8"))
        elif kernel is not None and kernel.writes:
            outputs = tuple(_written(tensor) for tensor in inputs[: kernel.writes])
        return AscendOp(name, (name,), op_type, kernel, inputs, outputs, keep)

    def _type(self, node: tf.NodeDef) -> Tuple[str, Tuple[int, ...]]:
        """Return the Ascend type and which data inputs remain."""
        slots = tuple(range(len(data_inputs(node))))
        if node.name in self.fused_relus:
            return ("ReluV2" if node.op == "Relu" else "ReluGradV2"), slots
        if node.op in _ATTRIBUTE_FORMS:
            op_type, attributes, remaining = _ATTRIBUTE_FORMS[node.op]
            if all(self._kind(data_inputs(node)[slot]) == CONSTANT for slot in attributes):
                return op_type, remaining
        if node.op == "ConcatV2":
            return "ConcatV2D", slots[:-1]
        return self.tf_types.get(node.op, node.op), slots

    def _inputs(self, node: tf.NodeDef, slots: Tuple[int, ...]) -> Tuple[Input, ...]:
        return tuple(self._input(node, slot, position) for position, slot in enumerate(slots))

    def _input(self, node: tf.NodeDef, slot: int, position: int) -> Input:
        tensor = data_inputs(node)[slot]
        info = self._info(tensor)
        if info.dtype == "resource":
            info = TensorInfo(_variable_shape(self.nodes[node_name(self._root(tensor))]), _attribute_dtype(node))
        root, kind = self._root(tensor), self._kind(tensor)
        return Input(position, tensor, root, info.dtype, node.name, slot, kind, info.elements)

    def _outputs(self, name: str) -> Tuple[Output, ...]:
        outputs: List[Output] = []
        while f"{name}:{len(outputs)}" in self.static.infos:
            tensor = f"{name}:{len(outputs)}"
            outputs.append(Output(tensor, self._info(tensor).dtype, self._info(tensor).elements))
        return tuple(outputs)

    def _info(self, tensor: str) -> TensorInfo:
        return self.static.infos[tensor]

    def _root(self, tensor: str) -> str:
        node = self.nodes[node_name(tensor)]
        while node.op in _FORWARDING:
            tensor = data_inputs(node)[0]
            node = self.nodes[node_name(tensor)]
        return tensor

    def _kind(self, tensor: str) -> str:
        op = self.nodes[node_name(self._root(tensor))].op
        if op == "Const":
            return CONSTANT
        return VARIABLE if self.tf_types.get(op) == "Variable" else COMPUTED

    def _convolutions_with_bias(self) -> Dict[str, str]:
        """Return, by BiasAdd node that is its Conv2D's only reader, that Conv2D (AABiasaddConvFusion)."""
        fused = {}
        for name, node in self.nodes.items():
            if node.op != "BiasAdd":
                continue
            source = data_inputs(node)[0]
            alone = len(self.readers[source]) == 1 and source not in self.fetched
            if self.nodes[node_name(source)].op == "Conv2D" and alone:
                fused[name] = node_name(source)
        return fused

    def _relus_with_gradient(self) -> Set[str]:
        """Return the Relu and ReluGrad nodes where exactly one ReluGrad reads the Relu (DreluFusionPass)."""
        fused: Set[str] = set()
        for name, node in self.nodes.items():
            tensor = tensor_name(name)
            if node.op != "Relu" or not self._info(tensor).dims_known:
                continue
            gradients = [
                reader
                for reader, slot in self.readers.get(tensor, ())
                if self.nodes[reader].op == "ReluGrad" and slot == 1
            ]
            if len(gradients) == 1:
                fused.update((name, gradients[0]))
        return fused


def _types_by_tf_op() -> Dict[str, str]:
    """Return the Ascend type by TensorFlow op, for types that do not come of a fusion."""
    types: Dict[str, str] = {}
    for op_type, kernel in load_op_table().ops.items():
        if op_type not in _MADE_BY_FUSION:
            types.update((tf_op, op_type) for tf_op in kernel.tf_ops if tf_op not in types)
    return types


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
