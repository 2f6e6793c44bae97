"""One op at a time: the matchers, the gray rule's table, lists, overrides, engine choice."""

import pytest
import tensorflow.compat.v1 as tf

from harness.precision import CustomDtypes, MixList, PrecisionConfig, PrecisionConfigError, load_config, plan_graph
from harness.precision.rules.judge import reduce, rise
from harness.remark import remark
from tests.precision import graphs

ROWS = {0: "float16", 1: "float32", 2: "float16", 3: "int32"}


@pytest.mark.parametrize(
    "want, rows, expected",
    [
        ("float16", [0, 1, 2], [0, 2]),
        ("float16", [1], [1]),
        ("float32", [0, 1], [1]),
        ("float32", [0, 2], None),
        ("float64", [0, 1], None),
        ("int32", [0, 3], [3]),
        ("int32", [0, 1], None),
    ],
)
def test_rise(want, rows, expected):
    assert rise(want, rows, ROWS) == expected


@pytest.mark.parametrize(
    "want, rows, expected",
    [("float32", [0, 1, 2], [0, 2]), ("float32", [1], None), ("float16", [0, 1], None), ("int32", [0, 3], None)],
)
def test_reduce(want, rows, expected):
    assert reduce(want, rows, ROWS) == expected


def half(name):
    """A tensor that allow_mix_precision makes float16: the result of a white op."""
    x = tf.placeholder(tf.float32, (4, 4), name=name + "_x")
    return tf.matmul(x, x, name=name)


def single(name):
    """An op output that stays float32: a black op's."""
    return tf.reduce_mean(tf.placeholder(tf.float32, (4, 4, 2), name=name + "_x"), axis=2, name=name)


def constant(_):
    return tf.constant([[1.5] * 4] * 4)


def variable(name):
    return tf.get_variable(name, (4, 4), use_resource=True).read_value()


def decide(make, config="allow_mix_precision", name="op"):
    """Plan a graph of one function and return the op of this name."""
    step = graphs.build(lambda: [make().op.name])
    config = load_config(config) if isinstance(config, str) else config
    return next(op for op in plan_graph(step.graph_def, step.fetches, config).ops if op.name == name)


@pytest.mark.parametrize(
    "first, second, expected",
    [
        (half, half, "16,16>16"),
        (half, single, "16,16>16"),
        (single, half, "32,32>32"),
        (constant, half, "16,16>16"),
        (variable, half, "16,16>16"),
        (half, constant, "16,16>16"),
        (variable, constant, "32,32>32"),
    ],
)
def test_gray_op_follows_its_first_producer_constants_last(first, second, expected):
    assert decide(lambda: tf.multiply(first("a"), second("b"), name="op")).dtypes == expected


def test_gray_op_without_float32_row_takes_float16():
    op = decide(lambda: tf.nn.max_pool(tf.placeholder(tf.float32, (1, 4, 4, 1)), 2, 2, "SAME", name="op"))
    assert op.dtypes == "16>16"


def test_variadic_op_follows_the_first_input_that_is_no_constant():
    assert decide(lambda: tf.add_n([constant(""), half("a"), single("b")], name="op")).dtypes == "16,16,16>16"


def test_gray_op_looks_through_a_cast_that_widens():
    def make():
        narrow = tf.cast(half("a"), tf.float16)
        return tf.negative(tf.cast(narrow, tf.float32), name="op")

    assert decide(make).dtypes == "16>16"
    black = PrecisionConfig("allow_mix_precision", MixList(added=(("black", "Cast"),)))
    assert decide(make, black).dtypes == "32>32"


def test_explicit_casts_keep_their_dtypes():
    op = decide(lambda: tf.cast(half("a"), tf.float16, name="op"), "force_fp16")
    assert op.dtypes == "32>16"


def test_white_black_and_gray_lists():
    def make():
        return tf.add(single("a"), single("b"), name="op")

    assert decide(make).dtypes == "32,32>32"
    white = PrecisionConfig("allow_mix_precision", MixList(added=(("white", "Add"),)))
    assert decide(make, white).dtypes == "16,16>16"


