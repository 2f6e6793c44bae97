"""The Adam update in float16, in the order of operations of the card's kernel."""

from typing import Callable, List, Tuple, Union

import tensorflow.compat.v1 as tf

from harness.precision.emission.writer import UNBOUNDED, GraphWriter, Rounding, names_of
from harness.precision.graph.nodes import control_inputs, data_inputs, set_inputs

_FLOAT = tf.float32.as_datatype_enum


def emulate_adam(writer: GraphWriter, name: str) -> None:
    """Replace an (Resource)ApplyAdam node by float16 arithmetic on variables that stay float32.

    Every operation is rounded, as canndev impl/apply_adam_d.py runs the whole kernel in its row's dtype.
    The node keeps its name and becomes the assignment of the variable, after those of both moments. Its
    inputs must be float16 values already, except the three variables.
    """
    node = writer.graph.nodes[name]
    inputs, controls = data_inputs(node), control_inputs(node)
    is_resource = node.op == "ResourceApplyAdam"
    keyed = zip(("var", "m", "v"), inputs)
    var, m, v = (_read(writer, name, key, tensor, is_resource) for key, tensor in keyed)

    def half(key: str, op: str, *operands: Union[str, float]) -> str:
        # Quotients and roots of float16 values can be NaN; sums and products cannot.
        bound = UNBOUNDED if op in ("RealDiv", "Sqrt") else 1e10
        result = writer.arithmetic(f"{name}/{key}/exact", op, *operands)
        return writer.round(f"{name}/{key}", result, Rounding(bound), label=f"{name}/{key}")

    nesterov = "use_nesterov" in node.attr and node.attr["use_nesterov"].b
    new_var, new_m, new_v = _update(half, [var, m, v] + inputs[3:], nesterov)
    assigned = [
        _assign(writer, f"{name}/assign_{key}", tensor, value, is_resource)
        for key, tensor, value in (("m", inputs[1], new_m), ("v", inputs[2], new_v))
    ]
    node.op = "AssignVariableOp" if is_resource else "Assign"
    node.attr.pop("T")
    node.attr.pop("use_nesterov", None)
    if is_resource:
        node.attr.pop("use_locking", None)
    node.attr["dtype" if is_resource else "T"].type = _FLOAT
    set_inputs(node, [inputs[0], new_var], controls + names_of(assigned))


def _update(half: Callable[..., str], inputs: List[str], use_nesterov: bool) -> Tuple[str, str, str]:
    """m += (1-b1)(g-m); v += (1-b2)(gg-v); var -= lr sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v)+eps)."""
    var, m, v, beta1_power, beta2_power, rate, beta1, beta2, epsilon, gradient = inputs
    share1 = half("one_minus_beta1", "Sub", 1.0, beta1)
    share2 = half("one_minus_beta2", "Sub", 1.0, beta2)
    m_step = half("m_step", "Mul", half("m_difference", "Sub", gradient, m), share1)
    new_m = half("m", "AddV2", m, m_step)
    square = half("gradient_square", "Mul", gradient, gradient)
    v_step = half("v_step", "Mul", half("v_difference", "Sub", square, v), share2)
    new_v = half("v", "AddV2", v, v_step)
    root = half("beta2_root", "Sqrt", half("one_minus_beta2_power", "Sub", 1.0, beta2_power))
    correction = half("one_minus_beta1_power", "Sub", 1.0, beta1_power)
    alpha = half("alpha", "RealDiv", half("rate_root", "Mul", rate, root), correction)
    denominator = half("denominator", "AddV2", half("v_root", "Sqrt", new_v), epsilon)
    moment = new_m
    if use_nesterov:
        ahead = half("m_ahead", "Mul", new_m, beta1)
        moment = half("nesterov", "AddV2", half("gradient_share", "Mul", gradient, share1), ahead)
    step = half("step", "RealDiv", half("moment_alpha", "Mul", moment, alpha), denominator)
    return half("var", "Sub", var, step), new_m, new_v


def _read(writer: GraphWriter, name: str, key: str, tensor: str, is_resource: bool) -> str:
    if is_resource:
        tensor = writer.add(f"{name}/read_{key}", "ReadVariableOp", [tensor], dtype=_FLOAT)
    return writer.round(f"{name}/read_{key}/float16", tensor, Rounding(), label=f"{name}/read_{key}")


def _assign(writer: GraphWriter, name: str, variable: str, value: str, is_resource: bool) -> str:
    if is_resource:
        return writer.add(name, "AssignVariableOp", [variable, value], dtype=_FLOAT)
    return writer.add(name, "Assign", [variable, value], T=_FLOAT)
