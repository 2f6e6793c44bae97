"""Random small graphs in every mode: the emitted graph against a NumPy reading of its plan."""

import itertools

import numpy as np
import tensorflow.compat.v1 as tf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.precision import MATMUL32, MODES, emit_rounded, emit_with_health, load_config, plan_graph
from tests.precision import graphs, interpreter

SHAPE = (3, 3)
UNARY = {"Neg": tf.negative, "Square": tf.square, "Relu": tf.nn.relu}
BINARY = {
    "Add": tf.add,
    "Sub": tf.subtract,
    "Mul": tf.multiply,
    "RealDiv": tf.divide,
    "Minimum": tf.minimum,
    "MatMulV2": tf.matmul,
}
numbers = st.floats(-1e5, 1e5, width=32).filter(lambda value: value == 0 or abs(value) > 1e-30)
# Some drafts of three arrays and a program are longer than Hypothesis takes: it drops those, which is no fault.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.data_too_large, HealthCheck.too_slow]}
CANCELLING = np.float32([[[0, 65297, 0], [0, 1, 0], [0, 65297, 0]], [[0, 0, 0], [0, 0, 0], [257, 1, -257]]])
"""y @ x is 257 * 65297 + 1 - 257 * 65297, whose 1 a float32 accumulator loses."""
arrays = st.lists(numbers, min_size=9, max_size=9).map(lambda values: np.reshape(np.float32(values), SHAPE))


@st.composite
def programs(draw, addends=3):
    """A list of (op, operands), operands being indices of earlier values; 0 and 1 are fed, 2 is constant."""
    program = []
    for index in range(draw(st.integers(1, 7))):
        op = draw(st.sampled_from(sorted(UNARY) + sorted(BINARY) + ["AddN"]))
        count = 1 if op in UNARY else 2 if op in BINARY else addends
        operands = [draw(st.integers(0, index + 2)) for _ in range(count)]
        program.append((op, operands))
    return program


def build(program, constant):
    def make():
        values = [tf.placeholder(tf.float32, SHAPE, name=name) for name in "xy"] + [tf.constant(constant)]
        for number, (op, operands) in enumerate(program):
            chosen = [values[operand] for operand in operands]
            with tf.name_scope(f"op{number}"):
                values.append(tf.add_n(chosen) if op == "AddN" else {**UNARY, **BINARY}[op](*chosen))
        outs = [tf.identity(value, name=f"out{number}") for number, value in enumerate(values[3:])]
        return [value.name for value in outs + values[:2]]

    return graphs.build(make)


def interpret(step, plan, program, feeds, results):
    """Check every op's emitted result against NumPy on the emitted operands."""
    planned = {op.name.split("/")[0]: op for op in plan.ops}
    for number, (op, operands) in enumerate(program):
        if f"op{number}" not in planned:
            continue  # folded: it only reads constants
        decision = planned[f"op{number}"]
        chosen = [feeds[operand] if operand < 3 else results[operand - 3] for operand in operands]
        dtypes = [dtype for dtype in decision.inputs if dtype.startswith("float")]
        chosen = [interpreter.cast(value, dtype) for value, dtype in zip(chosen, dtypes)]
        # Grappler may add in another order, which shows in the last bit of the float32 sum.
        orders = list(itertools.permutations(chosen)) if op == "AddN" else [chosen]
        # The type is the plan's, for a fusion may have changed it.
        expected = [
            interpreter.compute(decision.type, order, decision.outputs[0]).astype(np.float32) for order in orders
        ]
        # Terms that cancel leave the rounding of TensorFlow's float32 accumulator, which the interpreter's has not.
        terms = np.abs(chosen[0], dtype=np.float64) @ np.abs(chosen[1], dtype=np.float64) if op == "MatMulV2" else 0.0
        check(op, decision.outputs[0], results[number], np.stack(expected), terms * 2.0**-20)


def check(op, dtype, result, expected, accumulated):
    """Compare a result with the acceptable ones, along the first axis; exactly, unless TensorFlow accumulates."""
    if op == "MatMulV2" or dtype == "float32":
        finite = np.isfinite(expected) & (np.abs(expected) < 6e4)
        scale = 1e-3 * np.max(np.abs(expected[finite]), initial=1e-3) if op == "MatMulV2" else 1e-30
        agree = ~finite | np.isclose(result, expected, rtol=2e-3, atol=scale + accumulated)
    else:
        agree = result == expected
    assert np.all(np.any(agree, axis=0)), (op, dtype, result, expected)


@settings(max_examples=40, **UNTIMED)
@example([("MatMulV2", [1, 0])], *CANCELLING, np.zeros(SHAPE, np.float32), "allow_fp32_to_fp16")
@given(programs(), arrays, arrays, arrays, st.sampled_from(MODES + (MATMUL32,)))
def test_emitted_graph_computes_its_plan(program, x, y, constant, mode):
    step = build(program, constant)
    plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
    feeds = {"x:0": x, "y:0": y}
    results = graphs.run(emit_rounded(step.graph_def, plan), step.fetches, feeds)
    for op in plan.ops:
        number = int(op.name.split("/")[0][2:])
        if op.outputs[0] == "float16":
            assert np.array_equal(results[number], interpreter.to_half(results[number]).astype(np.float32))
    interpret(step, plan, program, (x, y, constant), results)


# TensorFlow's AddN begins with an addend whose memory is free by then: three have one of several sums, by chance.
@settings(max_examples=15, **UNTIMED)
@given(programs(addends=2), arrays, arrays, arrays)
def test_health_counters_change_no_value(program, x, y, constant):
    step = build(program, constant)
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    feeds = {"x:0": x, "y:0": y}
    health = emit_with_health(step.graph_def, plan)
    plain = graphs.run(emit_rounded(step.graph_def, plan), step.fetches, feeds)
    counted = graphs.run(health.graph_def, step.fetches, feeds)
    for one, other in zip(plain, counted):
        np.testing.assert_array_equal(one, other)
