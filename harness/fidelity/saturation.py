"""What float16 lost in a trial, in words that name the layers."""

from typing import Dict, List, Mapping, Sequence

from harness.precision import layer_name


def alarms(lost: Mapping[str, Sequence[int]]) -> List[str]:
    """One clause for each part of the step that saturated or made NaN; values flushed to zero raise no alarm.

    Args:
        lost: by op, values saturated, values that became zero, NaN made 0.

    Small gradients and losses underflow in every half-precision mode; whether that matters, the picture says.
    """
    saturated: Dict[str, List[str]] = {}
    invalid: Dict[str, List[str]] = {}
    for op, (high, _, nan) in lost.items():
        for count, found in ((high, saturated), (nan, invalid)):
            if count:
                layers = found.setdefault(_part(op), [])
                layers += [layer for layer in (_layer(op),) if layer not in layers]
    clauses = [f"{part} saturates at {_listed(layers)}" for part, layers in saturated.items()]
    return clauses + [f"{part} makes NaN at {_listed(layers)}" for part, layers in invalid.items()]


def _part(op: str) -> str:
    layer = layer_name(op)
    if op.startswith("gradients"):
        return "gradient"
    if layer.startswith("gram_"):
        return "style Gram"
    if layer.startswith(("conv", "relu", "pool")):
        return "activation"
    return "loss" if layer.endswith("_loss") else "step"


def _layer(op: str) -> str:
    layer = layer_name(op)
    if layer.startswith("gram_"):
        return layer[len("gram_") :]
    return layer or op


def _listed(layers: List[str]) -> str:
    layers = sorted(layers)
    return ", ".join(layers) if len(layers) <= 3 else f"{layers[0]} ... {layers[-1]} ({len(layers)})"
