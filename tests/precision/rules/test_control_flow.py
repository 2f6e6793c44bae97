"""Plans of loops and branches: what is in their bodies is planned, in whichever control flow they are spelt."""

import os
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf

from harness.precision import load_config, plan_graph, render_plan
from harness.precision.graph.inlining import inline_functions
from tests.precision import control_flow

PLANS = Path(__file__).parent / "plans"


def _plan(maker, functional, mode):
    graph_def, _ = control_flow.build(getattr(control_flow, maker), functional)
    return plan_graph(inline_functions(graph_def).graph_def, ["out:0"], load_config(mode))


@pytest.mark.parametrize("mode", ["allow_mix_precision", "force_fp16", "must_keep_origin_dtype", "allow_fp32_to_fp16"])
@pytest.mark.parametrize("maker", ["conditional", "loop", "nested"])
def test_both_control_flows_give_what_computes_the_same_dtypes(maker, mode):
    plans = [_plan(maker, functional, mode) for functional in (True, False)]
    computing = [sorted((op.type, op.dtypes) for op in plan.ops if op.unit in ("cube", "vector")) for plan in plans]
    assert computing[0] == computing[1] and any(op.startswith("MatMul") for op, _ in computing[0])


def test_every_branch_of_a_case_is_planned_alike_in_every_tensorflow():
    plan = _plan("chosen", True, "allow_mix_precision")
    computing = sorted((op.type, op.dtypes) for op in plan.ops if op.unit in ("cube", "vector"))
    assert computing == [
        ("Cast", "32>int32"),
        ("MatMulV2", "16,16>16"),
        ("MatMulV2", "16,16>16"),
        ("Mul", "16,16>16"),
        ("Relu", "16>16"),
        ("Sub", "32,32>32"),
    ]


def test_the_next_value_of_a_loop_is_cast_only_where_its_dtype_differs():
    plan = _plan("loop", True, "force_fp16")
    dtypes = {op.name: op for op in plan.ops}
    assert dtypes["while/body/MatMul"].outputs == ("float16",)
    for cast in plan.casts:
        assert cast.source != cast.target
        if cast.consumer in dtypes and cast.producer in dtypes and cast.position >= 0:
            assert cast.source in dtypes[cast.producer].outputs
            assert cast.target == dtypes[cast.consumer].inputs[cast.position]


def test_what_a_loop_repeats_is_said_to_be_counted_once():
    (told,) = [told for told in _plan("loop", True, "force_fp16").remarks if told.code == "ops_in_loops"]
    names = {op.name for op in _plan("loop", True, "force_fp16").ops}
    assert told.values["ops"] == sum(name.startswith("while/") and "/exit" not in name for name in names)
    assert _plan("conditional", True, "force_fp16").remarks == ()


@pytest.mark.parametrize("mode", ["allow_mix_precision", "force_fp16"])
@pytest.mark.parametrize("maker", ["recurrent", "choosing"])
def test_the_plan_of_loops_and_branches_is_the_stored_one_in_every_tensorflow(maker, mode):
    path = PLANS / f"{maker}.{mode}.txt"
    text = render_plan(_plan(maker, True, mode))
    if os.environ.get("STORE_PLANS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("functional", [True, False])
def test_within_a_loop_each_op_follows_what_the_loop_begins_with(functional):
    def doubled():
        x = tf.placeholder(tf.float32, (2, 3), name="x")
        first = tf.matmul(x, tf.ones((3, 3)), name="first")
        again = tf.while_loop(lambda step, value: step < 4, lambda step, value: (step + 1, value * 2.0), [0, first])
        tf.identity(again[1], name="out")

    graph_def, _ = control_flow.build(doubled, functional)
    plan = plan_graph(inline_functions(graph_def).graph_def, ["out"], load_config("allow_mix_precision"))
    ops = [op.type for op in plan.ops]
    assert {op.dtypes for op in plan.ops if op.type in ("Enter", "Switch", "Mul", "Muls", "NextIteration")} <= {
        *("16>16", "16,bool>16,16", "16,16>16")
    }
    assert ops.index("Enter") < ops.index("Merge") < ops.index("Switch") < ops.index("Mul") < ops.index("NextIteration")
