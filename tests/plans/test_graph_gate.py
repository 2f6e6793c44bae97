"""bench.py explain --gate: the plan of a graph file held against the approved one, from the command line."""

import json
import sys
from xml.etree import ElementTree

import pytest
import tensorflow.compat.v1 as tf

import bench


@pytest.fixture
def explain(monkeypatch, capfd, tmp_path):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.py", "explain", "allow_mix_precision", *arguments])
        status = bench.main()
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return run


def stored(path, activation):
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, (4, 8), name="x")
        for block in ("block1", "block2"):
            with tf.name_scope(block):
                x = activation(tf.matmul(x, tf.ones((8, 8)), name="product"), name="activation")
        path.write_bytes(graph.as_graph_def().SerializeToString())
    return "--graph", path.name, "--gate", "plan.json"


def test_a_plan_is_approved_then_passes_then_fails(explain, tmp_path, monkeypatch):
    gated = stored(tmp_path / "net.pb", tf.nn.relu)
    status, out, _ = explain(*gated)
    assert status == 4 and "missing  plan  net.pb  allow_mix_precision: no plan of this mode is approved" in out
    status, out, _ = explain(*gated, "--approve", "--reason", "first")
    assert (status, out.splitlines()[-1]) == (0, "wrote plan.json")
    status, out, _ = explain(*gated, "--report", "junit", "--output", "made")
    assert status == 0 and out.splitlines()[-2] == "gate: 0 fail, 0 missing, 0 inconclusive, 1 pass"
    assert [list(case) for case in ElementTree.parse("made/junit.xml").iter("testcase")] == [[]]

    stored(tmp_path / "net.pb", tf.nn.softmax)
    status, out, _ = explain(*gated, "--report", "html,markdown,json,junit", "--output", "made")
    assert status == 1
    text = " ".join(out.split())
    assert "fail plan net.pb allow_mix_precision: the graph's dtype plan is not the approved one" in text
    assert "block1/activation and 1 alike in block1, block2: Relu 16>16 -> Softmax" in text
    assert "--approve --reason TEXT" in text
    markdown = (tmp_path / "made" / "graph-gate.md").read_text(encoding="utf-8")
    assert markdown.startswith("### ❌ StyleBench `net.pb`: Failed")
    page = (tmp_path / "made" / "graph-gate.html").read_text(encoding="utf-8")
    assert "<strong>Failed</strong> 1 failed, 0 missing, 0 inconclusive, 0 passed." in page
    assert "block1/activation and 1 alike in block1, block2: Relu 16&gt;16 -&gt; Softmax" in page
    document = json.loads((tmp_path / "made" / "graph-gate.json").read_text(encoding="utf-8"))
    assert [verdict["outcome"] for verdict in document["verdicts"]] == ["fail"]
    (testcase,) = ElementTree.parse("made/junit.xml").iter("testcase")
    assert dict(testcase.attrib, time="") == {
        "classname": "stylebench.explain.net.pb",
        "name": "plan [allow_mix_precision]",
        "time": "",
    }
    assert testcase[0].tag == "failure" and "Relu 16>16 -> Softmax" in testcase[0].text

    status, out, err = explain(*gated, "--json")
    document = json.loads(out)
    assert status == document["exit_status"] == 1 and "1 fail" in err

    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    status, out, _ = explain(*gated, "--report", "github")
    assert status == 1 and out.startswith("::error title=StyleBench plan%3A fail::net.pb allow_mix_precision: ")
    assert summary.read_text(encoding="utf-8").startswith("### ❌ StyleBench `net.pb`: Failed")


@pytest.mark.parametrize(
    "arguments, part",
    [
        (("--gate", "plan.json"), "--gate: it holds a graph's plan against an approved one"),
        (("--graph", "net.pb", "--approve"), "--approve: it is of --gate"),
        (("--graph", "net.pb", "--gate", "plan.json", "--approve"), "--approve: expected --reason TEXT"),
        (("--graph", "net.pb", "--gate", "plan.json", "--reason", "x"), "--reason: it is of --approve"),
        (("--graph", "net.pb", "--report", "json"), "--report: it is of --gate"),
        (("--graph", "net.pb", "--gate", "plan.json", "--report", "pdf"), "report format 'pdf' is unknown"),
        (
            ("--graph", "net.pb", "--gate", "plan.json", "--approve", "--reason", "x", "--json"),
            "--approve: it judges nothing",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(explain, tmp_path, arguments, part):
    (tmp_path / "net.pb").write_bytes(b"")
    status, out, err = explain(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1) and part in err
    assert not (tmp_path / "plan.json").exists()
