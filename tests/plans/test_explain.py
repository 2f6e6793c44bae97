import json
import re
import sys

import pytest
import tensorflow.compat.v1 as tf

import bench
from harness.modes import get, on_chip
from harness.plans.explain import Question
from harness.plans.explain import explain as plan_modes


@pytest.fixture
def explain(monkeypatch, capfd):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.py", "explain", *arguments])
        status = bench.main()
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def frozen(tmp_path):
    """Path of a small frozen graph: a convolution, a Relu, an op outside the table."""
    with tf.Graph().as_default() as graph:
        picture = tf.placeholder(tf.float32, (1, 8, 8, 4), name="picture")
        layer = tf.nn.relu(tf.nn.conv2d(picture, tf.ones((3, 3, 4, 8)), [1, 1, 1, 1], "SAME", name="conv"), name="relu")
        tf.identity(tf.lgamma(layer, name="strange"), name="out")
        path = tmp_path / "frozen.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
    return str(path)


def test_the_style_step_is_explained_by_layer_with_rules_and_totals(explain):
    status, out, _ = explain("allow_mix_precision", "--size", "64", "--cann", "early_2022")
    assert status == 0
    text = " ".join(out.split())
    for part in (
        "conv1_1 Conv2D Conv2D 16,16,16>16 cube white: float16",
        "gram_relu1_1",
        # size is 262144: the divisor of this Gram matrix does not fit into float16
        "constant leaves float16's range: gram_relu1_1/truediv input 1, 1 saturated",
        "ops on cube float16 41",
        "roofline floor, ms",
        "1.2 TB/s assumed",
        "Operator table: packaged. Compiler: early_2022.",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    "options, part",
    [
        ("--graph {frozen} --size 64", "--size: it is of the style step (expected no --graph beside it)"),
        ("--graph {frozen} --batch 2", "--batch: it is of the style step"),
        ("--fetch relu", "--fetch relu: it is of --graph (expected --graph FILE beside it)"),
        ("--graph none.pb", "graph none.pb: no such file"),
    ],
)
def test_options_that_have_no_use_are_refused(explain, frozen, options, part):
    status, out, err = explain("force_fp16", *options.format(frozen=frozen).split())
    assert (status, out, err.count("\n")) == (2, "", 1) and part in err


def test_what_the_card_refuses_is_named(explain):
    _, out, _ = explain("must_keep_origin_dtype", "--size", "64")
    assert "would not compile: 26 ops (Conv2D, Conv2DBackpropInputD)" in " ".join(out.split())


def test_a_plan_needs_no_kernel(case):
    native = on_chip([get("force_fp32")], emit="native")
    question = Question(case=case, modes=(*native, get("allow_mix_precision_bf16")), cache="")
    widened, bfloat16 = plan_modes(question)
    dtypes = [{op.name: op for op in plan.ops}["conv1_1/Conv2D"] for plan in (widened, bfloat16)]
    assert [(op.inputs[0], op.outputs) for op in dtypes] == [("float16", ("float32",)), ("bfloat16", ("bfloat16",))]


def test_two_modes_show_only_what_differs(explain):
    status, out, _ = explain("allow_mix_precision", "allow_mix_precision+matmul32", "--size", "64")
    assert status == 0
    lines = out.splitlines()
    (index,) = [index for index, line in enumerate(lines) if "gram_relu1_1/MatMul," in line]
    assert lines[index].startswith("15 ops: ") and lines[index + 1 : index + 3] == [
        "  - MatMulV2 16,16>16 cube; white: float16",
        "  + MatMulV2 16,16>32 cube; customised dtypes",
    ]
    assert "  + Sub 32,32>32 vector; gray: float32 like what feeds it" in lines  # all five together
    assert "conv1_1/Conv2D" not in out and "16 is float16" in out


def test_anybodys_graph_can_be_explained_as_json(explain, frozen):
    status, out, _ = explain("force_fp16", "--graph", frozen, "--json")
    assert status == 0
    (answer,) = json.loads(out)
    ops = {op["name"]: op for op in answer["plan"]["ops"]}
    assert ops["conv"]["outputs"] == ["float16"] and ops["strange"]["engine"] == "unknown"
    # 64 outputs of 8 channels, 9 x 4 products each, SAME padding counted as full
    assert answer["totals"]["flop"] >= 2 * 64 * 8 * 36


def test_rows_that_no_source_has_are_named(explain, frozen, tmp_path):
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, (2, 3), name="x")
        tf.identity(tf.concat([x, tf.reciprocal(x)], 0, name="both"), name="out")
        path = tmp_path / "concat.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
    _, out, _ = explain("force_fp16", "--graph", str(path))
    assert "kernel rows assumed, in no source: ConcatV2D, Reciprocal\n" in out
    assert "assumed, in no source" not in explain("force_fp16", "--graph", frozen)[1]


def test_the_first_line_says_how_much_is_unknown_and_the_next_what_would_have_to_be_known(explain, frozen):
    for modes in (("force_fp16",), ("force_fp16", "must_keep_origin_dtype")):
        _, out, _ = explain(*modes, "--graph", frozen)
        first, second = out.splitlines()[:2]
        assert re.search(r"; unknown: 1 ops \(33%\), 1% of the arithmetic, \d\d% of the bytes$", first)
        assert second == "to know it: --op-table of a CANN that has kernel rows of Lgamma (1)"
        assert re.search(r"roofline floor, ms +≥ 0\.", out) and not re.search(r"GFLOP +≥", out)
    _, out, _ = explain("force_fp16", "--graph", frozen, "--json")
    unknown = json.loads(out)[0]["unknown"]
    assert (unknown["ops"], unknown["types"], unknown["sizes_begin_at"]) == (1, {"Lgamma": 1}, [])
    assert explain("force_fp16", "--size", "64")[1].splitlines()[0].endswith("; nothing in it is unknown")


