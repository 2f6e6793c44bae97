"""How large a result can be, given its operands: a finite bound makes clips and tests for NaN needless."""

from typing import Callable, Dict, List, Sequence

import numpy as np

from harness.precision.emission.writer import UNBOUNDED, round_array
from harness.precision.graph.normalization import StaticGraph
from harness.precision.number_formats import FLOAT16
from harness.precision.rules.ascend_ops import CONSTANT, AscendOp
from harness.precision.rules.costs import count_flops
from harness.precision.rules.kernels import Bound

_FLOAT32_MAX = 3.4e38
"""Below the largest float32, which leaves the sums of a kernel room to round."""


def rounded_bound(bound: float) -> float:
    """Return a bound on float32 values of this bound after rounding to float16."""
    return min(bound * (1 + FLOAT16.ulp), FLOAT16.largest)


class Operands:
    """An op's operands: their bounds, dtypes and shapes."""

    def __init__(self, op: AscendOp, bounds: Sequence[float], dtypes: Sequence[str], static: StaticGraph) -> None:
        self.op = op
        self.dtypes = dtypes
        self.static = static
        self.floats: List[float] = [bound for bound, tensor in zip(bounds, op.inputs) if tensor.dtype == "float32"]
        """Bounds of the float32 operands."""

    @property
    def are_bounded(self) -> bool:
        """Say whether every bound and every shape is known, and no operand is empty: a mean of nothing is NaN."""
        infos = [self.static.infos.get(tensor.tensor) for tensor in self.op.inputs]
        static_shapes = all(info is not None and info.dims_known for info in infos)
        any_empty = any(tensor.elements == 0 for tensor in self.op.inputs if tensor.dtype == "float32")
        return bool(self.floats) and UNBOUNDED not in self.floats and static_shapes and not any_empty

    @property
    def elements(self) -> int:
        """Number of elements of the first operand."""
        return self.op.inputs[0].elements


def result_bound(op: AscendOp, bounds: Sequence[float], dtypes: Sequence[str], static: StaticGraph) -> float:
    """Return a bound on the magnitude of an op's first output, UNBOUNDED if none is known.

    Unknown shapes, infinite operands and overflow of float32 give UNBOUNDED, so a finite result also says: no
    infinity, no NaN.

    Args:
        bounds: of the op's inputs, in order; of integer inputs, anything.
        dtypes: in which the op reads them.
    """
    operands = Operands(op, bounds, dtypes, static)
    if op.kernel is None or not operands.are_bounded:
        return UNBOUNDED
    bound = BOUNDS[op.kernel.bound](operands)
    return UNBOUNDED if bound > _FLOAT32_MAX else bound


def _quotient(operands: Operands) -> float:
    divisor = operands.op.inputs[1]
    if divisor.kind != CONSTANT:
        return UNBOUNDED
    value = operands.static.constant(divisor.root)
    least = float(np.min(np.abs(round_array(value) if operands.dtypes[1] == "float16" else value)))
    return operands.floats[0] / least if least > 0 else UNBOUNDED


def _inner_product(operands: Operands) -> float:
    """Every output element is a sum of at most flops / 2 products, plus a bias."""
    floats = operands.floats
    other = floats[1] if len(floats) > 1 else 1.0
    terms = max(count_flops(operands.op, operands.static), operands.elements)
    return floats[0] * other * terms + floats[-1]


BOUNDS: Dict[Bound, Callable[[Operands], float]] = {
    "unknown": lambda operands: UNBOUNDED,
    "one": lambda operands: 1.0,
    "selected": lambda operands: max(operands.floats),
    # Where windows overlap, gradients that meet in one element add up.
    "scattered": lambda operands: max(operands.floats) * operands.elements,
    "sum": lambda operands: sum(operands.floats),
    # A square has one operand, which is the last one too.
    "product": lambda operands: operands.floats[0] * operands.floats[-1],
    "quotient": _quotient,
    "inner_product": _inner_product,
    "reduction": lambda operands: operands.floats[0] * operands.elements,
    "squares": lambda operands: operands.floats[0] ** 2 * operands.elements,
}
"""The formula of each bound of the op table."""
