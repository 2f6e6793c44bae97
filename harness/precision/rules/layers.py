"""A plan by layer: every op with its casts and constants, grouped by the name scopes the model gave."""

import re
from typing import Dict, List, NamedTuple, Tuple

from harness.precision.rules.plan import ConstantRange, DtypePlan, PlannedCast, PlannedOp

_GENERIC = re.compile(r"gradients(_\d+)?$")


class ExplainedOp(NamedTuple):
    """One op and all that the plan says around it."""

    op: PlannedOp
    casts: Tuple[PlannedCast, ...]
    """Casts on its inputs, and on what it writes to variables and fetches."""
    constants: Tuple[ConstantRange, ...]
    """Constants among its inputs with values that float16 cannot hold."""


class Layer(NamedTuple):
    """The ops of one name scope, forward and backward, in topological order."""

    name: str
    ops: Tuple[ExplainedOp, ...]


def explain_layers(plan: DtypePlan) -> Tuple[Layer, ...]:
    """Group the ops of a plan by layer, in the order in which the layers first compute."""
    incoming: Dict[str, List[PlannedCast]] = {}
    for cast in plan.casts:
        incoming.setdefault(cast.consumer if cast.position >= 0 else cast.producer, []).append(cast)
    constants: Dict[str, List[ConstantRange]] = {}
    for item in plan.constants:
        constants.setdefault(item.consumer, []).append(item)
    layers: Dict[str, List[ExplainedOp]] = {}
    # Of a node that became several ops, the last gives its results.
    last = {node: op.name for op in plan.ops for node in op.nodes}
    for op in plan.ops:
        names = dict.fromkeys([op.name, *(node for node in op.nodes if last[node] == op.name)])
        casts = [cast for name in names for cast in incoming.get(name, ())]
        explained = ExplainedOp(op, tuple(casts), tuple(constants.get(op.name, ())))
        layers.setdefault(layer_name(op.nodes[0]), []).append(explained)
    return tuple(Layer(name, tuple(ops)) for name, ops in layers.items())


def layer_name(node: str) -> str:
    """Return the first name scope that says something: the layer a gradient belongs to, not "gradients".

    Nodes outside any scope are of layer "", sums of gradients of layer "gradients".
    """
    scopes = node.split("/")[:-1]
    useful = [scope for scope in scopes if not _GENERIC.match(scope)]
    if not useful:
        return "gradients" if scopes else ""
    # The scope of a gradient function is named after one op, "Conv2D_grad": unless it stands inside a layer's
    # scope, that op has none.
    return "" if useful[0].endswith("_grad") else useful[0]
