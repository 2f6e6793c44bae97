"""Functional If, Case and While as Switch and Merge, Enter, NextIteration and Exit.

TensorFlow lowers them so itself before it runs a graph (core/common_runtime/lower_if_op.cc, lower_case_op.cc,
lower_while_op.cc). It gives a Case one _SwitchN; here each branch has two-way Switches of its own, as all else that
reads a graph knows them alone.
"""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from harness.precision.graph.bodies import Bodies
from harness.precision.graph.nodes import constant_node, control_inputs, data_inputs, node_name, set_inputs


class _Branch(NamedTuple):
    """One of the functions that a conditional chooses from."""

    name: str
    """Name scope of its body within the call's."""
    function: str
    pivot: str
    """A boolean tensor that is there when the branch is taken, and only then."""
    arguments: List[str]


# Branches


def put_conditional(bodies: Bodies, node: tf.NodeDef) -> None:
    """Put the two branches of an If into the graph."""
    condition = _boolean(bodies, node, data_inputs(node)[0])
    pivots = _switch(bodies, node, "pivot", condition, condition, tf.bool.as_datatype_enum)
    arguments = _switched_arguments(bodies, node, "switch", condition)
    functions = [node.attr[f"{name}_branch"].func.name for name in ("else", "then")]
    branches = [
        _Branch(name, functions[side], pivots[side], [sides[side] for sides in arguments])
        for side, name in enumerate(("else", "then"))
    ]
    _join(bodies, node, branches)


def put_case(bodies: Bodies, node: tf.NodeDef) -> None:
    """Put the branches of a Case into the graph; an index that is out of range takes the last one."""
    branches = []
    for number, condition in enumerate(_conditions(bodies, node)):
        name, function = f"branch_{number}", node.attr["branches"].list.func[number].name
        pivot = _switch(bodies, node, f"{name}_pivot", condition, condition, tf.bool.as_datatype_enum)[1]
        arguments = [sides[1] for sides in _switched_arguments(bodies, node, f"{name}_switch", condition)]
        branches.append(_Branch(name, function, pivot, arguments))
    _join(bodies, node, branches)


def _conditions(bodies: Bodies, node: tf.NodeDef) -> List[str]:
    """Return for each branch of a Case a boolean scalar: whether it is taken."""
    index = data_inputs(node)[0]
    found: List[str] = []
    for number in range(len(node.attr["branches"].list.func) - 1):
        constant = constant_node(f"{node.name}/index_{number}", np.int32(number))
        set_inputs(constant, (), (f"^{node_name(index)}",))  # which puts it into the index's frame
        inputs = [index, bodies.put(node, constant)]
        found.append(bodies.add(node, f"is_{number}", "Equal", inputs, T=tf.int32))
    if not found:
        return [bodies.add(node, "is_last", "Equal", [index, index], T=tf.int32)]
    earlier = found[0]
    for number, condition in enumerate(found[1:], start=1):
        earlier = bodies.add(node, f"is_up_to_{number}", "LogicalOr", [earlier, condition])
    return [*found, bodies.add(node, "is_last", "LogicalNot", [earlier])]


def _switched_arguments(bodies: Bodies, node: tf.NodeDef, name: str, condition: str) -> List[Tuple[str, str]]:
    """Return each argument of the branches twice: as it is there when the condition is false, and when it is true."""
    return [
        # Handles of variables are passed on as they are: what reads them waits for the branch.
        (tensor, tensor)
        if dtype == tf.resource.as_datatype_enum
        else _switch(bodies, node, f"{name}_{index}", tensor, condition, dtype)
        for index, (tensor, dtype) in enumerate(zip(data_inputs(node)[1:], node.attr["Tin"].list.type))
    ]


def _switch(bodies: Bodies, node: tf.NodeDef, name: str, tensor: str, condition: str, dtype: int) -> Tuple[str, str]:
    """Add a Switch and return its two outputs, that for a false condition first."""
    made = node_name(bodies.add(node, name, "Switch", [tensor, condition], control_inputs(node), T=dtype))
    return f"{made}:0", f"{made}:1"


