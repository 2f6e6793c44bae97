"""What a planned op costs on the card: arithmetic, memory traffic, and the roofline time of both."""

from typing import Sequence

import numpy as np

from harness.precision.graph.normalization import StaticGraph
from harness.precision.number_formats import dtype_bytes
from harness.precision.rules.ascend_ops import AscendOp

# Operations per element of the update m, v, var of ApplyAdamD (canndev impl/apply_adam_d.py).
_ADAM_OPERATIONS = 12
_CONVOLUTIONS = frozenset(("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"))
_PRODUCTS = frozenset(("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"))
_POOLS = frozenset(("MaxPool", "AvgPool"))


def count_flops(op: AscendOp, static: StaticGraph) -> int:
    """Return the floating-point operations of one op; a multiply-accumulate counts as two.

    Convolutions count every tap, also those on padding. Moves and types outside the table count nothing,
    except convolutions and matrix products.
    """
    node = static.graph.nodes[op.nodes[0]]
    outputs = sum(tensor.elements for tensor in op.outputs[:1])
    shapes = [static.infos[tensor.tensor].shape for tensor in op.inputs]
    if node.op in _CONVOLUTIONS:
        bias = outputs if len(op.nodes) > 1 else 0
        return bias + _convolution_flops(op, node.op, static)
    if node.op in _PRODUCTS and shapes[0] and None not in shapes[0]:
        # Reading an absent attribute of a NodeDef would create it.
        transposed = any(key in node.attr and node.attr[key].b for key in ("transpose_a", "adj_x"))
        return 2 * outputs * shapes[0][-2 if transposed else -1]
    if op.kernel is None or op.kernel.unit in ("move", "host"):
        return 0
    if op.type == "ApplyAdamD":
        return _ADAM_OPERATIONS * op.inputs[0].elements
    if node.op in _POOLS:
        return outputs * int(np.prod(node.attr["ksize"].list.i))
    if op.type == "AddN":
        return outputs * (len(op.inputs) - 1)
    # Elementwise ops do one operation per output element, reductions one per input element.
    return max([outputs] + [tensor.elements for tensor in op.inputs])


def _convolution_flops(op: AscendOp, tf_op: str, static: StaticGraph) -> int:
    kernels = {"Conv2D": 1, "Conv2DBackpropInput": -2}
    if tf_op == "Conv2DBackpropFilter":
        kernel, pixels = static.infos[op.outputs[0].tensor].shape, op.inputs[-1].elements
    else:
        kernel = static.infos[op.inputs[kernels[tf_op]].tensor].shape
        pixels = op.outputs[0].elements if tf_op == "Conv2D" else op.inputs[-1].elements
    if kernel is None or None in kernel:
        return 0
    # Per element of the layer's output: the kernel's height, width and input channels.
    return 2 * pixels * int(np.prod(kernel[:3]))


def count_bytes(elements: Sequence[int], dtypes: Sequence[str]) -> int:
    """Return the bytes of tensors that are each read or written once."""
    return sum(count * dtype_bytes(dtype) for count, dtype in zip(elements, dtypes))
