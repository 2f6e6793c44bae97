"""Plans of the further modes, and graphs that compute in bfloat16 and float16 themselves."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import MATMUL32, NoKernelError, emit_native, load_config, plan_graph
from harness.precision.rules.config import ALLOW_FP32_TO_BF16, ALLOW_FP32_TO_FP16, ALLOW_MIX, ALLOW_MIX_BF16
from tests.precision import graphs

STEPS = [graphs.style_step, graphs.residual_block, graphs.dense_step]
needs_kernels = pytest.mark.skipif(tf.__version__ < "2", reason="TensorFlow 1.15 has no bfloat16 convolutions")


def plan_of(step, mode):
    return plan_graph(step.graph_def, step.fetches, load_config(mode))


@pytest.mark.parametrize("make", STEPS)
@pytest.mark.parametrize("mode, twin", [(ALLOW_MIX_BF16, ALLOW_MIX), (ALLOW_FP32_TO_BF16, ALLOW_FP32_TO_FP16)])
def test_a_bf16_mode_decides_as_its_float16_twin(make, mode, twin):
    plans = [plan_of(make(), name) for name in (mode, twin)]
    decisions = [[(op.name, op.engine, op.dtypes) for op in plan.ops] for plan in plans]
    assert any("b16" in dtypes for _, _, dtypes in decisions[0])
    assert [(name, engine, dtypes.replace("b16", "16")) for name, engine, dtypes in decisions[0]] == decisions[1]
    assert plans[0].totals().bytes_cast == plans[1].totals().bytes_cast
    # bfloat16 has float32's range.
    assert plans[0].constants == ()
    assert plans[0].remarks[0].code == "bfloat16_refused" and not plans[1].remarks


def test_force_fp32_widens_what_the_cube_unit_gives_and_leaves_vectors_in_float32():
    plan = plan_of(graphs.style_step(), "force_fp32")
    dtypes = {}
    for op in plan.ops:
        dtypes.setdefault(op.type, set()).add(op.dtypes)
    assert dtypes["Conv2D"] == {"16,16,32>32"}
    assert dtypes["MatMulV2"] == {"16,16>32"}
    assert dtypes["Conv2DBackpropInputD"] == {"16,16>32"}
    # Pooling has no other kernel.
    assert dtypes["MaxPool"] == {"16>16"}
    assert {"32>32,uint8"} == dtypes["ReluV2"] and dtypes["L2Loss"] == {"32>32"}
    assert {op.engine for op in plan.ops} == {"ai_core"}
    assert plan_of(graphs.style_step(), "cube_fp16in_fp32out") == plan


@needs_kernels
@pytest.mark.parametrize("make", STEPS)
@pytest.mark.parametrize("mode", [ALLOW_MIX_BF16, ALLOW_FP32_TO_BF16])
def test_nodes_have_the_planned_dtypes_and_fetches_keep_theirs(make, mode):
    step = make()
    plan = plan_of(step, mode)
    before = step.graph_def.SerializeToString(deterministic=True)
    emitted = emit_native(step.graph_def, plan, keep=[step.initialize])
    assert step.graph_def.SerializeToString(deterministic=True) == before
    narrow = {name for op in plan.ops if op.is_narrow for name in op.nodes}
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(emitted, name="")  # checks the dtypes of both ends of every edge
        found = {
            operation.name.rsplit("/bfloat16", 1)[0]
            for operation in graph.get_operations()
            if operation.type != "Cast" and tf.bfloat16 in [tensor.dtype for tensor in operation.outputs]
        }
        fetches = [graph.as_graph_element(fetch) for fetch in step.fetches]
    constants = {name for name in found if name not in narrow}
    assert narrow == found - constants
    nodes = {node.name: node.op for node in emitted.node}
    assert all(nodes.get(f"{name}/bfloat16") == "Const" for name in constants)
    assert all(item.dtype == tf.float32 for item in fetches if isinstance(item, tf.Tensor))


@needs_kernels
def test_a_step_is_near_float32_and_not_equal_to_it():
    step = graphs.style_step()
    losses = []
    for mode in ("must_keep_origin_dtype", ALLOW_MIX_BF16, ALLOW_FP32_TO_BF16):
        emitted = emit_native(step.graph_def, plan_of(step, mode), keep=[step.initialize])
        losses.append(np.array(graphs.run(emitted, step.fetches, initialize=step.initialize, steps=3)[3:]))
    exact, mixed, reduced = losses
    for narrow in (mixed, reduced):
        # Eight bits, in a sum of many: no term is off by more than a few per cent.
        np.testing.assert_allclose(narrow, exact, rtol=0.05)
        assert not np.array_equal(narrow, exact)


@needs_kernels
def test_fetches_of_narrow_ops_may_be_fed():
    def make():
        x = tf.placeholder(tf.float32, (2, 2), name="x")
        middle = tf.matmul(x, [[1.0, 0.0], [0.0, 1.0]], name="middle")
        return [middle.name, tf.matmul(middle, [[2.0, 0.0], [0.0, 2.0]], name="last").name]

    step = graphs.build(make)
    emitted = emit_native(step.graph_def, plan_of(step, ALLOW_MIX_BF16))
    x = np.float32([[1.001, 2.0], [3.0, 4.0]])
    middle, last = graphs.run(emitted, step.fetches, {"x:0": x})
    assert middle.dtype == np.float32 and middle[0, 0] == 1.0
    np.testing.assert_array_equal(last, 2 * middle)
    fed = np.float32([[5.0, 6.0], [7.0, 8.0]])
    (last,) = graphs.run(emitted, step.fetches[1:], {"middle:0": fed})
    np.testing.assert_array_equal(last, 2 * fed)


@pytest.mark.parametrize(
    "mode, device, message",
    [
        (MATMUL32, "cpu", r"no kernel takes and gives 16,16>32 \(use --emit rounded\)"),
        ("force_fp32", "cpu", r"no kernel takes and gives 16,16,32>32 \(use --emit rounded\)"),
        ("force_fp16", "cpu", r"no kernel (computes in float16 on a float32 variable|takes and gives 16>32)"),
        (ALLOW_MIX_BF16, "tpu", r"TensorFlow \S+ has no bfloat16 kernel for it on this TPU"),
    ],
)
def test_what_no_kernel_computes_is_refused(mode, device, message):
    step = graphs.style_step()
    with pytest.raises(NoKernelError, match=message):
        emit_native(step.graph_def, plan_of(step, mode), device=device)


@pytest.mark.skipif(tf.__version__ >= "2", reason="TensorFlow 2 has bfloat16 convolutions")
def test_the_older_tensorflow_says_which_kernel_it_lacks():
    step = graphs.style_step()
    with pytest.raises(NoKernelError, match=r"Conv2D \S+: TensorFlow 1.15\S* has no bfloat16 kernel"):
        emit_native(step.graph_def, plan_of(step, ALLOW_MIX_BF16))


def test_a_plan_without_narrow_ops_changes_nothing():
    step = graphs.style_step()
    assert emit_native(step.graph_def, plan_of(step, "must_keep_origin_dtype")) is step.graph_def
