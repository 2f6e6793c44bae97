"""The stored form of a plan: small, sorted by name, one fact a line, so that two versions diff well."""

import re
from typing import Dict, List, Tuple, Union

from harness.precision.number_formats import short_names
from harness.precision.rules.plan import DtypePlan, PlannedCast, PlannedOp


def render_plan(plan: DtypePlan) -> str:
    """Write a plan as stable plain text: each op with its casts beneath, then whatever needs attention.

    Folded constants go unnamed, so that the text does not depend on the TensorFlow that built the graph.
    """
    lines = [_title(plan)]
    incoming: Dict[str, List[PlannedCast]] = {}
    for cast in plan.casts:
        incoming.setdefault(cast.consumer, []).append(cast)
    for op in sorted(plan.ops, key=lambda op: _natural(op.name)):
        lines.append(render_op(op))
        lines.extend(
            f"  input {cast.position} {_conversion(cast)} {cast.producer}"
            for cast in incoming.get(op.name, ())
            if cast.position >= 0
        )
    written = [cast for cast in plan.casts if cast.position < 0]
    for cast in sorted(written, key=lambda cast: (_natural(cast.consumer), _natural(cast.producer))):
        lines.append(f"{cast.consumer}: {_conversion(cast)} {cast.producer}")
    for item in sorted(plan.constants, key=lambda item: (_natural(item.consumer), item.position)):
        lines.append(
            f"constant at {item.consumer} input {item.position}: {item.saturated} saturated, "
            f"{item.flushed} flushed to zero, of {item.elements}"
        )
    if plan.unknown_types:
        lines.append(f"unknown types: {', '.join(plan.unknown_types)}")
    if plan.assumed_types:
        lines.append(f"kernel rows assumed: {', '.join(plan.assumed_types)}")
    if plan.disputed_types:
        lines.append(f"sources disagree: {', '.join(plan.disputed_types)}")
    lines.extend(" ".join([remark.code, *map(str, remark.values.values())]) for remark in plan.remarks)
    return "\n".join(lines) + "\n"


def render_op(op: PlannedOp) -> str:
    """Write one op's decision as one line."""
    place = op.unit if op.engine == "ai_core" else op.engine
    fused = f" + {', '.join(op.nodes[1:])}" if len(op.nodes) > 1 else ""
    return f"{op.name}{fused}: {op.type} {op.dtypes} {place}; {op.rule}"


def _title(plan: DtypePlan) -> str:
    parts = [plan.config.mode, f"profile {plan.config.profile}"]
    if plan.config.mixlist is not None:
        parts.append("modify_mixlist")
    if plan.config.custom_dtypes:
        parts.append("customize_dtypes")
    if plan.config.fusion_switches:
        parts.append(f"off: {' '.join(plan.config.fusions_off) or 'nothing known here'}")
    return ", ".join(parts)


def _conversion(cast: PlannedCast) -> str:
    return f"{short_names([cast.source])}>{short_names([cast.target])}"


def _natural(name: str) -> List[Tuple[bool, Union[int, str]]]:
    """Sort key that puts conv2 before conv10."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return [(part.isdigit(), int(part) if part.isdigit() else part) for part in parts]
