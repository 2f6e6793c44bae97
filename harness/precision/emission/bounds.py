"""How large a result can be, given its operands: a finite bound makes clips and tests for NaN needless."""

from typing import Optional, Sequence

import numpy as np

from harness.precision.emission.writer import UNBOUNDED, round_array
from harness.precision.graph.normalization import StaticGraph
from harness.precision.number_formats import FLOAT16
from harness.precision.rules.ascend_ops import CONSTANT, AscendOp
from harness.precision.rules.costs import count_flops

_FLOAT32_MAX = 3.4e38
_CONVOLUTIONS = frozenset(("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropInputD"))
_PRODUCTS = _CONVOLUTIONS | {"MatMulV2", "BatchMatMulV2", "AvgPool", "AvgPoolGrad", "AvgPoolGradD"}
_SUMS = frozenset(("Add", "Sub", "AddN", "BiasAdd"))


def rounded_bound(bound: float) -> float:
    """Return a bound on float32 values of this bound after rounding to float16."""
    return min(bound * (1 + FLOAT16.ulp), FLOAT16.largest)


def result_bound(op: AscendOp, bounds: Sequence[float], dtypes: Sequence[str], static: StaticGraph) -> float:
    """Return a bound on the magnitude of an op's first output, UNBOUNDED if none is known.

    Unknown shapes, infinite operands and overflow of float32 give UNBOUNDED, so a finite result also says: no
    infinity, no NaN.

    Args:
        bounds: of the op's inputs, in order; of integer inputs, anything.
        dtypes: in which the op reads them.
    """
    floats = [bound for bound, tensor in zip(bounds, op.inputs) if tensor.dtype == "float32"]
    static_shapes = all(static.infos[tensor.tensor].dims_known for tensor in op.inputs)
    if op.kernel is None or not floats or UNBOUNDED in floats or not static_shapes:
        return UNBOUNDED
    bound = _quotient_bound(op, floats, dtypes, static) if op.type == "RealDiv" else _bound(op, floats, static)
    return UNBOUNDED if bound is None or bound > _FLOAT32_MAX else bound


def _bound(op: AscendOp, floats: Sequence[float], static: StaticGraph) -> Optional[float]:
    if op.kernel.exact:
        return max(floats) * (op.inputs[0].elements if op.type == "MaxPoolGrad" else 1)
    if op.type in _SUMS:
        return sum(floats)
    if op.type in ("Mul", "Square"):
        return floats[0] * floats[-1]
    if op.type in _PRODUCTS:
        # Every output element is a sum of at most flops / 2 products, plus a bias.
        other = floats[1] if len(floats) > 1 else 1.0
        return floats[0] * other * max(count_flops(op, static), op.inputs[0].elements) + floats[-1]
    if op.type in ("ReduceSum", "ReduceSumD", "ReduceMean", "ReduceMeanD"):
        return floats[0] * op.inputs[0].elements
    if op.type == "L2Loss":
        return floats[0] ** 2 * op.inputs[0].elements
    return None


def _quotient_bound(
    op: AscendOp, floats: Sequence[float], dtypes: Sequence[str], static: StaticGraph
) -> Optional[float]:
    if op.inputs[1].kind != CONSTANT:
        return None
    divisor = static.constant(op.inputs[1].root)
    least = float(np.min(np.abs(round_array(divisor) if dtypes[1] == "float16" else divisor)))
    return floats[0] / least if least > 0 else None
