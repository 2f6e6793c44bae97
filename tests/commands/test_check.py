"""The command check: what it prints and writes, how it ends, what it refuses."""

import json
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from junitparser import Failure, JUnitXml

import bench
from harness.records import GraphCheck
from tests.check import graphs


@pytest.fixture
def check(monkeypatch, capsys, tmp_path):
    """Runs the command; output goes to a folder of the test's."""

    def run(*arguments):
        folder = ("--output", str(tmp_path / "results"))
        monkeypatch.setattr(sys, "argv", ["bench.py", "check", *arguments, *folder])
        status = bench.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def faulty(tmp_path):
    return graphs.save(tmp_path / "faulty.pb", graphs.far_divisor)


def test_the_decision_comes_first_then_the_figures_and_what_to_do(check, faulty, tmp_path):
    asked = ("--graph", faulty, "--modes", "must_keep_origin_dtype,force_fp16", "--report", "html,markdown,junit")
    status, out, err = check(*asked, "--samples", "2", "--require-fit", "--lang", "en")
    assert status == 1
    lines = out.strip().splitlines()
    assert lines[0].split()[:3] == ["mode", "right?", "why"]
    assert "last/out:0" in lines[3] and "parts from float32 first at mean/quotient (RealDiv 16,16>16)" in lines[3]
    text = " ".join(out.split())
    for part in (
        "fed random numbers from -1 to 1, seed 0, 2 samples: not your data",
        "Take must_keep_origin_dtype: what it computes is right",
        f"python bench.py blame force_fp16 --graph {faulty} --samples 2",
        "fail fitness faulty.pb force_fp16: a fetch is further from float32 than noise explains",
        "a constant leaves float16's range at input mean/quotient:1",
        "gate: 1 fail, 0 missing, 0 inconclusive, 1 pass",
    ):
        assert part in text, part
    assert "force_fp16: running it as the card rounds" in err
    (folder,) = (tmp_path / "results").iterdir()
    record = GraphCheck.model_validate_json((folder / "check.json").read_text())
    assert [mode.fitness for mode in record.modes] == ["fit", "wrong"]
    page, comment = (folder / "check.html").read_text(), (folder / "check.md").read_text()
    for document in (page, comment):
        assert "mean/quotient" in document and "blame force_fp16" in document
    assert "| `force_fp16` | `no` |" in comment
    (suite,) = JUnitXml.fromstring((folder / "junit.xml").read_bytes())
    fit, wrong = suite
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (2, 1, 0, 0)
    assert (fit.name, fit.result) == ("fitness [must_keep_origin_dtype]", [])
    (failed,) = wrong.result
    assert isinstance(failed, Failure) and failed.type == "graph_wrong" and "mean/quotient:1" in failed.text
    assert wrong.classname == "stylebench.check.faulty.pb" and wrong.time > 0


def test_the_record_can_be_had_as_json_alone(check, tmp_path):
    path = graphs.save(tmp_path / "healthy.pb", graphs.healthy)
    np.savez(str(tmp_path / "feeds.npz"), x=np.ones((4, 32), np.float32))
    feeds = ("--feeds", str(tmp_path / "feeds.npz"), "--modes", "force_fp16")
    status, out, _ = check("--graph", path, *feeds, "--json", "--report", "none", "--require-fit", "--lang", "zh")
    document = json.loads(out)
    assert (status, document["exit_status"]) == (0, 0)
    assert document["modes"][0]["fitness"] == "fit" and document["feeds"]["files"] == ["feeds.npz"]
    assert document["options"] == ["--graph", path, *feeds[:2]]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "check: expected --graph FILE"),
        (("--graph", "none.pb"), "graph none.pb: no such file"),
        (("--graph", "{faulty}", "--modes", "allow_mix_precision_bf16"), "the 910 has no bfloat16"),
        (("--graph", "{faulty}", "--range", "2..1"), "--range 2..1: expected LOW..HIGH"),
        (("--graph", "{faulty}", "--feeds", "none.npz"), "feeds none.npz: no such file"),
        (("--graph", "{faulty}", "--report", "bmf"), "report format 'bmf' is unknown (expected some of html,"),
        (("--graph", "{faulty}", "--seed", "-1"), "--seed -1: expected a number from 0"),
    ],
)  # fmt: skip
def test_bad_options_end_with_one_line(check, faulty, arguments, message):
    status, out, err = check(*(argument.format(faulty=faulty) for argument in arguments))
    assert (status, out, err.count("\n")) == (2, "", 1) and message in err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--fetch", "last/ot"), "--fetch last/ot: the graph has no node of this name, did you mean last/out?"),
        (("--init-op", "iniz"), "--init-op iniz: the graph has no node of this name"),
        (("--feeds", "{wrong}"), "'y' is no placeholder (expected some of x)"),
    ],
)
def test_what_the_graph_does_not_have_ends_with_one_line(check, faulty, tmp_path, arguments, message):
    np.savez(str(tmp_path / "wrong.npz"), y=np.ones(3))
    given = [argument.format(wrong=tmp_path / "wrong.npz") for argument in arguments]
    status, out, err = check("--graph", faulty, "--modes", "force_fp16", *given)
    lines = [line for line in err.splitlines() if line.startswith("bench.py: ")]
    assert (status, out, len(lines)) == (2, "", 1) and message in lines[0]
    assert not (tmp_path / "results").exists()