def _join(bodies: Bodies, node: tf.NodeDef, branches: Sequence[_Branch]) -> None:
    """Put the bodies of the branches into the graph, and what merges them."""
    ends, outputs = [], []
    for branch in branches:
        pivot = bodies.add(node, branch.name, "Identity", [branch.pivot], T=tf.bool)
        where, tie = f"{node.name}/{branch.name}", f"^{node_name(pivot)}"
        body = bodies.instantiate(node, branch.function, where, branch.arguments, (tie,), tie)
        outputs.append(body.outputs)
        ends.append(bodies.add(node, f"{branch.name}_end", "Identity", [pivot], body.controls, T=tf.bool))
    merged = [
        bodies.add(node, f"merge_{index}", "Merge", tensors, T=dtype, N=len(branches))
        for index, (tensors, dtype) in enumerate(zip(zip(*outputs), node.attr["Tout"].list.type))
    ]
    end = bodies.add(node, "end", "Merge", ends, T=tf.bool, N=len(branches))
    bodies.stand_in(node, merged, [f"^{node_name(end)}"])


# Loops


def put_loop(bodies: Bodies, node: tf.NodeDef) -> None:
    """Put the condition and the body of a While into the graph."""
    tensors, dtypes = data_inputs(node), list(node.attr["T"].list.type)
    fixed = _invariants(bodies, node, dtypes)
    entered = [
        _enter(bodies, node, index, tensor, dtype, index in fixed)
        for index, (tensor, dtype) in enumerate(zip(tensors, dtypes))
    ]
    state = [
        tensor if index in fixed else bodies.add(node, f"merge_{index}", "Merge", [tensor, tensor], T=dtype, N=2)
        for index, (tensor, dtype) in enumerate(zip(entered, dtypes))
    ]
    first = next(index for index in range(len(state)) if index not in fixed)
    begin = f"^{node_name(state[first])}"
    test = bodies.instantiate(node, node.attr["cond"].func.name, f"{node.name}/cond", state, (begin,), begin)
    condition = bodies.add(node, "loop_cond", "LoopCond", [_boolean(bodies, node, test.outputs[0])], test.controls)
    switches = {
        index: bodies.add(node, f"switch_{index}", "Switch", [state[index], condition], T=dtypes[index])
        for index in range(len(state))
        if index not in fixed
    }
    pivot = bodies.add(node, "body", "Identity", [f"{node_name(switches[first])}:1"], T=dtypes[first])
    arguments = [
        f"{node_name(switches[index])}:1" if index in switches else state[index] for index in range(len(state))
    ]
    function = node.attr["body"].func.name
    tie = f"^{node_name(pivot)}"
    body = bodies.instantiate(node, function, f"{node.name}/body", arguments, (tie,), tie)
    outputs = list(tensors)
    for index, switch in switches.items():
        controls = body.controls if index == first else ()
        again = bodies.add(node, f"next_{index}", "NextIteration", [body.outputs[index]], controls, T=dtypes[index])
        set_inputs(bodies.made(state[index]), [entered[index], again], ())
        outputs[index] = bodies.add(node, f"exit_{index}", "Exit", [f"{node_name(switch)}:0"], T=dtypes[index])
    bodies.stand_in(node, outputs, ())


def _invariants(bodies: Bodies, node: tf.NodeDef, dtypes: Sequence[int]) -> List[int]:
    """Return the loop variables that the body returns as it got them; one that is no handle is always kept."""
    body = bodies.function(node.attr["body"].func.name, node)
    arguments, results = body.signature.input_arg, body.signature.output_arg
    fixed = [
        index
        for index, (argument, result) in enumerate(zip(arguments, results))
        if body.ret[result.name].split(":")[0] == argument.name
    ]
    return fixed[1:] if len(fixed) == len(dtypes) else fixed


def _enter(bodies: Bodies, node: tf.NodeDef, index: int, tensor: str, dtype: int, is_fixed: bool) -> str:
    entered = bodies.add(node, f"enter_{index}", "Enter", [tensor], control_inputs(node), T=dtype)
    made = bodies.made(entered)
    made.attr["frame_name"].s = node.name.encode()
    made.attr["is_constant"].b = is_fixed
    made.attr["parallel_iterations"].i = 10
    return entered


def _boolean(bodies: Bodies, node: tf.NodeDef, tensor: str) -> str:
    dtype = node.attr["Tcond"].type if "Tcond" in node.attr else tf.bool.as_datatype_enum
    if dtype == tf.bool.as_datatype_enum:
        return tensor
    return bodies.add(node, "condition", "ToBool", [tensor], T=dtype)
