"""Figures held against their limits."""

import math
from typing import Dict

from harness.records import Bound
from harness.remark import Remark, remark

TOLERANCE = {
    "float32": {"activation": 5e-5, "gram": 5e-5, "gradient": 0.1, "loss": 1e-5},
    "float16": {"activation": 5e-3, "gram": 5e-3, "gradient": 0.25, "loss": 5e-4},
    "bfloat16": {"activation": 0.04, "gram": 0.04, "gradient": 0.5, "loss": 4e-3},
}
"""Largest relative distance of a tensor of the first step from the baseline's, and largest relative change of a loss
term, by number format and kind of probe.

Several times what TensorFlow 1.15 and 2.21 differ in: activations in 7e-7 and 3e-4; gradients in 3e-2 and 5e-2, for the
last bit decides between equal values of a max-pooling window.
"""

LEAST_SHARE = 1e-3
"""Least share of the total loss that a term's change is relative to, since a smaller term may be mere rounding."""


def log_ratio_of_totals(now: Dict[str, float], then: Dict[str, float]) -> float:
    """Return log(now / then) of the total losses; 0 for equal ones, 1e9 where one of unequal ones is not positive."""
    first, second = now["total"], then["total"]
    if first <= 0 or second <= 0:
        return 0.0 if first == second else 1e9
    return math.log(first / second)


def at_most(figure: Remark, value: float, limit: float, gates: bool = True) -> Bound:
    """Return the bound of a figure that may not be above its limit."""
    return Bound(figure=figure, value=value, limit=limit, ok=value <= limit, gates=gates)


def at_least(figure: Remark, value: float, limit: float, gates: bool = True) -> Bound:
    """Return the bound of a figure that may not be below its limit."""
    return Bound(figure=figure, value=value, limit=limit, at_least=True, ok=value >= limit, gates=gates)


def describe(bound: Bound) -> Remark:
    """Say of a bound what was found and what was expected, and when it decides nothing."""
    code = "below_limit" if bound.at_least else "above_limit"
    said = remark(code, figure=bound.figure, value=bound.value, limit=bound.limit)
    return said if bound.gates else remark("cannot_gate_by", bound=said)


def probe_figure(name: str, kind: str) -> Remark:
    """Name a tensor of the first step: its layer or loss term, and its kind as in records.Probe."""
    return remark(f"probe_{kind}", name=name)
