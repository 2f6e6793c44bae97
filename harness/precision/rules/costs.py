"""What a planned op costs on the card: arithmetic, memory traffic, and the roofline time of both."""

from typing import Callable, Dict, Sequence

import numpy as np

from harness.precision.graph.normalization import StaticGraph
from harness.precision.number_formats import dtype_bytes
from harness.precision.rules.ascend_ops import AscendOp
from harness.precision.rules.kernels import Cost
from harness.precision.rules.op_table import load_op_table

_ADAM_OPERATIONS = 12
"""Operations per element of the update of m, v and var by ApplyAdamD (canndev impl/apply_adam_d.py)."""


def count_flops(op: AscendOp, static: StaticGraph) -> int:
    """Return the floating-point operations of one op; a multiply-accumulate counts as two.

    Convolutions count every tap, also those on padding. Moves and types that the table has no cost of count nothing.
    """
    return COUNTS[load_op_table().cost(op.type)](op, static)


def count_bytes(elements: Sequence[int], dtypes: Sequence[str]) -> int:
    """Return the bytes of tensors that are each read or written once."""
    return sum(count * dtype_bytes(dtype) for count, dtype in zip(elements, dtypes))


def _nothing(op: AscendOp, static: StaticGraph) -> int:
    return 0


def _elements(op: AscendOp, static: StaticGraph) -> int:
    """Elementwise ops do one operation per output element, reductions one per input element."""
    return max([_outputs(op)] + [tensor.elements for tensor in op.inputs])


def _addition(op: AscendOp, static: StaticGraph) -> int:
    return _outputs(op) * (len(op.inputs) - 1)


def _window(op: AscendOp, static: StaticGraph) -> int:
    return _outputs(op) * int(np.prod(static.graph.nodes[op.nodes[0]].attr["ksize"].list.i))


def _adam(op: AscendOp, static: StaticGraph) -> int:
    return _ADAM_OPERATIONS * op.inputs[0].elements


def _product(op: AscendOp, static: StaticGraph) -> int:
    node, shape = static.graph.nodes[op.nodes[0]], static.infos[op.inputs[0].tensor].shape
    # Reading an absent attribute of a NodeDef would create it.
    transposed = any(key in node.attr and node.attr[key].b for key in ("transpose_a", "adj_x"))
    summed = shape[-2 if transposed else -1] if shape and None not in shape else None
    return _elements(op, static) if summed is None else 2 * _outputs(op) * summed


def _convolution(op: AscendOp, static: StaticGraph) -> int:
    bias = _outputs(op) if len(op.nodes) > 1 else 0
    return bias + _taps(op.inputs[1].tensor, op.outputs[0].elements, static)


def _input_gradient(op: AscendOp, static: StaticGraph) -> int:
    return _taps(op.inputs[-2].tensor, op.inputs[-1].elements, static)


def _filter_gradient(op: AscendOp, static: StaticGraph) -> int:
    return _taps(f"{op.nodes[0]}:0", op.inputs[-1].elements, static)


def _depthwise(op: AscendOp, static: StaticGraph) -> int:
    return _taps(op.inputs[1].tensor, op.outputs[0].elements, static, summed=2)


def _depthwise_input_gradient(op: AscendOp, static: StaticGraph) -> int:
    return _taps(op.inputs[-2].tensor, op.inputs[-1].elements, static, summed=2)


def _depthwise_filter_gradient(op: AscendOp, static: StaticGraph) -> int:
    return _taps(f"{op.nodes[0]}:0", op.inputs[-1].elements, static, summed=2)


def _taps(kernel: str, pixels: int, static: StaticGraph, summed: int = -1) -> int:
    """Count two operations per element of the layer's output and element of its kernel that is summed over.

    Args:
        kernel: tensor of shape (height, width, input channels, output channels), with a depth before them in 3D.
        pixels: elements of the layer's output.
        summed: the sum goes over this many leading dimensions of the kernel: all but the output channels, but in a
            depthwise convolution over height and width alone.
    """
    info = static.infos[kernel]
    return 2 * pixels * int(np.prod(info.static_shape[:summed])) if info.dims_known else 0


def _outputs(op: AscendOp) -> int:
    return sum(tensor.elements for tensor in op.outputs[:1])


COUNTS: Dict[Cost, Callable[[AscendOp, StaticGraph], int]] = {
    "none": _nothing,
    "elements": _elements,
    "addition": _addition,
    "window": _window,
    "adam": _adam,
    "product": _product,
    "convolution": _convolution,
    "input_gradient": _input_gradient,
    "filter_gradient": _filter_gradient,
    "depthwise": _depthwise,
    "depthwise_input_gradient": _depthwise_input_gradient,
    "depthwise_filter_gradient": _depthwise_filter_gradient,
}
"""The formula of each cost of the op table."""
