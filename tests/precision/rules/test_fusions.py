"""The fusions that decide dtypes: which nodes they take, which they leave, and how they are switched off."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import load_config, plan_graph
from harness.precision.rules.ascend_ops import _CLOSABLE_FORMS
from harness.precision.rules.config import PrecisionConfig
from harness.precision.rules.fusion_switch import CLOSABLE, FusionSwitch
from harness.precision.rules.fusions import PASSES
from harness.remark import remark
from tests.precision import graphs


def placeholder(name, *shape, dtype=tf.float32):
    return tf.placeholder(dtype, shape, name=name)


def variable(name, *shape):
    return tf.get_variable(name, shape, use_resource=True)


def ops_of(make, mode="allow_mix_precision", off=(), **options):
    """Type, dtypes and nodes of each op, by name."""
    step = graphs.build(lambda: [made.name for made in make()])
    config = load_config(mode, **options)
    if off:
        switches = tuple(FusionSwitch("GraphFusion", name, False) for name in off)
        config = PrecisionConfig(mode, fusion_switches=switches)
    return {op.name: op for op in plan_graph(step.graph_def, step.fetches, config).ops}


def types(ops):
    return sorted(op.type for op in ops.values())


def test_the_passes_that_can_be_switched_off_are_known_passes():
    names = {entry.name for entry in PASSES} | set(_CLOSABLE_FORMS.values())
    assert names >= CLOSABLE and not CLOSABLE & {"AABiasaddConvFusion", "SingleBatchNormFusion", "DreluFusionPass"}


# Biases


@pytest.mark.parametrize("side", ["BiasAdd", "right", "left"])
def test_a_product_takes_in_its_bias(side):
    def make():
        product, bias = tf.matmul(placeholder("x", 2, 3), variable("w", 3, 4), name="product"), variable("b", 4)
        if side == "BiasAdd":
            return [tf.nn.bias_add(product, bias)]
        return [product + bias if side == "right" else bias + product]

    (op,) = ops_of(make).values()
    assert (op.name, op.type, op.dtypes, len(op.nodes)) == ("product", "MatMulV2", "16,16,16>16", 2)
    (op,) = ops_of(make, "allow_mix_precision+matmul32").values()
    assert op.dtypes == "16,16,32>32"
    assert types(ops_of(make, off=["MatMulBiasAddFusionPass"])) == [
        "Add" if side != "BiasAdd" else "BiasAdd",
        "MatMulV2",
    ]


def test_a_product_keeps_what_is_no_bias_of_its_own():
    def matrix():
        return [tf.matmul(placeholder("x", 2, 4), variable("w", 4, 4)) + variable("b", 1, 4)]

    def read_twice():
        product = tf.matmul(placeholder("x", 2, 4), variable("w", 4, 4))
        return [product + variable("b", 4), tf.negative(product)]

    def fetched():
        product = tf.matmul(placeholder("x", 2, 4), variable("w", 4, 4))
        return [product + variable("b", 4), product]

    def unknown():
        product = tf.matmul(tf.placeholder(tf.float32, (2, None)), tf.placeholder(tf.float32, (None, None)))
        return [product + variable("b", 4)]

    for make in (matrix, read_twice, fetched, unknown):
        assert "Add" in types(ops_of(make)), make


def test_a_convolution_takes_in_stored_biases_alone():
    def make(bias, add=tf.nn.bias_add):
        convolved = tf.nn.conv2d(placeholder("x", 1, 4, 4, 1), variable("w", 1, 1, 1, 3), [1, 1, 1, 1], "SAME")
        return [add(convolved, bias())]

    assert types(ops_of(lambda: make(lambda: variable("b", 3)))) == ["Conv2D"]
    assert types(ops_of(lambda: make(lambda: tf.constant([1.0, 2, 3])))) == ["Conv2D"]
    assert types(ops_of(lambda: make(lambda: placeholder("b", 3)))) == ["BiasAdd", "Conv2D"]
    assert types(ops_of(lambda: make(lambda: tf.constant([1.0, 2, 3]), tf.add))) == ["Conv2D"]
    assert types(ops_of(lambda: make(lambda: variable("b", 3), tf.add))) == ["Add", "Conv2D"]
    assert types(ops_of(lambda: make(lambda: tf.constant(1.0), tf.add))) == ["Add", "Conv2D"]


# Batch normalisation


def batch_norm(source, training, stored=None):
    names = ("scale", "offset") if training else ("scale", "offset", "mean", "variance")
    values = [stored(4) if stored else variable(name, 4) for name in names]
    return tf.nn.fused_batch_norm(source, *values, is_training=training, name="bn")


def convolved():
    return tf.nn.conv2d(placeholder("x", 2, 4, 4, 4), variable("w", 1, 1, 4, 4), [1, 1, 1, 1], "SAME")


def test_statistics_of_a_batch_stay_float32_where_its_data_are_float16():
    ops = ops_of(lambda: batch_norm(convolved(), True))
    assert ops["bn_Reduce"].type == "BNTrainingReduce" and ops["bn_Reduce"].dtypes == "16>32,32"
    assert ops["bn_UpdateV3"].type == "BNTrainingUpdateV3"
    assert ops["bn_UpdateV3"].dtypes == "16,32,32,32,32>16,32,32,32,32"
    assert ops_of(lambda: batch_norm(convolved(), True), "must_keep_origin_dtype")["bn_Reduce"].dtypes == "32>32,32"


def test_inference_has_a_kernel_for_constants_and_one_for_variables():
    stored = ops_of(lambda: batch_norm(convolved(), False)[:1])["bn"]
    assert (stored.type, stored.dtypes) == ("BNInfer", "16,32,32,32,32>16")
    frozen = ops_of(lambda: batch_norm(convolved(), False, lambda size: tf.constant([1.0] * size))[:1])["bn"]
    # Its constants are narrowed with the data.
    assert (frozen.type, frozen.dtypes) == ("BNInference", "16,16,16,16,16>16")
    assert "BatchNorm" in types(ops_of(lambda: batch_norm(convolved(), False)))


def test_the_gradient_of_a_batch_norm_is_two_ops():
    def make():
        y = batch_norm(convolved(), True)[0]
        return tf.gradients(tf.reduce_sum(tf.nn.relu(y)), tf.global_variables())

    ops = {op.type: op for op in ops_of(make).values()}
    assert ops["BNTrainingUpdateGrad"].dtypes == "16,16,32,32>32,32"
    assert ops["BNTrainingReduceGrad"].dtypes == "16,16,32,32,32,32,32>16"
    assert ops["BNTrainingReduceGrad"].name.endswith("_Reduce")


def with_averages(use_resource=True, factor=lambda: 0.1, written=None, also_read=False):
    """Batch norm in training, and moving averages of its statistics."""
    y, mean, variance = batch_norm(convolved(), True)
    updates = []
    for name, statistic in (("moving_mean", mean), ("moving_variance", variance)):
        average = tf.get_variable(name, 4, use_resource=use_resource)
        difference = tf.multiply(average - statistic, factor())
        updates.append(tf.assign_sub(written(average) if written else average, difference).op)
    return [y, *updates] + ([tf.negative(mean)] if also_read else [])


@pytest.mark.parametrize("mode", ["allow_mix_precision", "force_fp16"])
@pytest.mark.parametrize("use_resource", [True, False])
def test_moving_averages_are_outputs_of_their_batch_norm_and_stay_float32(use_resource, mode):
    ops = ops_of(lambda: with_averages(use_resource), mode)
    assert types(ops) == ["BNTrainingReduce", "BNTrainingUpdate", "Conv2D"]
    assert ops["bn_Reduce"].dtypes == "16>32,32"
    assert ops["bn_Update"].dtypes == "16,32,32,32,32,32,32>16,32,32,32,32" and len(ops["bn_Update"].nodes) == 7


@pytest.mark.parametrize(
    "options",
    [
        {"also_read": True},
        {"factor": lambda: placeholder("factor")},
        {"written": lambda average: variable(average.op.name + "_copy", 4)},
    ],
)
def test_what_is_no_moving_average_of_its_own_stays_apart(options):
    found = types(ops_of(lambda: with_averages(**options)))
    assert "BNTrainingUpdateV3" in found and found.count("AssignSub") == 2


def test_the_gradient_of_a_batch_norm_with_given_statistics():
    def gradients(of):
        loss = tf.reduce_sum(tf.nn.relu(batch_norm(convolved(), False)[0]))
        return tf.gradients(loss, [variable for variable in tf.global_variables() if variable.op.name in of])

    ops = {op.type: op for op in ops_of(lambda: gradients(["w", "scale", "offset"])).values()}
    assert ops["BNTrainingUpdateGrad"].dtypes == "16,16,32,32>32,32"
    assert ops["BNInferGrad"].dtypes == "16,32,32>16" and ops["BNInferGrad"].name.endswith("_Infer")
    ops = {op.type: op for op in ops_of(lambda: gradients(["w"])).values()}
    assert ops["BNInferGrad"].dtypes == "16,32,32>16" and ops["BNInferGrad"].name == ops["BNInferGrad"].nodes[0]
    assert "BNTrainingUpdateGrad" not in ops


# Softmax and its losses


def test_sparse_labels_become_dense_ones():
    def make():
        logits = tf.matmul(placeholder("x", 2, 4), variable("w", 4, 3))
        labels = placeholder("labels", 2, dtype=tf.int32)
        return [tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)]

    ops = {op.type: op for op in ops_of(make).values()}
    assert ops["OneHotD"].dtypes == "int32>32"
    assert ops["SoftmaxCrossEntropyWithLogits"].dtypes == "16,16>16,16"
    closed = {op.type: op for op in ops_of(make, off=["SparseSoftMaxFusionPass"]).values()}
    assert closed["SparseSoftmaxCrossEntropyWithLogits"].engine == "ai_cpu_fp32"


def test_the_gradient_of_softmax_as_tensorflow_spells_it():
    def make():
        y = tf.nn.softmax(tf.matmul(placeholder("x", 2, 4), variable("w", 4, 3)))
        return tf.gradients(tf.matmul(y, tf.ones((3, 1))), y) + tf.gradients(y, tf.trainable_variables())

    ops = ops_of(make)
    (found,) = [op for op in ops.values() if op.type == "ConfusionSoftmaxGrad"]
    assert found.dtypes in ("16,16>16", "32,32>32") and len(found.nodes) == 3
    assert "ReduceSumD" not in types(ops) and "Sub" not in types(ops)


def test_softmax_s_gradient_with_the_operands_the_other_way_round_is_black():
    def make():
        y, dy = (tf.nn.softmax(tf.matmul(placeholder(name, 2, 4), variable("w" + name, 4, 3))) for name in "ab")
        return [tf.multiply(y, dy - tf.reduce_sum(tf.multiply(y, dy, name="mul"), -1, keepdims=True))]

    ops = ops_of(make)
    found = ops["mul_softmax_grad"]
    assert (found.type, found.dtypes, found.rule) == ("SoftmaxGrad", "32,32>32", "black: keeps its dtype")
    closed = types(ops_of(make, off=["SoftmaxGradFusionPass"]))
    assert "SoftmaxGrad" not in closed and "ReduceSumD" in closed


# Arithmetic with constants


def test_squares():
    x = "product"

    def make(square):
        return [square(tf.matmul(placeholder("x", 2, 4), variable("w", 4, 3), name=x))]

    for square in (lambda x: tf.pow(x, 2.0), lambda x: x * x):
        ops = ops_of(lambda: make(square))  # noqa: B023
        (op,) = [op for op in ops.values() if op.name != x]
        # Pow is black, Square follows.
        assert (op.type, op.dtypes) == ("Square", "16>16") and op.name.endswith("/Square")
    assert "Pow" in types(ops_of(lambda: make(lambda x: tf.pow(x, 3.0))))
    assert "Pow" in types(ops_of(lambda: make(lambda x: tf.pow(x, 2.0)), off=["Pow2SquareFusionPass"]))
    assert "Mul" in types(ops_of(lambda: make(lambda x: x * tf.negative(x))))


@pytest.mark.parametrize(
    "divisor, options, expected",
    [
        (3.0, {}, "Muls"),
        ([3.0], {}, "Muls"),
        ([3.0, 4.0], {}, "RealDiv"),
        (1e-7, {}, "RealDiv"),
        (3.0, {"profile": "early_2022"}, "RealDiv"),
        (3.0, {"off": ["RealDiv2MulsFusionPass"]}, "RealDiv"),
        (3.0, {"off": ["ALL"]}, "RealDiv"),
    ],
)
def test_division_by_a_constant(divisor, options, expected):
    (op,) = ops_of(lambda: [tf.divide(placeholder("x", 3, 2), tf.constant(divisor), name="div")], **options).values()
    assert op.type == expected and op.name == ("div/Muls" if expected == "Muls" else "div")


def test_division_of_what_has_no_static_shape_stays():
    (op,) = ops_of(lambda: [tf.divide(tf.placeholder(tf.float32, (None, 2)), 3.0)]).values()
    assert op.type == "RealDiv"


# Attributes, and what is removed


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda x: tf.split(x, 2, 1), "SplitD"),
        (lambda x: tf.split(x, [1, 3], 1), "SplitVD"),
        (lambda x: tf.unstack(x), "Unpack"),
        (lambda x: [tf.gather(x, [1, 0])], "GatherV2D"),
        (lambda x: [tf.reverse(x, [0])], "ReverseV2D"),
        (lambda x: [tf.reduce_max(x, 0)], "ReduceMaxD"),
        (lambda x: [tf.reduce_max(x, placeholder("axis", dtype=tf.int32))], "ReduceMax"),
        (lambda x: [x[1:, ::2]], "StridedSliceD"),
        (lambda x: [tf.pad(x, [[1, 1], [0, 0]])], "PadD"),
        (lambda x: [tf.cumsum(x)], "CumsumD"),
        (lambda x: [tf.transpose(x)], "TransposeD"),
        (lambda x: [tf.one_hot([1, 2], 4, on_value=x[0, 0])], "OneHotD"),
        (lambda x: [tf.where(x > 0, x, -x)], "SelectV2"),
        (lambda x: [tf.nn.top_k(x, 2)[0]], "TopKD"),
    ],
)
def test_constant_inputs_become_attributes(make, expected):
    found = types(ops_of(lambda: make(placeholder("x", 2, 4))))
    assert expected in found or (expected == "SelectV2" and "Select" in found), found


def test_every_output_of_a_variadic_op_has_its_dtype():
    ops = ops_of(lambda: tf.split(tf.matmul(placeholder("x", 2, 4), variable("w", 4, 4)), 4, 1))
    (split,) = [op for op in ops.values() if op.type == "SplitD"]
    assert split.dtypes == "16>16,16,16,16"


@pytest.mark.parametrize("count, unpacks", [(64, [63]), (130, [63, 63, 4])])
def test_many_rows_are_split_off_before_they_are_unpacked(count, unpacks):
    def make(x):
        return tf.unstack(tf.matmul(x, variable("w", 2, 2)), num=count, name="rows")

    ops = ops_of(lambda: make(placeholder("x", count, 2)))
    assert ops["rows/SplitVDBase_node"].dtypes == "16>" + ",".join(["16"] * -(-count // 63))
    for number, size in enumerate(unpacks):
        assert ops[f"rows/Unpack{number}"].dtypes == "16>" + ",".join(["16"] * size)
    assert types(ops) == ["MatMulV2", "SplitVD", *["Unpack"] * len(unpacks)]
    assert types(ops_of(lambda: make(placeholder("x", None, 2)))) == ["MatMulV2", "Unpack"]


@pytest.mark.parametrize("count", [63, 63 * 63 + 1])
def test_a_few_rows_are_unpacked_at_once_and_so_are_too_many(count):
    assert types(ops_of(lambda: [tf.add_n(tf.unstack(placeholder("x", count, 2)))])) == ["AddN", "Unpack"]


def test_expanded_and_squeezed_tensors_are_seen_through():
    def make():
        x = tf.matmul(placeholder("x", 2, 4), variable("w", 4, 4), name="product")
        return [tf.negative(tf.squeeze(tf.expand_dims(x, 0), 0), name="out")]

    ops = ops_of(make)
    assert types(ops) == ["MatMulV2", "Neg"]
    assert ops["out"].rule == "gray: float16 like product"
    assert types(ops_of(make, "force_fp16")) == ["MatMulV2", "Neg"]


# What is said of the rest


def test_scope_fusions_are_assumed_not_to_happen_and_named():
    def make():
        for index in range(2):
            with tf.name_scope("block"), tf.name_scope("LayerNorm"):
                x = placeholder(f"x{index}", 2, 4) - 1.0
        return [x, tf.get_default_graph().get_tensor_by_name("block/LayerNorm/sub:0")]

    step = graphs.build(lambda: [made.name for made in make()])
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    assert plan.remarks == (
        remark("scope_fusion_assumed_absent", fusion="LayerNorm", scopes=2, first="block/LayerNorm"),
    )


def test_ops_of_the_host_keep_their_dtype_and_are_not_called_unknown():
    def make():
        loss = tf.matmul(placeholder("x", 2, 4), tf.ones((4, 1)))
        queue = tf.FIFOQueue(3, [tf.float32], name="queue")
        with tf.control_dependencies([queue.enqueue([loss], name="put")]):
            return [tf.identity(tf.summary.scalar("loss", tf.reduce_mean(loss)))]

    ops = ops_of(make, "force_fp16")
    step = graphs.build(lambda: [made.name for made in make()])
    plan = plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))
    assert plan.unknown_types == ()
    assert {(op.engine, op.unit) for op in ops.values() if op.type in ("ScalarSummary", "QueueEnqueueV2")} == {
        ("host", "host")
    }
    assert "float16" in [cast.source for cast in plan.casts if cast.consumer == "put"]


def test_loops_follow_what_goes_round_in_them():
    def make():
        tf.disable_control_flow_v2()
        x = tf.matmul(placeholder("x", 2, 4), variable("w", 4, 4))
        return [tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.negative(v)), (0, x))[1]]

    ops = ops_of(make)
    floats = [op for op in ops.values() if op.type in ("Enter", "Merge", "Switch", "Exit", "NextIteration", "Neg")]
    assert {op.engine for op in floats} == {"ai_core"} and len(floats) >= 6
    assert {dtype for op in floats for dtype in op.inputs + op.outputs if "float" in dtype} == {"float16"}


def test_a_random_constant_folds_before_the_fusions():
    (op,) = ops_of(lambda: [placeholder("x", 2, 3) / (tf.constant(np.float32(2)) * 2.0)]).values()
    assert op.type == "Muls"
