"""Ops that write variables in float16, on variables that stay float32."""

from typing import List, Sequence

import tensorflow.compat.v1 as tf

from harness.precision.emission.writer import GraphWriter, Rounding, names_of, rename
from harness.precision.graph.nodes import control_inputs, data_inputs, node_name, set_inputs, tensor_name
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
    """Round a node's leading inputs, which are variables, before it runs, and the first after it has written them.

    The others are rounded when they are read next, which is the same. Between the two it computes in float32, as
    kernels that widen inside do: **assumed** of all optimizers but Adam. The node's other inputs must be float16 values
    already. Its name goes to the last assignment.
    """
    node = writer.graph.nodes[name]
    inputs, controls = data_inputs(node), control_inputs(node)
    is_resource = node.op.startswith("Resource")
    raw = writer.free_name(f"{name}/unrounded")
    rename(writer.graph, name, raw)
    # What reads the variables for this step has done so when the other inputs are there.
    ready = controls + names_of(inputs[variables:])
    before: List[str] = []
    for index, variable in enumerate(inputs[:variables]):
        value = _read(writer, f"{name}/before_{index}", variable, is_resource, ready)
        before.append(_assign(writer, f"{name}/before_{index}/assign", variable, value, is_resource))
    set_inputs(node, inputs, controls + names_of(before))
    if is_resource:
        value = _read(writer, f"{name}/after", inputs[0], True, ["^" + raw])
    else:
        # Grappler takes two readings of a reference for one, whatever they wait for; the update's result is another.
        value = writer.round(f"{name}/after/float16", tensor_name(raw), Rounding(), label=f"{name}/after")
    rename(writer.graph, node_name(_assign(writer, f"{name}/assign", inputs[0], value, is_resource)), name)


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
