"""The fusions of batch normalisation: its statistics stay float32, whatever its data are in.

Each pass is one of canndev fusion_pass/graph_fusion/ai_core; none of them can be switched off (GE fusion_pass_util.h).
"""

from typing import List, NamedTuple, Optional, Tuple

import tensorflow.compat.v1 as tf

from harness.precision.graph.nodes import data_inputs, node_name, tensor_name
from harness.precision.rules.ascend_ops import CONSTANT, VARIABLE, AscendOp, Edge, Input, Lowering, Output, between
from harness.precision.rules.fusion_pass import Made, Pass

# Training


def _training(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Batch normalisation in training: sums of the batch first, then their use."""
    if not _is_training(node):
        return None
    reduce = _sums(lowering, node)
    inputs, outputs = _summed(lowering, node, reduce), lowering.outputs(node.name)[:5]
    return Made((reduce, lowering.op(f"{node.name}_UpdateV3", "BNTrainingUpdateV3", (node,), inputs, outputs)))


def _sums(lowering: Lowering, node: tf.NodeDef) -> AscendOp:
    """The op that sums the batch's data and their squares, for each channel."""
    name, elements = f"{node.name}_Reduce", lowering.outputs(node.name)[1].elements
    sums = tuple(Output(f"{name}:{index}", "float32", elements) for index in range(2))
    return lowering.op(name, "BNTrainingReduce", (node,), (lowering.input(0, (node.name, 0)),), sums)


def _summed(lowering: Lowering, node: tf.NodeDef, reduce: AscendOp) -> Tuple[Input, ...]:
    """What normalises by sums reads: x, both sums, scale, offset."""
    sums = (between(position, tensor) for position, tensor in enumerate(reduce.outputs, start=1))
    scale, offset = (lowering.input(slot + 2, (node.name, slot)) for slot in (1, 2))
    return (lowering.input(0, (node.name, 0)), *sums, scale, offset)


class _Average(NamedTuple):
    """A moving average of a statistic of the batch: AssignSub(variable, Mul(Sub(variable, statistic), constant))."""

    variable: Edge
    """Where the difference reads it."""
    written: Output
    nodes: Tuple[tf.NodeDef, ...]


def _training_with_averages(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Batch normalisation of whose mean and variance nothing is read but moving averages: they are its outputs."""
    outputs = lowering.outputs(node.name)
    found = [_average(lowering, str(output.tensor)) for output in outputs[1:3]]
    averages = [average for average in found if average is not None]
    if len(averages) < 2:
        return None
    reduce = _sums(lowering, node)
    inputs = (lowering.input(position, average.variable) for position, average in enumerate(averages, start=5))
    written = (average.written for average in averages)
    nodes = (node, *(part for average in averages for part in average.nodes))
    update = lowering.op(
        f"{node.name}_Update",
        "BNTrainingUpdate",
        nodes,
        (*_summed(lowering, node, reduce), *inputs),
        (outputs[0], *written, *outputs[3:5]),
    )
    return Made((reduce, update), tuple(part.name for part in nodes[1:]))


def _average(lowering: Lowering, statistic: str) -> Optional[_Average]:
    sub = _only_reader(lowering, statistic, 1, "Sub")
    mul = sub and _only_reader(lowering, tensor_name(sub.name), None, "Mul")
    assign = mul and _only_reader(lowering, tensor_name(mul.name), 1, "AssignSub", "AssignSubVariableOp")
    if not (sub and mul and assign) or not any(lowering.kind(tensor) == CONSTANT for tensor in data_inputs(mul)):
        return None
    variable, held = data_inputs(sub)[0], data_inputs(assign)[0]
    if lowering.kind(variable) != VARIABLE or lowering.root(variable) != lowering.root(held):
        return None
    info = lowering.info(variable)
    return _Average((sub.name, 0), Output(None, info.dtype, info.elements, node_name(held)), (sub, mul, assign))


def _only_reader(lowering: Lowering, tensor: str, slot: Optional[int], *ops: str) -> Optional[tf.NodeDef]:
    """Return the one reader of a tensor if it is one of these ops and reads it at this slot, or at any."""
    readers = lowering.readers.get(tensor, [])
    if not lowering.is_alone(tensor) or (slot is not None and readers[0][1] != slot):
        return None
    reader = lowering.nodes[readers[0][0]]
    return reader if reader.op in ops else None


def _training_gradient(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """The gradients of scale and offset first, then that of x, of a batch normalisation in training."""
    outputs = lowering.outputs(node.name)
    if not _is_training(node) or _any_read(lowering, outputs[3:5]):
        return None
    reads: List[Edge] = [(node.name, slot) for slot in range(5)]
    gradient, x, scale, mean, variance = reads
    update = _parameter_gradients(lowering, node)
    inputs = [lowering.input(0, gradient), lowering.input(1, x), between(2, outputs[1]), between(3, outputs[2])]
    inputs += [lowering.input(position, edge) for position, edge in enumerate((scale, mean, variance), start=4)]
    reduce = lowering.op(f"{node.name}_Reduce", "BNTrainingReduceGrad", (node,), inputs, outputs[:1])
    return Made((update, reduce))


def _parameter_gradients(lowering: Lowering, node: tf.NodeDef) -> AscendOp:
    """The op of the gradients of scale and offset, which reads the gradient of y, x, mean and variance."""
    inputs = lowering.inputs(node, (0, 1, 3, 4))
    return lowering.op(f"{node.name}_Update", "BNTrainingUpdateGrad", (node,), inputs, lowering.outputs(node.name)[1:3])


# Inference


def _inference(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """Batch normalisation of which the result alone is read; with constants only, it is another kernel."""
    outputs = lowering.outputs(node.name)
    if _is_training(node) or _any_read(lowering, outputs[1:5]):
        return None
    if all(lowering.kind(tensor) == CONSTANT for tensor in data_inputs(node)[1:5]):
        # Inputs x, mean, variance, a momentum of 1 that the pass adds, scale, offset.
        op_type, slots = "BNInference", {0: 0, 1: 3, 2: 4, 4: 1, 5: 2}
    else:
        op_type, slots = "BNInfer", {slot: slot for slot in range(5)}
    inputs = [lowering.input(position, (node.name, slot)) for position, slot in slots.items()]
    return Made((lowering.op(node.name, op_type, (node,), inputs, outputs[:1]),))


def _inference_gradient(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """The gradient of x alone, of a batch normalisation with given statistics."""
    outputs = lowering.outputs(node.name)
    if _is_training(node) or _any_read(lowering, outputs[1:5]):
        return None
    return Made((_data_gradient(lowering, node, node.name),))


def _inference_gradients(lowering: Lowering, node: tf.NodeDef) -> Optional[Made]:
    """The gradients of scale and offset, too, of a batch normalisation with given statistics."""
    outputs = lowering.outputs(node.name)
    if _is_training(node) or _any_read(lowering, outputs[3:5]):
        return None
    return Made((_parameter_gradients(lowering, node), _data_gradient(lowering, node, f"{node.name}_Infer")))


def _data_gradient(lowering: Lowering, node: tf.NodeDef, name: str) -> AscendOp:
    """The op of the gradient of x, which reads the gradient of y, scale and variance."""
    inputs = lowering.inputs(node, (0, 2, 4))
    return lowering.op(name, "BNInferGrad", (node,), inputs, lowering.outputs(node.name)[:1])


def _is_training(node: tf.NodeDef) -> bool:
    # Reading an absent attribute of a NodeDef would create it; left out, it is true.
    return "is_training" not in node.attr or bool(node.attr["is_training"].b)


def _any_read(lowering: Lowering, outputs: Tuple[Output, ...]) -> bool:
    return any(lowering.is_read(str(output.tensor)) for output in outputs)


_FORWARD = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_GRADIENT = ("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")

PASSES: Tuple[Pass, ...] = (
    Pass("FusedBatchnormFusionPass", _FORWARD, _training_with_averages),
    Pass("SingleBatchNormFusion", _FORWARD, _training),
    Pass("BatchNormBnInferFusionPass", _FORWARD, _inference),
    Pass("FusedBatchNormGradFusionPass", _GRADIENT, _training_gradient),
    Pass("BatchNormGradBnInferGradFusion", _GRADIENT, _inference_gradient),
    Pass("BatchNormGradInfGradFusion", _GRADIENT, _inference_gradients),
)