def test_black_op_that_has_only_float16_kernels_leaves_ai_core():
    black = PrecisionConfig("allow_mix_precision", MixList(added=(("black", "Conv2D"), ("black", "MaxPool"))))

    def convolution():
        return tf.nn.conv2d(tf.placeholder(tf.float32, (1, 4, 4, 1)), tf.ones((1, 1, 1, 1)), 1, "SAME", name="op")

    def pool():
        return tf.nn.max_pool(tf.placeholder(tf.float32, (1, 4, 4, 1)), 2, 2, "SAME", name="op")

    assert decide(convolution, black).engine == "compile_error"
    assert decide(pool, black).engine == "ai_cpu_fp32"
    assert decide(pool, black).dtypes == "32>32"


def test_gray_convolution_with_float32_bias_reaches_the_float32_output():
    # The bias of a gray Conv2D is a float32 variable: the second row's only way in without customize_dtypes.
    def make():
        x = tf.placeholder(tf.float32, (1, 4, 4, 1))
        bias = tf.get_variable("bias", (1,), use_resource=True)
        return tf.nn.bias_add(tf.nn.conv2d(x, tf.ones((1, 1, 1, 1)), 1, "SAME", name="op"), bias)

    gray = PrecisionConfig("allow_mix_precision", MixList(removed=(("white", "Conv2D"),)))
    assert decide(make, gray).dtypes == "16,16,32>32"


def test_float64_is_no_float_for_ai_core():
    def make():
        wide = tf.cast(tf.placeholder(tf.float64, (4,)), tf.float32)
        return tf.cast(tf.negative(tf.cast(wide, tf.float64)), tf.float32, name="op")

    assert decide(make, "force_fp16").dtypes == "float64>32"


def test_keep_dtype_scope_keeps_what_a_kernel_allows():
    step = graphs.build(lambda: [tf.negative(tf.placeholder(tf.float32, 4), name="op").op.name])
    graph_def = step.graph_def
    next(node for node in graph_def.node if node.name == "op").attr["_keep_dtype"].i = 1
    assert plan_graph(graph_def, step.fetches, load_config("force_fp16")).ops[0].dtypes == "32>32"


# customize_dtypes


def custom(*entries, mode="allow_mix_precision"):
    return PrecisionConfig(mode, custom_dtypes=entries)


def product():
    return tf.matmul(single("a"), single("b"), name="op")


def test_a_name_beats_a_type():
    by_type = CustomDtypes("MatMulV2", True, ("float16", "float16"), ("float32",))
    by_name = CustomDtypes("op", False, (), ("float16",))
    assert decide(product, custom(by_type)).dtypes == "16,16>32"
    assert decide(product, custom(by_type, by_name)).dtypes == "16,16>16"


def test_an_absent_bias_is_free():
    entry = CustomDtypes("MatMulV2", True, ("float16", "float16", "float16"), ("float32",))
    assert decide(product, custom(entry)).dtypes == "16,16>32"


def test_dtypes_no_kernel_has_are_refused():
    op = decide(product, custom(CustomDtypes("MatMulV2", True, ("float32", "float16"), ())))
    assert (op.engine, op.dtypes) == ("compile_error", "32,32>32")


def test_customised_op_skips_the_float_test():
    # Black MaxPool would be refused; a customised one is taken.
    config = PrecisionConfig(
        "allow_mix_precision",
        MixList(added=(("black", "MaxPool"),)),
        (CustomDtypes("MaxPool", True, ("float16",), ("float16",)),),
    )
    op = decide(lambda: tf.nn.max_pool(tf.placeholder(tf.float32, (1, 4, 4, 1)), 2, 2, "SAME", name="op"), config)
    assert (op.engine, op.dtypes) == ("ai_core", "16>16")