def test_a_graph_whose_ops_are_not_there_names_them(check, faulty, tmp_path):
    graph_def = tf.GraphDef()
    with open(faulty, "rb") as file:
        graph_def.ParseFromString(file.read())
    graph_def.node.add(name="strange", op="NobodysOp", input=["last/out"])
    (tmp_path / "strange.pb").write_bytes(graph_def.SerializeToString())
    status, out, err = check("--graph", str(tmp_path / "strange.pb"))
    assert (status, out) == (2, "") and "NobodysOp" in err.splitlines()[-1]


def test_what_tensorflow_cannot_run_ends_with_one_line(check, tmp_path):
    def make():
        index = tf.placeholder(tf.int32, (1,), name="index")
        tf.identity(tf.gather(tf.constant([[1.0, 2.5]]), index) * 2.0, name="out")

    path = graphs.save(tmp_path / "gather.pb", make)
    np.savez(str(tmp_path / "far.npz"), index=np.array([7], np.int32))
    status, out, err = check("--graph", path, "--feeds", str(tmp_path / "far.npz"))
    assert (status, out) == (2, "")
    assert "TensorFlow cannot run it" in err.splitlines()[-1] and "7" in err.splitlines()[-1]


def test_feeds_whose_shapes_the_graph_does_not_take_end_with_one_line(check, tmp_path):
    def make():
        x = tf.placeholder(tf.float32, (None, None), name="x")
        tf.matmul(x, graphs.weights(8, 3), name="out")

    path = graphs.save(tmp_path / "open.pb", make)
    np.savez(str(tmp_path / "narrow.npz"), x=np.ones((2, 7), np.float32))
    status, out, err = check("--graph", path, "--feeds", str(tmp_path / "narrow.npz"))
    assert (status, out) == (2, "")
    assert f"graph {path}: TensorFlow cannot import it: " in err.splitlines()[-1]


def test_a_check_gates_against_the_approved_one(check, tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    path = graphs.save(tmp_path / "graph.pb", graphs.healthy)
    baseline = ("--gate", str(tmp_path / "checks.json"), "--report", "none", "--lang", "en")
    asked = ("--modes", "force_fp16", "--samples", "1", "--fetch")
    status, out, _ = check("--graph", path, *asked, "out", *baseline)
    assert status == 4 and "no check is approved for this mode" in out
    status, out, _ = check("--graph", path, *asked, "out", *baseline, "--approve", "--reason", "first")
    assert status == 0 and "changed  force_fp16" in out
    status, out, _ = check("--graph", path, *asked, "out", *baseline)
    assert status == 0 and "every fetch is as near to float32 as was approved" in out

    graph_def = tf.GraphDef()
    with open(path, "rb") as file:
        graph_def.ParseFromString(file.read())
    divisor = next(node for node in graph_def.node if node.name == "out/y")
    divisor.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.float32(2e5)))
    (tmp_path / "graph.pb").write_bytes(graph_def.SerializeToString())
    status, out, _ = check("--graph", path, *asked, "out", *baseline)
    assert status == 1 and "out:0: " in out and "when it was approved" in out
    status, out, _ = check("--graph", path, *asked, "second/MatMul", *baseline)
    assert status == 4 and "fetches" in out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--approve",), "--approve: it is of --gate"),
        (("--gate", "b.json", "--approve"), "--approve: expected --reason TEXT"),
        (("--gate", "b.json", "--reason", "why"), "--reason: it is of --approve"),
    ],
)
def test_an_approval_needs_a_file_and_a_reason(check, faulty, arguments, message):
    status, out, err = check("--graph", faulty, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1) and message in err
