"""Reduces a dtype plan to what is compared with a baseline: its figures, and its decisions layer by layer."""

from collections import Counter
from typing import Dict, Iterator, List, Sequence, Tuple, Union

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
        layers[layer.name or "(no scope)"] = "; ".join(f"{op.name}: {op.type} {op.dtypes}" for op in ops)
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
    """Say what changed, one remark for each figure and for all ops that changed alike; empty when nothing did.

    Casts come first, then the ops, which are the cause, then what follows: a report may show the first few.
    """
    found = _number_differences(old, new, ("casts",)) + list(_op_differences(old, new))
    found += _number_differences(old, new, ("bytes_cast", "flop"))
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
    return found


def _number_differences(old: PlanFigures, new: PlanFigures, names: Sequence[str]) -> List[Remark]:
    return [
        remark(f"plan_{name}", before=getattr(old, name), after=getattr(new, name))
        for name in names
        if getattr(old, name) != getattr(new, name)
    ]


def ops_of(layer: str) -> List[Tuple[str, str]]:
    """Return name and decision, such as `MatMulV2 16,16>32`, of each op of a layer; older records have no names."""
    entries = [entry.partition(": ") for entry in layer.split("; ") if entry]
    return [(name, decision) if sign else ("", name) for name, sign, decision in entries]


def _op_differences(old: PlanFigures, new: PlanFigures) -> Iterator[Remark]:
    """Yield what changed op by op; ops that changed alike share a remark, which names the first."""
    before, after = (
        [(layer, *op) for layer, text in side.layers.items() for op in ops_of(text)] for side in (old, new)
    )
    if not all(name for _, name, _ in before + after):  # an older plan: all ops of a layer are one
        before, after = ([(layer, layer, decision) for layer, _, decision in side] for side in (before, after))
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    changes: Dict[Tuple[str, str], List[str]] = {}
    layers: Dict[str, str] = {}
    for layer, name, _ in sorted([*gone, *come]):
        layers.setdefault(name, layer)
    for name in sorted(layers):
        sides = ["; ".join(op[2] for op in sorted(side.elements()) if op[1] == name) for side in (gone, come)]
        changes.setdefault((sides[0], sides[1]), []).append(name)
    for (was, now), names in changes.items():
        code = "plan_op" if was and now else "plan_op_no_longer" if was else "plan_op_now"
        values: Dict[str, Union[str, int, Tuple[str, ...]]] = {"op": names[0], "before": was, "after": now}
        if len(names) > 1:
            code += "_alike"
            where = tuple(dict.fromkeys(layers[name] for name in names))
            values.update(more=len(names) - 1, layers=where)
        yield remark(code, **values)
