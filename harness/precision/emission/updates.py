"""Ops that write variables in float16, on variables that stay float32."""

from typing import List, Sequence

import tensorflow.compat.v1 as tf

from harness.precision.emission.writer import GraphWriter, Rounding, names_of, rename
from harness.precision.graph.nodes import control_inputs, data_inputs, set_inputs
from harness.precision.number_formats import FLOAT16

_FLOAT = tf.float32.as_datatype_enum


def emulate_addition(writer: GraphWriter, name: str) -> None:
    """Replace the addition to a variable, or subtraction from it, by one in float16 and an assignment."""
    node = writer.graph.nodes[name]
    inputs = data_inputs(node)
    is_resource = node.op in ("AssignAddVariableOp", "AssignSubVariableOp")
    arithmetic = "AddV2" if "Add" in node.op else "Sub"
    half = _read(writer, f"{name}/read", inputs[0], is_resource, control_inputs(node))
    total = writer.arithmetic(f"{name}/sum", arithmetic, half, inputs[1])
    total = writer.round(f"{name}/sum/float16", total, Rounding(2 * FLOAT16.largest), name)
    node.op = "AssignVariableOp" if is_resource else "Assign"
    set_inputs(node, [inputs[0], total], control_inputs(node))


def emulate_update(writer: GraphWriter, name: str, variables: int) -> None:
    """Round a node's leading inputs, which are variables, before it runs and after it has written them.

    Between the two it computes in float32, as kernels that widen inside do: **assumed** of all optimizers but Adam. The
    node's other inputs must be float16 values already. Its name goes to what runs last.
    """
    node = writer.graph.nodes[name]
    inputs, controls = data_inputs(node), control_inputs(node)
    is_resource = node.op.startswith("Resource")
    raw = writer.free_name(f"{name}/unrounded")
    rename(writer.graph, name, raw)
    # What reads the variables for this step has done so when the other inputs are there.
    ready = controls + names_of(inputs[variables:])
    before: List[str] = []
    after: List[str] = []
    for index, variable in enumerate(inputs[:variables]):
        stages = ((before, f"{name}/before_{index}", ready), (after, f"{name}/after_{index}", ["^" + raw]))
        for stage, label, waits_for in stages:
            value = _read(writer, label, variable, is_resource, waits_for)
            stage.append(_assign(writer, f"{label}/assign", variable, value, is_resource))
    set_inputs(node, inputs, controls + names_of(before))
    last = tf.NodeDef(name=name, op="NoOp" if is_resource else "Identity")
    if not is_resource:
        last.attr["T"].type = _FLOAT
    set_inputs(last, [] if is_resource else after[:1], names_of(after))
    writer.graph.nodes[name] = last


def _read(writer: GraphWriter, name: str, variable: str, is_resource: bool, waits_for: Sequence[str] = ()) -> str:
    op, types = ("ReadVariableOp", {"dtype": _FLOAT}) if is_resource else ("Identity", {"T": _FLOAT})
    value = writer.add(name, op, [variable], **types) if is_resource or waits_for else variable
    if waits_for:
        node = writer.graph.nodes[value[:-2]]
        set_inputs(node, data_inputs(node), waits_for)
    return writer.round(f"{name}/float16", value, Rounding(), label=name)


def _assign(writer: GraphWriter, name: str, variable: str, value: str, is_resource: bool) -> str:
    if is_resource:
        return writer.add(name, "AssignVariableOp", [variable, value], dtype=_FLOAT)
    return writer.add(name, "Assign", [variable, value], T=_FLOAT)
