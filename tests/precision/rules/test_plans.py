"""Whole plans: the stored, reviewed files; the published table of the style step; both TensorFlows."""

import os
import re
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf

from harness.precision import MATMUL32, MODES, DtypePlan, diff_plans, load_config, plan_graph, render_plan
from harness.precision.number_formats import CONVERTED
from tests.precision import graphs

PLANS = Path(__file__).parent / "plans"
STEPS = {"style": graphs.style_step, "residual": graphs.residual_block, "dense": graphs.dense_step}


def plan(step, mode, **options) -> DtypePlan:
    return plan_graph(step.graph_def, step.fetches, load_config(mode, **options))


@pytest.mark.parametrize("mode", MODES + (MATMUL32,))
@pytest.mark.parametrize("name", sorted(STEPS))
def test_plan_is_the_stored_one_in_every_tensorflow(name, mode):
    path = PLANS / f"{name}.{mode}.txt"
    text = render_plan(plan(STEPS[name](), mode))
    if os.environ.get("STORE_PLANS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


# Rows of table 3.5: dtypes of the data inputs > output in allow_mix, allow_fp32_to_fp16, force_fp16, must_keep.
TABLE = {
    "Conv2D": ("16>16", "16>16", "16>16", "off"),
    "Conv2DBackpropInputD": ("16>16", "16>16", "16>16", "off"),
    "MatMulV2": ("16>16", "16>16", "16>16", "32>32"),
    "MaxPool": ("16>16", "16>16", "16>16", "off"),
    "MaxPoolGrad": ("16>16", "16>16", "16>16", "off"),
    "AvgPool": ("16>16", "16>16", "16>16", "off"),
    "AvgPoolGradD": ("16>16", "16>16", "16>16", "off"),
    "ReluV2": ("16>16", "32>32", "16>16", "32>32"),
    "ReluGradV2": ("16>16", "32>32", "16>16", "32>32"),
    "L2Loss": ("32>32", "32>32", "16>32", "32>32"),
    "ApplyAdamD": ("32>32", "32>32", "16>16", "32>32"),
}
FOLLOWERS = {"StridedSliceD", "StridedSliceGrad", "Sub", "Add", "Mul", "Muls", "AddN", "Neg"}
COLUMNS = ("allow_mix_precision", "allow_fp32_to_fp16", "force_fp16", "must_keep_origin_dtype")


def float_dtypes(op):
    def join(dtypes):
        return ",".join(sorted({dtype[5:] for dtype in dtypes if dtype in CONVERTED}))

    return f"{join(op.inputs)}>{join(op.outputs)}"


@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("column", range(4))
def test_style_step_op_by_op(column, pooling):
    seen = set()
    for op in plan(graphs.style_step(pooling=pooling), COLUMNS[column]).ops:
        seen.add(op.type)
        if op.type in FOLLOWERS or op.type in ("Reshape", "Assign"):
            continue
        wanted = TABLE[op.type][column]
        if wanted == "off":
            assert op.engine in ("ai_cpu_fp32", "compile_error") and float_dtypes(op) == "32>32", op
        else:
            assert (op.engine, float_dtypes(op)) == ("ai_core", wanted), op
    pools = {"MaxPool", "MaxPoolGrad"} if pooling == "max" else {"AvgPool", "AvgPoolGradD"}
    assert seen >= (set(TABLE) - {"MaxPool", "MaxPoolGrad", "AvgPool", "AvgPoolGradD"}) | pools | FOLLOWERS


@pytest.mark.parametrize("column, dtype", [(1, "32"), (2, "16"), (3, "32")])
def test_followers_have_one_dtype_outside_mixed_precision(column, dtype):
    ops = plan(graphs.style_step(), COLUMNS[column]).ops
    assert {float_dtypes(op) for op in ops if op.type in FOLLOWERS} == {f"{dtype}>{dtype}"}


def test_followers_in_mixed_precision():
    ops = {op.name: op for op in plan(graphs.style_step(), "allow_mix_precision").ops}
    branches = {
        "tv_loss/": "32>32",  # starts at the variable
        "style_loss/relu3_1/sub": "16>16",  # follows the Gram matrix
        "style_loss/relu3_1/truediv": "32>32",  # follows L2Loss
        "gram_relu3_1/": "16>16",
        "gradients/style_loss/relu3_1/L2Loss_grad/mul": "16>16",  # x comes first, dy is cast down
        "add_1": "32>32",
    }
    for prefix, dtypes in branches.items():
        found = [op for name, op in ops.items() if name.startswith(prefix) and op.type != "L2Loss"]
        assert found and {float_dtypes(op) for op in found} == {dtypes}, prefix


def test_the_first_input_of_the_picture_gradient_decides():
    step = graphs.style_step()
    ops = {op.name: op for op in plan(step, "allow_mix_precision").ops}
    last = [op for op in ops.values() if op.type == "AddN" and len(op.inputs) == 5]
    assert [float_dtypes(op) for op in last] == ["32>32"]
    assert "StridedSliceGrad" in last[0].rule


def test_reshape_follows_its_producer_except_under_force_fp16():
    reshapes = {}
    for mode in COLUMNS:
        ops = plan(graphs.style_step(), mode).ops
        reshapes[mode] = {op.name: float_dtypes(op) for op in ops if op.type == "Reshape"}
    forward, backward = "gram_relu1_1/Reshape", "gradients/gram_relu1_1/Reshape_grad/Reshape"
    # In allow_fp32_to_fp16 the forward one follows Relu, the backward one an AddN: both float32.
    assert [reshapes[mode][forward] for mode in COLUMNS] == ["16>16", "32>32", "16>16", "32>32"]
    assert [reshapes[mode][backward] for mode in COLUMNS] == ["16>16", "32>32", "16>16", "32>32"]


def test_early_2022_leaves_products_on_the_vector_unit():
    ops = plan(graphs.style_step(), "allow_fp32_to_fp16", profile="early_2022").ops
    assert {(op.dtypes, op.unit) for op in ops if op.type == "MatMulV2"} == {("32,32>32", "vector")}
    assert {op.dtypes for op in ops if op.type == "Conv2D"} == {"16,16,16>16"}


def test_matmul32_keeps_gram_matrices_in_float32():
    ops = plan(graphs.style_step(), MATMUL32).ops
    assert {(op.dtypes, op.unit, op.rule) for op in ops if op.type == "MatMulV2"} == {
        ("16,16>32", "cube", "customised dtypes")
    }
    assert all(op.dtypes == "32>32" for op in ops if re.fullmatch(r"gram_relu\d_1/truediv/Muls", op.name))


def test_what_the_card_refuses():
    failures = plan(graphs.style_step(), "must_keep_origin_dtype").failures
    assert {op.type for op in failures} == {"Conv2D", "Conv2DBackpropInputD"}
    assert plan(graphs.style_step(), "force_fp16").failures == ()


def test_constants_beyond_float16_are_listed():
    # A divisor is a constant where the compiler makes no product of the division.
    result = plan(graphs.style_step(96), "allow_mix_precision", profile="early_2022")
    constants = {item.consumer: item for item in result.constants}
    assert constants["gram_relu1_1/truediv"].saturated == 1  # 96 * 96 * 8 = 73728
    assert plan(graphs.style_step(96), "allow_mix_precision").constants == ()
    step = graphs.build(lambda: [tf.divide(tf.placeholder(tf.float32, (2, 3)), 1e8, name="small").name])
    (item,) = plan(step, "force_fp16").constants
    assert (item.consumer, item.position, item.flushed) == ("small/Muls", 1, 1)
    epsilon = plan(graphs.style_step(), "force_fp16").constants
    assert [(item.position, item.flushed) for item in epsilon] == [(8, 1)]


def test_unknown_types_keep_their_dtype():
    step = graphs.build(lambda: [tf.math.lgamma(tf.placeholder(tf.float32, (2, 3)), name="op").name])
    result = plan(step, "force_fp16")
    assert result.unknown_types == ("Lgamma",)
    for op in result.ops:
        if op.engine == "unknown":
            assert "float16" not in op.inputs + op.outputs


def test_rows_that_no_source_has_are_named():
    def make():
        x = tf.placeholder(tf.float32, (2, 3), name="x")
        return [tf.concat([x, tf.reciprocal(x)], 0, name="both").name]

    result = plan(graphs.build(make), "force_fp16")
    assert result.assumed_types == ("ConcatV2D", "Reciprocal")
    assert "kernel rows assumed: ConcatV2D, Reciprocal\n" in render_plan(result)
    assert plan(graphs.style_step(), "force_fp16").assumed_types == ()


def test_plan_survives_json():
    result = plan(graphs.style_step(), MATMUL32)
    assert DtypePlan.model_validate_json(result.model_dump_json()) == result


def test_diff_shows_only_what_differs():
    one, other = (plan(graphs.style_step(), mode) for mode in ("allow_mix_precision", MATMUL32))
    assert diff_plans(one, one) == ()
    differing = {difference.name for difference in diff_plans(one, other)}
    assert "gram_relu1_1/MatMul" in differing and "conv1_1/Conv2D" not in differing


def test_totals():
    result = plan(graphs.style_step(), "allow_mix_precision")
    totals = result.totals()
    assert [sum(column) for column in zip(*totals.units.values())] == [
        len(result.ops),
        totals.flops,
        totals.bytes_moved,
    ]
    assert totals.units["cube", "float16"].ops == 41  # 13 convolutions twice, 15 products
    assert totals.casts == len(result.casts)
    # neural-style: 361,152 MAC per pixel forward to relu5_1 and as many back, of a network 8 times narrower:
    # 64 times less, except for conv1_1, whose 3 input channels are not.
    pixels = 32 * 32
    convolutions = sum(op.flops for op in result.ops if op.type in ("Conv2D", "Conv2DBackpropInputD"))
    biases = sum(op.outputs == ("float16",) and op.type == "Conv2D" for op in result.ops)
    assert biases == 13
    expected = 2 * 2 * pixels * ((361152 - 1728) / 64 + 1728 / 8)
    assert abs(convolutions - expected) < 0.01 * expected
    least = sum(op.bytes_moved for op in result.ops) / 1.2e12
    assert totals.roofline_seconds > least