def test_customised_dtypes_rest_under_must_keep():
    config = custom(CustomDtypes("MatMulV2", True, ("float16", "float16"), ()), mode="must_keep_origin_dtype")
    step = graphs.build(lambda: [product().op.name])
    plan = plan_graph(step.graph_def, step.fetches, config)
    assert {op.dtypes for op in plan.ops if op.type == "MatMulV2"} == {"32,32>32"}
    assert plan.remarks == (remark("customized_mode_without_effect", mode="must_keep_origin_dtype"),)


def test_names_are_checked_against_the_graph(tmp_path):
    path = tmp_path / "custom.cfg"
    path.write_text("nowhere::InputDtype:float16")
    step = graphs.build(lambda: [product().op.name])
    config = load_config("allow_mix_precision", custom_dtypes=path)
    with pytest.raises(PrecisionConfigError) as caught:
        plan_graph(step.graph_def, step.fetches, config)
    assert str(caught.value) == f"{path.name}: line 1 'nowhere': expected the name of an op in the graph"
    assert plan_graph(step.graph_def, step.fetches, config, check_names=False).remarks == ()


def test_too_many_dtypes_for_a_named_op():
    entry = CustomDtypes("op", False, ("float16",) * 4, (), source="f: line 1 'op'")
    with pytest.raises(PrecisionConfigError, match="at most the 3 input and 1 output dtypes of MatMulV2"):
        decide(product, custom(entry))


def test_a_fused_op_is_remarked():
    entry = CustomDtypes("conv1_1/BiasAdd", False, ("float16",), ())
    step = graphs.style_step()
    plan = plan_graph(step.graph_def, step.fetches, custom(entry))
    assert plan.remarks == (remark("customized_op_renamed", op="conv1_1/BiasAdd", made="conv1_1/Conv2D"),)


def remarks_on(config):
    step = graphs.style_step()
    return plan_graph(step.graph_def, step.fetches, config).remarks


def test_listed_types_without_effect_are_remarked_and_typing_errors_named():
    added = tuple(("black", name) for name in ("MatMu1V2", "SoftmaxV2", "NoSuchThing", "Sub"))
    lists = MixList(added=(*added, ("gray", "L2Loss")), removed=(("white", "Muls"),))
    assert remarks_on(PrecisionConfig("allow_mix_precision", lists)) == (
        remark("type_mistyped", file="mixlist", type="MatMu1V2", like="MatMulV2"),
        remark("types_without_effect", file="mixlist", types=("SoftmaxV2", "NoSuchThing")),
        remark("mixlist_gray_alone", type="L2Loss"),
        remark("mixlist_not_on_list", type="Muls", list="white", actual="gray"),
    )


def test_customised_types_without_effect_are_remarked():
    def entry(name):
        return CustomDtypes(name, True, ("float16",), (), source=f"own.cfg: line 1 '{name}'")

    assert remarks_on(custom(entry("MatMulV2"), entry("Loglp"), entry("Cast"))) == (
        remark("type_mistyped", file="customize_dtypes", type="Loglp", like="Log1p"),
        remark("types_without_effect", file="customize_dtypes", types=("Cast",)),
        remark("customized_type_without_effect", type="Cast"),
    )
    assert remarks_on(load_config("allow_mix_precision+matmul32")) == ()


def test_the_name_that_a_fusion_gives_an_op_is_the_one_to_customise():
    config = custom(CustomDtypes("gram_relu1_1/truediv/Muls", False, ("float32",), ("float32",)))
    step = graphs.style_step()
    plan = plan_graph(step.graph_def, step.fetches, config)
    assert next(op.dtypes for op in plan.ops if op.name == "gram_relu1_1/truediv/Muls") == "32>32"


def test_an_entry_for_tensors_that_are_not_there_fits_no_kernel():
    op = decide(product, custom(CustomDtypes("MatMulV2", True, ("", "", "float32"), ())))
    assert (op.engine, op.rule) == ("compile_error", "no kernel row has the customised dtypes")
