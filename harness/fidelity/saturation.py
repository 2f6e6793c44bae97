"""What float16 lost in a trial, by part of the step and layer."""

from typing import Dict, List, Mapping, Sequence

from harness.precision import layer_name
from harness.remark import Remark, remark


def alarms(lost: Mapping[str, Sequence[int]]) -> List[Remark]:
    """Return a remark for each part of the step that saturated or made NaN; values flushed to zero raise no alarm.

    Args:
        lost: values saturated, values that became zero, NaN made 0, by op.

    Small gradients and losses underflow in every half-precision mode; whether that matters, the picture says.
    """
    saturated: Dict[str, List[str]] = {}
    invalid: Dict[str, List[str]] = {}
    for op, (high, _, nan) in lost.items():
        for count, found in ((high, saturated), (nan, invalid)):
            if count:
                layers = found.setdefault(_part(op), [])
                layers += [layer for layer in (_layer(op),) if layer not in layers]
    return [
        remark(code, part=remark(part), layers=tuple(sorted(layers)))
        for code, found in (("saturates", saturated), ("makes_nan", invalid))
        for part, layers in found.items()
    ]


def _part(op: str) -> str:
    layer = layer_name(op)
    if op.startswith("gradients"):
        return "gradient_part"
    if layer.startswith("gram_"):
        return "gram_part"
    if layer.startswith(("conv", "relu", "pool")):
        return "activation_part"
    return "loss_part" if layer.endswith("_loss") else "step_part"


def _layer(op: str) -> str:
    layer = layer_name(op)
    if layer.startswith("gram_"):
        return layer[len("gram_") :]
    return layer or op
