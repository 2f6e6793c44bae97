"""Ops of the vendor's table that nothing here treats specially: rounded operands in, TensorFlow's result rounded."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import load_config, plan_graph
from tests.precision import graphs, interpreter
from tests.precision.emission.test_rounded import emitted_values

RANDOM = np.random.RandomState(3)
VALUES, OTHERS = RANDOM.uniform(0.1, 0.9, (2, 4, 4)).astype(np.float32)

OPS = {
    "Asinh": tf.math.asinh,
    "Atan2": lambda x: tf.math.atan2(x, OTHERS),
    "Atanh": tf.math.atanh,
    "BesselI0e": tf.math.bessel_i0e,
    "BesselI1e": tf.math.bessel_i1e,
    "Cosh": tf.math.cosh,
    "Diag": lambda x: tf.raw_ops.Diag(diagonal=x),
    "DiagPart": lambda x: tf.raw_ops.DiagPart(input=x),
    "Erfc": tf.math.erfc,
    "InplaceUpdateD": lambda x: tf.raw_ops.InplaceUpdate(x=x, i=[2, 0], v=OTHERS[:2]),
    "Sinh": tf.math.sinh,
    "SpaceToBatchD": lambda x: tf.raw_ops.SpaceToBatch(
        input=tf.reshape(x, (1, 4, 4, 1)), paddings=[[0, 0], [0, 0]], block_size=2
    ),
    "TruncateMod": lambda x: tf.raw_ops.TruncateMod(x=x, y=OTHERS),
    "Xlog1py": lambda x: tf.raw_ops.Xlog1py(x=x, y=OTHERS),
}


def _half(values):
    return interpreter.to_half(values).astype(np.float32)


@pytest.mark.parametrize("op", [op for op in OPS if hasattr(tf.raw_ops, op.rstrip("D"))])
def test_an_op_has_float16_operands_and_a_float16_result(op):
    def make():
        return [tf.identity(OPS[op](tf.placeholder(tf.float32, VALUES.shape, name="x")), name="out").name]

    step = graphs.build(make)
    planned = {
        planned.type: planned for planned in plan_graph(step.graph_def, step.fetches, load_config("force_fp16")).ops
    }
    assert {dtype for dtype in planned[op].inputs + planned[op].outputs if dtype.startswith("float")} == {"float16"}
    (found,) = emitted_values(step, "force_fp16", {"x:0": VALUES})
    np.testing.assert_array_equal(found, _half(found))
    if op in ("Asinh", "Atanh", "Cosh", "Diag", "DiagPart", "Erfc", "Sinh", "SpaceToBatchD"):
        (plain,) = graphs.run(step.graph_def, step.fetches, {"x:0": _half(VALUES)})
        np.testing.assert_array_equal(found, _half(plain))


SCATTERS = {
    "Div": np.divide,
    "Max": np.maximum,
    "Mul": np.multiply,
    "NdAdd": np.add,
    "NdUpdate": lambda old, new: new,
    "Sub": np.subtract,
    "Update": lambda old, new: new,
}


@pytest.mark.parametrize("op", SCATTERS)
def test_a_scatter_has_its_whole_variable_in_float16(op):
    def make():
        variable = tf.get_variable("v", initializer=tf.constant(VALUES), use_resource=True)
        rows = tf.placeholder(tf.float32, (2, 4), name="x")
        is_nd = op.startswith("Nd")
        where = {"ref" if is_nd else "resource": variable.handle, "indices": [[3], [1]] if is_nd else [3, 1]}
        scatter = getattr(tf.raw_ops, f"ResourceScatter{op}")(updates=rows, **where)
        with tf.control_dependencies([scatter]):
            return [tf.identity(variable.read_value(), name="out").name]

    step = graphs.build(make)
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    assert {planned.type: planned.dtypes for planned in plan.ops}[f"Scatter{op}"] == "16,int32,16>16"
    (found,) = emitted_values(step, "force_fp16", {"x:0": OTHERS[:2]})
    expected = _half(VALUES)
    expected[[3, 1]] = _half(SCATTERS[op](expected[[3, 1]], _half(OTHERS[:2])))
    np.testing.assert_array_equal(found, expected)


def test_what_is_added_at_constant_indices_has_the_kernel_of_those():
    def make():
        x = tf.placeholder(tf.float32, VALUES.shape, name="x")
        return [tf.identity(tf.raw_ops.InplaceAdd(x=x, i=[2, 0], v=OTHERS[:2]), name="out").name]

    step = graphs.build(make)
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    assert [(planned.type, planned.dtypes) for planned in plan.ops] == [("InplaceAddD", "16,16>16")]
    expected = _half(VALUES)
    expected[[2, 0]] = _half(expected[[2, 0]] + _half(OTHERS[:2]))
    np.testing.assert_array_equal(emitted_values(step, "force_fp16", {"x:0": VALUES})[0], expected)


UPDATES = {
    "ApplyAddSignD": lambda x, a, b, c: tf.raw_ops.ResourceApplyAddSign(
        var=a, m=b, lr=0.1, alpha=1.0, sign_decay=0.9, beta=0.9, grad=x
    ),
    "ApplyFtrlV2D": lambda x, a, b, c: tf.raw_ops.ResourceApplyFtrlV2(
        var=a, accum=b, linear=c, grad=x, lr=0.1, l1=0.0, l2=0.0, l2_shrinkage=0.0, lr_power=-0.5
    ),
    "SparseApplyRMSPropD": lambda x, a, b, c: tf.raw_ops.ResourceSparseApplyRMSProp(
        var=a, ms=b, mom=c, lr=0.1, rho=0.9, momentum=0.5, epsilon=1e-3, grad=x[:2], indices=[0, 2]
    ),
    "StridedSliceAssignD": lambda x, a, b, c: tf.raw_ops.ResourceStridedSliceAssign(
        ref=a, begin=[0, 0], end=[2, 4], strides=[1, 1], value=x[:2]
    ),
}


@pytest.mark.parametrize("op", UPDATES)
def test_an_update_with_constant_inputs_has_the_kernel_of_those(op):
    def make():
        x = tf.placeholder(tf.float32, VALUES.shape, name="x")
        variables = [tf.get_variable(name, initializer=tf.constant(VALUES), use_resource=True) for name in "abc"]
        with tf.control_dependencies([UPDATES[op](x, *(variable.handle for variable in variables))]):
            return [tf.identity(variables[0].read_value(), name="out").name]

    step = graphs.build(make)
    assert op in {planned.type for planned in plan_graph(step.graph_def, step.fetches, load_config("force_fp16")).ops}
    (plain,) = graphs.run(step.graph_def, step.fetches, {"x:0": OTHERS}, initialize=step.initialize)
    (found,) = emitted_values(step, "force_fp16", {"x:0": OTHERS})
    np.testing.assert_allclose(found, plain, rtol=4e-3)
    if op != "SparseApplyRMSPropD":  # whose kernel has float32 alone
        np.testing.assert_array_equal(found, _half(found))
