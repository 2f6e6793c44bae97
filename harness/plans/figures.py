"""Reduces a dtype plan to what is compared with a baseline: its figures, and its decisions layer by layer."""

from collections import Counter
from typing import Dict, List

from harness.precision import DtypePlan, explain_layers
from harness.records import PlanFigures
from harness.remark import Remark, remark


def figures(plan: DtypePlan) -> PlanFigures:
    """Reduce a plan to what a gate compares; TensorFlow 1.15 and 2 give the same figures."""
    totals = plan.totals()
    layers: Dict[str, str] = {}
    for layer in explain_layers(plan):
        # Sorted by name, for the order within a layer is TensorFlow's.
        ops = sorted((explained.op for explained in layer.ops), key=lambda op: op.name)
        layers[layer.name or "(no scope)"] = "; ".join(f"{op.type} {op.dtypes}" for op in ops)
    return PlanFigures(
        casts=totals.casts,
        bytes_cast=totals.bytes_cast,
        units={f"{unit} {dtype}": sums.ops for (unit, dtype), sums in sorted(totals.units.items())},
        ai_cpu=tuple(sorted(op.name for op in plan.ops if op.engine == "ai_cpu_fp32")),
        refused=tuple(sorted(op.name for op in plan.failures)),
        unknown_types=plan.unknown_types,
        flop=totals.flops,
        # Ten digits: the last bits of a sum depend on its order.
        roofline_seconds=float(f"{totals.roofline_seconds:.10g}"),
        layers=dict(sorted(layers.items())),
    )


def differences(old: PlanFigures, new: PlanFigures) -> List[Remark]:
    """Say what changed, one remark for each figure, op or layer; empty when nothing did."""
    found = [
        remark(f"plan_{name}", before=getattr(old, name), after=getattr(new, name))
        for name in ("casts", "bytes_cast", "flop")
        if getattr(old, name) != getattr(new, name)
    ]
    for unit in sorted({*old.units, *new.units}):
        before, after = old.units.get(unit, 0), new.units.get(unit, 0)
        if before != after:
            found.append(remark("plan_unit", unit=unit, before=before, after=after))
    for name in ("ai_cpu", "refused", "unknown_types"):
        before, after = getattr(old, name), getattr(new, name)
        found += [remark(f"plan_{name}_no_longer", op=op) for op in before if op not in after]
        found += [remark(f"plan_{name}_now", op=op) for op in after if op not in before]
    if old.roofline_seconds != new.roofline_seconds:
        milliseconds = {"before": 1e3 * old.roofline_seconds, "after": 1e3 * new.roofline_seconds}
        found.append(remark("plan_roofline", **milliseconds))
    for layer in sorted({*old.layers, *new.layers}):
        if old.layers.get(layer) != new.layers.get(layer):
            found.append(_layer_difference(layer, old.layers.get(layer, ""), new.layers.get(layer, "")))
    return found


def _layer_difference(layer: str, before: str, after: str) -> Remark:
    """Say which ops of a layer are gone and which are new; what stays is left out."""
    old, new = (Counter(filter(None, text.split("; "))) for text in (before, after))
    gone, come = ("; ".join((one - other).elements()) for one, other in ((old, new), (new, old)))
    if gone and come:
        return remark("plan_layer", layer=layer, before=gone, after=come)
    if gone or come:
        return remark("plan_layer_no_longer" if gone else "plan_layer_now", layer=layer, ops=gone or come)
    return remark("plan_layer_order", layer=layer)
