"""What of a dtype plan is held against a baseline: its figures, and its decisions layer by layer."""

from typing import Dict, List

from harness.precision import DtypePlan, explain_layers
from harness.records import PlanFigures


def figures(plan: DtypePlan) -> PlanFigures:
    """Reduce a plan to what a gate compares; the same for both TensorFlows."""
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


def differences(old: PlanFigures, new: PlanFigures) -> List[str]:
    """Say in one line each what changed; empty when nothing did."""
    lines = []
    for name in PlanFigures.model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if isinstance(before, dict):
            keys = sorted(set(before) | set(after))
            lines += [
                f"{name} {key}: {before.get(key, 'none')} -> {after.get(key, 'none')}"
                for key in keys
                if before.get(key) != after.get(key)
            ]
        elif isinstance(before, tuple):
            lines += [f"{name}: no longer {item}" for item in before if item not in after]
            lines += [f"{name}: now {item}" for item in after if item not in before]
        else:
            lines.append(f"{name}: {before:g} -> {after:g}")
    return lines
