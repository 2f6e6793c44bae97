"""A plan by layer: every op with its casts and constants, grouped by the name scopes the model gave."""

import itertools
import re
from collections import Counter
from typing import Dict, List, NamedTuple, Sequence, Tuple

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
    model = _model_scope([op.nodes[0] for op in plan.ops])
    for op in plan.ops:
        names = dict.fromkeys([op.name, *(node for node in op.nodes if last[node] == op.name)])
        casts = [cast for name in names for cast in incoming.get(name, ())]
        explained = ExplainedOp(op, tuple(casts), tuple(constants.get(op.name, ())))
        layers.setdefault(_layer_within(model, op.nodes[0]), []).append(explained)
    return tuple(Layer(name, tuple(ops)) for name, ops in layers.items())


def layer_name(node: str) -> str:
    """Return the first name scope that says something: the layer a gradient belongs to, not "gradients".

    Nodes outside any scope are of layer "", sums of gradients of layer "gradients".
    """
    useful = _useful_scopes(node)
    if not useful and "/" in node:
        return "gradients" if all(map(_GENERIC.match, node.split("/")[:-1])) else ""
    return useful[0] if useful else ""


def _useful_scopes(node: str) -> Tuple[str, ...]:
    """Return a node's name scopes, up to that of a gradient function.

    The scope of a gradient function is named after one op, "Conv2D_grad": unless it stands inside a layer's scope, that
    op has none.
    """
    scopes = [scope for scope in node.split("/")[:-1] if not _GENERIC.match(scope)]
    return tuple(itertools.takewhile(lambda scope: not scope.endswith("_grad"), scopes))


def _model_scope(nodes: Sequence[str]) -> Tuple[str, ...]:
    """Return the scopes that are a whole model's: those that hold more than half of all nodes, and layers of them."""
    paths = [_useful_scopes(node) for node in nodes]
    model: Tuple[str, ...] = ()
    while True:
        inner = Counter(path[: len(model) + 1] for path in paths if path[: len(model)] == model and path != model)
        scope, count = inner.most_common(1)[0] if inner else (model, 0)
        deeper = sum(path[: len(scope)] == scope and path != scope for path in paths)
        if 2 * count <= len(paths) or 2 * deeper <= count:
            return model
        model = scope


def _layer_within(model: Tuple[str, ...], node: str) -> str:
    """Return the layer of a node, with the scopes of the model where it is in that."""
    path = _useful_scopes(node)
    if not model or path[: len(model)] != model:
        return layer_name(node)
    return "/".join(path[: len(model) + 1])
