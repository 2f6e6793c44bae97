"""The graph fusions that decide dtypes: which nodes the compiler joins or splits before it judges ops.

Each pass is one of canndev fusion_pass/graph_fusion/ai_core, under its registered name, and says what it makes of a
node. Ops made by a pass have the names that it gives them, which customize_dtypes files must use.
"""

from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from harness.precision.graph.nodes import data_inputs, tensor_name
from harness.precision.graph.normalization import StaticGraph
from harness.precision.rules import batch_norm
from harness.precision.rules.ascend_ops import COMPUTED, CONSTANT, AscendOp, Lowering, Output, between
from harness.precision.rules.config import PrecisionConfig
from harness.precision.rules.fusion_pass import Made, Pass

_SMALLEST_DIVISOR = 1e-6
"""RealDiv2MulsFusionPass leaves alone what is divided by less."""
_MOST_UNPACKED = 63
"""Tensors that one Unpack makes at most; UnpackFusionPass splits off the others, up to the square of this."""


class Fused(NamedTuple):
    """What the passes make of a graph."""

    made: Dict[str, Tuple[AscendOp, ...]]
    """Ops by the node whose outputs they give."""
    absorbed: Set[str]
    """Further nodes that these ops stand for."""


def lower(static: StaticGraph, config: PrecisionConfig) -> Tuple[AscendOp, ...]:
    """Return a normalised graph's ops, producers first; those without float16 or float32 are not judged."""
    lowering = Lowering(static, config)
    fused = fuse(lowering)
    ops: List[AscendOp] = []
    for name, node in lowering.nodes.items():
        if name in fused.made:
            ops += fused.made[name]
        elif name not in fused.absorbed and lowering.is_judged(node):
            ops.append(lowering.single(node))
    return tuple(ops)


def fuse(lowering: Lowering) -> Fused:
    """Apply the passes that the configuration's profile has and that are not switched off, in their order."""
    fused = Fused({}, set())
    for entry in PASSES:
        if entry.name in lowering.config.fusions_off or entry.since not in ("", lowering.config.profile):
            continue
        for name, node in lowering.nodes.items():
            if node.op not in entry.ops or name in fused.made or name in fused.absorbed or not lowering.is_judged(node):
                continue
            made = entry.make(lowering, node)
            if made is None or any(other in fused.made or other in fused.absorbed for other in made.absorbed):
                continue
            fused.made[name] = made.ops
            fused.absorbed.update(made.absorbed)
    return fused


# Biases


