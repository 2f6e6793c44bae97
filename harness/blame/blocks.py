"""The blocks of a training step, and how to keep one in float32: what the search for a cause swaps."""

import dataclasses
import re
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

from harness.precision import CustomDtypes, DtypePlan, PlannedOp, PrecisionConfig, layer_name
from harness.precision.number_formats import CONVERTED, NARROW
from harness.precision.rules.kernels import KernelRow
from harness.precision.rules.op_table import load_op_table


class Swap(NamedTuple):
    """An op that computes in float16 and the dtypes that would keep its result in float32."""

    op: str
    type: str
    block: str
    """Part of the step that the op belongs to, such as `forward conv3`, `gram relu4_1` or `optimizer Adam`."""
    dtypes: CustomDtypes

    @property
    def group(self) -> str:
        """Kind of the op's block, such as `forward` or `gram`."""
        return self.block.split(" ")[0]


def swaps(plan: DtypePlan, block: Optional[Callable[[str], str]] = None) -> List[Swap]:
    """Return the plan's ops with float16 in or out for which the card has a kernel with float32 results.

    Args:
        block: names the block of an op; that of the style step unless given.
    """
    block = block or block_of
    found = []
    for op in plan.ops:
        row = _float32_row(op) if op.engine == "ai_core" and op.is_narrow else None
        if row is not None:
            inputs, outputs = (_floats(dtypes) for dtypes in (row.inputs[: len(op.inputs)], row.outputs))
            entry = CustomDtypes(op.name, by_type=False, inputs=inputs, outputs=outputs)
            found.append(Swap(op.name, op.type, block(op.name), entry))
    return found


def with_swaps(config: PrecisionConfig, chosen: Sequence[Swap]) -> PrecisionConfig:
    """Return the configuration with the chosen ops in float32, whatever it said of them before."""
    names = {swap.op for swap in chosen}
    kept = [entry for entry in config.custom_dtypes if entry.by_type or entry.key not in names]
    return dataclasses.replace(config, custom_dtypes=(*kept, *(swap.dtypes for swap in chosen)))


def block_of(op: str) -> str:
    """Name the part of the step that an op belongs to."""
    layer, backward = layer_name(op), op.startswith("gradients")
    side = "backward" if backward else "forward"
    stage = re.match(r"(?:conv|relu|pool)(\d)", layer)
    if stage:
        return f"{side} conv{stage.group(1)}"
    if layer.startswith("gram_"):
        return f"backward {layer}" if backward else f"gram {layer[len('gram_') :]}"
    if layer.endswith("_loss"):
        return f"{'backward' if backward else 'losses'} {layer}"
    if layer.startswith("Adam"):
        return "optimizer Adam"
    return "backward sums" if backward else "losses total"


def _float32_row(op: PlannedOp) -> Optional[KernelRow]:
    """Return the op's kernel with float32 results; on the cube unit, the one that reads float16; None without one."""
    kernel = load_op_table().ops.get(op.type)
    rows = kernel.rows_for(len(op.inputs), len(op.outputs)) if kernel else ()
    wide = [row for row in rows if all(dtype not in NARROW for dtype in row.outputs)]
    wide = [row for row in wide if (row.inputs[: len(op.inputs)], row.outputs) != (op.inputs, op.outputs)]
    prefers_narrow = op.unit == "cube"
    return max(wide, key=lambda row: _narrow(row) if prefers_narrow else -_narrow(row), default=None)


def _narrow(row: KernelRow) -> int:
    return sum(dtype in NARROW for dtype in row.inputs)


def _floats(dtypes: Sequence[str]) -> Tuple[str, ...]:
    """Return the dtypes with those that are no floats left free, and free ones at the end left out.

    At the end they may be optional, such as the mask of a pool.
    """
    floats = [dtype if dtype in CONVERTED else "" for dtype in dtypes]
    while floats and not floats[-1]:
        floats.pop()
    return tuple(floats)
