"""How much of a graph's float work a plan does not know, and what would have to be known."""

from collections import Counter
from typing import Dict, NamedTuple

from harness.precision.rules.plan import DtypePlan


class UnknownWork(NamedTuple):
    """The float work of types outside the op table, and the ops whose sizes are unknown."""

    ops: int
    """Ops of unknown types; what they do in float16 is not known."""
    of_ops: int
    """All ops that read or write floats."""
    flops: int
    """Arithmetic of these ops, one operation an element where the table has no formula of the type."""
    of_flops: int
    bytes_moved: int
    """Bytes that these ops read and write, each tensor once."""
    of_bytes: int
    types: Dict[str, int]
    """Ops by unknown type, the most first."""
    unsized_ops: int
    """Ops with a tensor whose size is unknown; their arithmetic and bytes are the least that they can be."""


def unknown_work(plan: DtypePlan) -> UnknownWork:
    """Sum what a plan does not know; ops that never reach the card are known not to."""
    unknown = [op for op in plan.ops if op.engine == "unknown"]
    types = Counter(op.type for op in unknown)
    return UnknownWork(
        ops=len(unknown),
        of_ops=len(plan.ops),
        flops=sum(op.flops for op in unknown),
        of_flops=sum(op.flops for op in plan.ops),
        bytes_moved=sum(op.bytes_moved for op in unknown),
        of_bytes=sum(op.bytes_moved for op in plan.ops),
        types=dict(sorted(types.items(), key=lambda item: (-item[1], item[0]))),
        unsized_ops=sum(not op.is_sized for op in plan.ops),
    )