def _convolution_bias(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Conv2D and a BiasAdd of a constant or variable that is its only reader."""
    source, bias = data_inputs(node)
    head = lowering.producer(source, "Conv2D")
    if head is None or not lowering.is_alone(source) or not _is_stored(lowering, bias):
        return None
    return _with_bias(lowering, head, node, 1)


def _convolution_add(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Conv2D and an Add of a constant with one value for each channel, on either side."""
    for slot, source in enumerate(data_inputs(node)):
        head, other = lowering.producer(source, "Conv2D"), data_inputs(node)[1 - slot]
        if head is None or not lowering.is_alone(source) or lowering.kind(other) != CONSTANT:
            continue
        shape = lowering.info(source).shape
        if shape and shape[-1] == lowering.info(other).elements:
            return _with_bias(lowering, head, node, 1 - slot)
    return None


def _product_bias(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """MatMul and a BiasAdd, or an Add of a vector as long as the last dimension, that is its only reader."""
    for slot, source in enumerate(data_inputs(node)):
        head = lowering.producer(source, "MatMul", "BatchMatMul", "BatchMatMulV2")
        if head is None or not lowering.is_alone(source):
            continue
        if node.op == "BiasAdd":
            return _with_bias(lowering, head, node, 1) if slot == 0 else None
        product = lowering.info(source).shape
        bias = lowering.info(data_inputs(node)[1 - slot]).shape
        if product and bias and None not in product and len(bias) == 1 and bias[0] == product[-1]:
            return _with_bias(lowering, head, node, 1 - slot)
    return None


def _with_bias(lowering: Lowering, head: tf.NodeDef, node: tf.NodeDef, slot: int) -> Made:
    """The op of a convolution or product whose third input is what the node adds."""
    op = lowering.single(head)
    inputs = (*op.inputs[:2], lowering.input(2, (node.name, slot)))
    return Made((lowering.op(head.name, op.type, (head, node), inputs, lowering.outputs(node.name)),), (head.name,))


def _is_stored(lowering: Lowering, tensor: str) -> bool:
    return lowering.kind(tensor) != COMPUTED


# Activations


def _relu(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Relu and ReluGrad, where exactly one ReluGrad reads the Relu's static result: they share a mask."""
    relu = node if node.op == "Relu" else lowering.producer(data_inputs(node)[1], "Relu")
    if relu is None:
        return None
    result = tensor_name(relu.name)
    gradients = [
        reader
        for reader, slot in lowering.readers.get(result, ())
        if lowering.nodes[reader].op == "ReluGrad" and slot == 1
    ]
    if len(gradients) != 1 or not lowering.info(result).dims_known:
        return None
    op = lowering.single(node)
    if node.op == "Relu":
        mask = Output(None, "uint8", op.outputs[0].elements)
        return Made((op._replace(type="ReluV2", kernel=lowering.kernel("ReluV2"), outputs=(*op.outputs, mask)),))
    inputs = (op.inputs[0], op.inputs[1]._replace(dtype="uint8"))
    return Made((op._replace(type="ReluGradV2", kernel=lowering.kernel("ReluGradV2"), inputs=inputs),))


def _softmax_gradient(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Mul(y, dy), Sum, Sub(dy, sum), Mul(y, difference): in this order of operands alone."""
    difference = data_inputs(node)[1]
    sub = lowering.producer(difference, "Sub")
    if sub is None or not lowering.is_alone(difference) or not lowering.has_one_reader(tensor_name(node.name)):
        return None
    chain = _sum_of_product(lowering, sub)
    if chain is None:
        return None
    total, product = chain
    if not _same(lowering, (product, 1), (sub, 0)) or not _same(lowering, (product, 0), (node, 0)):
        return None
    inputs = (
        lowering.input(0, (product.name, 0), (node.name, 0)),
        lowering.input(1, (product.name, 1), (sub.name, 0)),
    )
    nodes = (node, product, total, sub)
    op = lowering.op(f"{product.name}_softmax_grad", "SoftmaxGrad", nodes, inputs, lowering.outputs(node.name))
    return Made((op,), tuple(other.name for other in nodes[1:]))


def _confusion_softmax_gradient(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Mul(dy, y), Sum over the last axis, Sub(dy, sum), as TensorFlow spells the gradient of Softmax."""
    chain = _sum_of_product(lowering, node)
    if chain is None or not lowering.has_one_reader(tensor_name(node.name)):
        return None
    total, product = chain
    summed = lowering.info(tensor_name(product.name))
    rank = len(summed.static_shape) if summed.dims_known else 0
    axes = np.ravel(lowering.static.constant(data_inputs(total)[1]))
    if not rank or [int(axis) % rank for axis in axes] != [rank - 1] or not _same(lowering, (product, 0), (node, 0)):
        return None
    inputs = (lowering.input(0, (product.name, 0), (node.name, 0)), lowering.input(1, (product.name, 1)))
    nodes = (node, product, total)
    name = f"{product.name}/ConfusionSoftmaxGrad"
    op = lowering.op(name, "ConfusionSoftmaxGrad", nodes, inputs, lowering.outputs(node.name))
    return Made((op,), (product.name, total.name))


def _sum_of_product(lowering: Lowering, sub: tf.NodeDef) -> Optional[Tuple[tf.NodeDef, tf.NodeDef]]:
    """Return the Sum that a Sub takes off, over constant axes, and the Mul that is summed, each read once."""
    total = lowering.producer(data_inputs(sub)[1], "Sum")
    product = None if total is None else lowering.producer(data_inputs(total)[0], "Mul")
    if total is None or product is None or lowering.type_of(total)[0] != "ReduceSumD":
        return None
    if not (lowering.is_alone(tensor_name(total.name)) and lowering.is_alone(tensor_name(product.name))):
        return None
    return total, product


def _same(lowering: Lowering, one: Tuple[tf.NodeDef, int], other: Tuple[tf.NodeDef, int]) -> bool:
    """Say whether two edges read one tensor."""
    tensors = [data_inputs(node)[slot] for node, slot in (one, other)]
    return lowering.root(tensors[0]) == lowering.root(tensors[1])


def _sparse_cross_entropy(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """SparseSoftmaxCrossEntropyWithLogits, as a OneHotD of the labels and the op for dense labels."""
    features = lowering.info(data_inputs(node)[0])
    if not features.dims_known:
        return None
    name = f"{node.name}/OneHotD"
    one_hot = Output(tensor_name(name), features.dtype, features.elements)
    # Its values 1 and 0 are constants that the pass adds.
    labels = lowering.op(name, "OneHotD", (node,), (lowering.input(0, (node.name, 1)),), (one_hot,))
    dense = "SoftmaxCrossEntropyWithLogits"
    inputs = (lowering.input(0, (node.name, 0)), between(1, one_hot))
    loss = lowering.op(f"{node.name}/{dense}", dense, (node,), inputs, lowering.outputs(node.name))
    return Made((labels, loss))


# Arithmetic with constants


def _square(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Pow(x, 2) and Mul(x, x)."""
    one, other = data_inputs(node)
    if lowering.info(one).dtype not in ("float16", "float32"):
        return None
    if node.op == "Pow":
        if lowering.kind(other) != CONSTANT or lowering.info(other).dtype != "float32":
            return None
        exponent = lowering.static.constant(lowering.root(other))
        if exponent.size != 1 or abs(float(exponent.flat[0]) - 2) > 1e-6:
            return None
        operand = lowering.input(0, (node.name, 0))
    elif one == other:
        operand = lowering.input(0, (node.name, 0), (node.name, 1))
    else:
        return None
    return Made((lowering.op(f"{node.name}/Square", "Square", (node,), (operand,), lowering.outputs(node.name)),))


def _division(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """RealDiv by one float32 constant, as a product with its reciprocal, which is an attribute."""
    dividend, divisor = data_inputs(node)
    if lowering.kind(divisor) != CONSTANT or not lowering.info(dividend).dims_known:
        return None
    value = lowering.static.constant(lowering.root(divisor))
    if value.dtype != np.float32 or value.size != 1 or abs(float(value.flat[0])) <= _SMALLEST_DIVISOR:
        return None
    inputs = (lowering.input(0, (node.name, 0)),)
    return Made((lowering.op(f"{node.name}/Muls", "Muls", (node,), inputs, lowering.outputs(node.name)),))


# Many outputs


def _unpacking(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Unpack into more tensors than its kernel makes, as a SplitVD and an Unpack of each part."""
    outputs, source = lowering.outputs(node.name), lowering.input(0, (node.name, 0))
    if not lowering.info(source.tensor).dims_known or not _MOST_UNPACKED < len(outputs) <= _MOST_UNPACKED**2:
        return None
    name = f"{node.name}/SplitVDBase_node"
    groups = [outputs[first : first + _MOST_UNPACKED] for first in range(0, len(outputs), _MOST_UNPACKED)]
    parts = [
        # Of a part of one tensor the SplitVD makes that tensor itself.
        group[0]
        if len(group) == 1
        else Output(f"{name}:{number}", group[0].dtype, sum(output.elements for output in group))
        for number, group in enumerate(groups)
    ]
    unpacks = [
        lowering.op(f"{node.name}/Unpack{number}", "Unpack", (node,), (between(0, part),), group)
        for number, (part, group) in enumerate(zip(parts, groups))
        if len(group) > 1
    ]
    return Made((lowering.op(name, "SplitVD", (node,), (source,), parts), *unpacks))


PASSES: Tuple[Pass, ...] = (
    Pass("AABiasaddConvFusion", ("BiasAdd",), _convolution_bias),
    Pass("TBEConvAddFusion", ("Add", "AddV2"), _convolution_add),
    Pass("MatMulBiasAddFusionPass", ("BiasAdd", "Add", "AddV2"), _product_bias),
    Pass("DreluFusionPass", ("Relu", "ReluGrad"), _relu),
    *batch_norm.PASSES,
    Pass("SparseSoftMaxFusionPass", ("SparseSoftmaxCrossEntropyWithLogits",), _sparse_cross_entropy),
    Pass("Pow2SquareFusionPass", ("Pow",), _square),
    Pass("MulSquareFusionPass", ("Mul",), _square),
    Pass("RealDiv2MulsFusionPass", ("RealDiv",), _division, since="current"),
    Pass("SoftmaxGradFusionPass", ("Mul",), _softmax_gradient),
    Pass("ZConfusionSoftmaxGradFusionPass", ("Sub",), _confusion_softmax_gradient),
    Pass("UnpackFusionPass", ("Unpack",), _unpacking),
)