def test_sizes_that_are_open_make_the_totals_least_ones(explain, tmp_path):
    with tf.Graph().as_default() as graph:
        tf.nn.relu(tf.placeholder(tf.float32, (None, 3), name="x"), name="out")
        (tmp_path / "open.pb").write_bytes(graph.as_graph_def().SerializeToString())
    arguments = ("force_fp16", "--graph", str(tmp_path / "open.pb"))
    _, out, _ = explain(*arguments)
    lines = out.splitlines()
    assert lines[0].endswith("; sizes of 1 ops are unknown") and lines[1] == "to know the sizes: --shape for x=?,3"
    assert re.search(r"MB read and written +≥ 0\.0", out)
    assert lines[-1] == "planned for what nothing reads: out (--fetch NAME for another)"
    _, out, _ = explain(*arguments, "--shape", "x=1000,3")
    assert "nothing in it is unknown" in out and "≥" not in out


def test_the_fetches_decide_what_is_planned(explain, frozen):
    _, out, _ = explain("force_fp16", "--graph", frozen, "--fetch", "relu", "--json")
    assert {op["name"] for op in json.loads(out)[0]["plan"]["ops"]} == {"conv", "relu"}


@pytest.mark.parametrize(
    "name, content", [("missing.pb", None), ("text.pb", b"hello, world\n"), ("empty.pb", b""), ("cut.pb", b"\x0a\xff")]
)
def test_a_file_that_is_no_graph_is_a_usage_error(explain, tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    status, out, err = explain("force_fp16", "--graph", str(tmp_path / name))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and name in err and "expected a GraphDef or MetaGraphDef" in err


@pytest.mark.parametrize("form", ["text", "meta", "meta in text"])
def test_a_graph_is_read_in_every_form_it_is_kept_in(explain, frozen, tmp_path, form):
    from google.protobuf import text_format

    graph_def = tf.GraphDef()
    with open(frozen, "rb") as file:
        graph_def.ParseFromString(file.read())
    with tf.Graph().as_default():
        tf.import_graph_def(graph_def, name="")
        meta = tf.train.export_meta_graph()
    data = {
        "text": text_format.MessageToString(graph_def).encode(),
        "meta": meta.SerializeToString(),
        "meta in text": text_format.MessageToString(meta).encode(),
    }[form]
    (tmp_path / "graph").write_bytes(data)
    arguments = ("force_fp16", "--json", "--fetch", "out", "--graph")
    assert explain(*arguments, str(tmp_path / "graph")) == explain(*arguments, frozen)


def test_bad_words_are_usage_errors(explain, frozen, tmp_path):
    dtypes = tmp_path / "dtypes.cfg"
    dtypes.write_text("nowhere::InputDtype:float16,OutputDtype:float16\n")
    mixlist = tmp_path / "mix.json"
    mixlist.write_text('{"black-list": {"to-add": ["Conv2D"], "to-remove": ["Conv2D"]}}')
    for arguments, part in (
        (["force_fp17"], "mode 'force_fp17' is unknown"),
        (["force_fp16", "--graph", frozen, "--fetch", "nowhere"], "nowhere"),
        (["force_fp16", "--graph", frozen, "--customize-dtypes", str(dtypes)], "dtypes.cfg"),
        (["allow_mix_precision", "--mixlist", str(mixlist)], "'Conv2D': expected to-add and to-remove on different"),
        (["allow_mix_precision", "--mixlist", str(tmp_path / "none.json")], "none.json: No such file"),
        (["force_fp16", "--mixlist", str(mixlist)], "none of the modes takes it"),
    ):
        status, out, err = explain(*arguments)
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert part in err


@pytest.mark.parametrize(
    "code, status, part",
    [
        (
            "raise ImportError('libtensorflow.so: cannot open')",
            2,
            "planning: ImportError: libtensorflow.so: cannot open",
        ),
        (
            "import nowhere",
            2,
            "planning: ModuleNotFoundError: No module named 'nowhere' (pip install -r",
        ),
        ("raise TypeError('Descriptors cannot be created')", 70, "planning failed: TypeError: Descriptors cannot be"),
        ("import os; os.abort()", 70, "planning failed: its process was killed by SIGABRT"),
    ],
)
def test_a_tensorflow_that_does_not_start_is_one_line(explain, tensorflow_that, code, status, part):
    tensorflow_that(code)
    ended, out, err = explain("force_fp16", "--size", "64")
    assert (ended, out, err.count("\n")) == (status, "", 1), err
    assert part in err and ".log)" in err


def test_an_op_that_this_tensorflow_does_not_know_is_named(explain, tmp_path):
    graph_def = tf.GraphDef()
    graph_def.node.add(name="x", op="Placeholder").attr["dtype"].type = tf.float32.as_datatype_enum
    graph_def.node.add(name="mask", op="DropOutDoMask", input=["x"])
    (tmp_path / "card.pb").write_bytes(graph_def.SerializeToString())
    status, out, err = explain("force_fp16", "--graph", str(tmp_path / "card.pb"))
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert "card.pb: this TensorFlow does not have its ops DropOutDoMask" in err
