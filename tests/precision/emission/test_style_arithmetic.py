"""The model's own step, op by op: each emitted result against NumPy on the emitted operands."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import MATMUL32, MODES, emit_rounded, load_config, plan_graph
from tests.precision import graphs, interpreter

ELEMENTWISE = ("Add", "Sub", "Mul", "Muls", "Neg", "AddN", "L2Loss")
CHECKED = ELEMENTWISE + (
    "Conv2D",
    "Conv2DBackpropInputD",
    "MatMulV2",
    "MaxPool",
    "MaxPoolGrad",
    "ReluV2",
    "ReluGradV2",
    "Reshape",
)


def convolve(x, kernel):
    """3x3 convolution, stride 1, zero padding, in float64."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    _, height, width, _ = x.shape
    return sum(
        padded[:, row : row + height, column : column + width] @ kernel[row, column].astype(np.float64)
        for row in range(3)
        for column in range(3)
    )


def windows(x):
    """2x2 windows along a new last axis, in reading order."""
    return np.stack([x[:, row::2, column::2] for row in (0, 1) for column in (0, 1)], axis=-1)


def pool_gradient(x, gradient):
    """Give the gradient to the first largest value of each window."""
    result = np.zeros_like(x)
    chosen = np.argmax(windows(x), axis=-1)
    for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        result[:, row::2, column::2] = np.where(chosen == index, gradient, 0)
    return result


def compute(op, node, operands, constant=None):
    """Result of an op in its planned dtype."""
    dtype = op.outputs[0]
    wide = [np.asarray(operand, np.float64) for operand in operands]
    if op.type == "Muls":
        # In float16 the emitted node has the reciprocal; a float32 division is left as it is.
        factor = float(tf.make_ndarray(constant.attr["value"].tensor))
        product = operands[0] * np.float16(factor) if dtype == "float16" else operands[0] / np.float32(factor)
        return interpreter.cast(product, dtype)
    if op.type == "Conv2D":
        return interpreter.cast(convolve(*operands[:2]) + wide[2], dtype)
    if op.type == "Conv2DBackpropInputD":
        kernel, gradient = operands
        return interpreter.cast(convolve(gradient, kernel[::-1, ::-1].transpose(0, 1, 3, 2)), dtype)
    if op.type == "MatMulV2":
        one, other = wide
        one = one.T if node.attr["transpose_a"].b else one
        return interpreter.cast(one @ (other.T if node.attr["transpose_b"].b else other), dtype)
    if op.type == "MaxPool":
        return interpreter.cast(windows(operands[0]).max(axis=-1), dtype)
    if op.type == "MaxPoolGrad":
        return interpreter.cast(pool_gradient(operands[0], operands[2]), dtype)
    if op.type == "ReluV2":
        return interpreter.cast(np.maximum(operands[0], 0), dtype)
    if op.type == "ReluGradV2":
        return interpreter.cast(np.where(operands[1] > 0, operands[0], 0), dtype)
    if op.type == "Reshape":
        return interpreter.cast(operands[0].reshape(operands[1]), dtype)
    return interpreter.compute(op.type, operands, dtype)


@pytest.mark.parametrize("mode", MODES + (MATMUL32,))
def test_every_op_of_the_style_step(mode):
    step = graphs.style_step()
    plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
    emitted = emit_rounded(step.graph_def, plan, keep=[step.initialize])
    nodes = {node.name: node for node in emitted.node}
    ops = [op for op in plan.ops if op.type in CHECKED and op.engine == "ai_core"]
    reads = {op.name: operand_names(op, nodes) for op in ops}
    names = sorted({name for tensors in reads.values() for name in tensors} | {op.nodes[-1] for op in ops})
    found = graphs.run(emitted, [f"{name}:0" for name in names], initialize=step.initialize)
    values = dict(zip(names, found))
    for op in ops:
        # A rounding may wait for the Relu behind the op.
        values[op.nodes[-1]] = interpreter.cast(values[op.nodes[-1]], op.outputs[0])
    assert {op.type for op in ops} >= set(ELEMENTWISE)
    for op in ops:
        operands = [
            value if dtype in ("int32", "uint8") else interpreter.cast(value, dtype)
            for value, dtype in zip((values[name] for name in reads[op.name]), op.inputs)
        ]
        node = nodes.get(op.nodes[0] + "/unrounded", nodes[op.nodes[0]])
        expected = compute(op, node, operands, nodes.get(node.input[1]) if op.type == "Muls" else None)
        compare(op, values[op.nodes[-1]], expected)


def operand_names(op, nodes):
    """Tensors that an op reads in the emitted graph, in the order of the plan's inputs."""
    head = nodes.get(op.nodes[0] + "/unrounded", nodes[op.nodes[0]])
    names = list(head.input[1:] if op.type == "Conv2DBackpropInputD" else head.input)
    if len(op.nodes) > 1:
        names.append(nodes.get(op.nodes[1] + "/unrounded", nodes[op.nodes[1]]).input[1])
    return names


def compare(op, result, expected):
    """Exact, but for accumulated sums: one unit in the last place of float16, or float32's error of a long sum."""
    assert result.shape == expected.shape and result.dtype == expected.dtype
    if op.outputs[0] == "float16":
        accumulated = op.type in ("Conv2D", "Conv2DBackpropInputD", "MatMulV2")
        rounding = np.spacing(np.abs(expected)).astype(np.float64)
        # Where terms cancel, float32's error is that of the terms.
        slack = rounding + 2.0**-19 * float(np.max(np.abs(expected))) if accumulated else 0.0
        assert np.all(np.abs(result.astype(np.float64) - expected) <= slack), op
        assert np.mean(result == expected) > 0.98, op
    else:
        scale = float(np.max(np.abs(expected), initial=1e-30))
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5 * scale, err_msg=str(op))
