"""The gate of a graph file's plans, and what an approval writes."""

import json

import pytest

from harness.errors import UsageError
from harness.gates import graph_plan
from harness.gates.exit_status import exit_status
from harness.gates.graph_plan import approve_graph_plans, judge_graph_plans, load_graph_baseline
from harness.modes import get
from harness.precision.rules.op_table import load_op_table
from harness.records import GraphPlan, GraphUse
from reports.language import ENGLISH
from tests.builders import FIGURES

USE = GraphUse(fetches=("out:0",), shapes={"x": (1, None)})
PLAN = GraphPlan(mode=get("force_fp16"), figures=FIGURES, use=USE)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    return tmp_path / "plans" / "graph.json"


def _verdict(plan, path):
    (verdict,) = judge_graph_plans("graph.pb", [plan], path)
    return verdict


def _told(verdict):
    return [ENGLISH.remark(told) for told in verdict.details]


def test_what_was_approved_passes(path):
    assert [(change.mode, change.is_new) for change in approve_graph_plans([PLAN], path, "first")] == [
        ("force_fp16", True)
    ]
    verdict = _verdict(PLAN, path)
    assert (verdict.gate, verdict.case, verdict.mode, verdict.outcome) == ("plan", "graph.pb", "force_fp16", "pass")
    assert exit_status([verdict]) == 0
    stored = load_graph_baseline(path).plans["force_fp16"]
    assert (stored.reason, stored.plan) == ("first", PLAN)


def test_a_changed_plan_fails_and_names_what_changed(path):
    before = {"block1": "block1/a: MatMul 16,16>16; block1/b: Mul 16,16>16", "block2": "block2/a: MatMul 16,16>16"}
    after = {"block1": "block1/a: MatMul 32,32>32; block1/c: Relu 16>16", "block2": "block2/a: MatMul 32,32>32"}
    approve_graph_plans([_with(layers=before, casts=2, bytes_cast=100)], path, "first")
    verdict = _verdict(_with(layers=after, casts=5, bytes_cast=400), path)
    assert (verdict.outcome, verdict.reason, exit_status([verdict])) == ("fail", "graph_plan_changed", 1)
    assert _told(verdict) == [
        "casts: 2 -> 5",
        "block1/a and 1 alike in block1, block2: MatMul 16,16>16 -> MatMul 32,32>32",
        "block1/b: gone, was Mul 16,16>16",
        "block1/c: new, Relu 16>16",
        "bytes cast: 100 -> 400",
    ]


def test_another_operator_table_is_named_where_it_changed_the_plan(path, monkeypatch):
    table = load_op_table()
    tables = [f"/first/ops.ini, SHA-256 {'a' * 64}", f"/second/ops.ini, SHA-256 {'a' * 64}", "packaged"]

    def use(source):
        monkeypatch.setattr(graph_plan, "load_op_table", lambda: table.model_copy(update={"source": source}))

    use(tables[0])
    approve_graph_plans([PLAN], path, "first")
    for source, told in ((tables[1], []), (tables[2], [f"operator table: {tables[0]} approved, packaged now"])):
        use(source)
        assert _told(_verdict(_with(casts=5), path)) == [*told, f"casts: {FIGURES.casts} -> 5"]
        assert _verdict(PLAN, path).outcome == "pass"


def _with(**figures):
    return PLAN.model_copy(update={"figures": FIGURES.model_copy(update=figures)})


def test_a_mode_without_an_approved_plan_is_missing(path):
    assert _verdict(PLAN, path).reason == "no_graph_baseline"
    approve_graph_plans([PLAN], path, "first")
    other = PLAN.model_copy(update={"mode": get("allow_mix_precision")})
    verdict = _verdict(other, path)
    assert (verdict.outcome, verdict.reason, exit_status([verdict])) == ("missing", "no_graph_baseline", 4)


def test_another_use_or_mode_is_incomparable(path):
    approve_graph_plans([PLAN], path, "first")
    other = PLAN.model_copy(update={"use": USE.model_copy(update={"fetches": ("loss:0",), "shapes": {}})})
    verdict = _verdict(other, path)
    assert (verdict.outcome, verdict.reason) == ("missing", "other_graph_use")
    assert _told(verdict) == ["fetches: out:0 approved, loss:0 now", "shapes: x=1,? approved, - now"]
    scaled = PLAN.model_copy(update={"mode": PLAN.mode.model_copy(update={"overflow": "ieee"})})
    assert _verdict(scaled, path).reason == "other_graph_mode"


def test_an_approval_keeps_the_plans_of_other_modes_and_changes_nothing_that_is_approved(path):
    approve_graph_plans([PLAN], path, "first")
    written = path.read_bytes()
    assert approve_graph_plans([PLAN], path, "again") == [] and path.read_bytes() == written
    other = PLAN.model_copy(update={"mode": get("allow_mix_precision")})
    approve_graph_plans([other], path, "second")
    reasons = {mode: plan.reason for mode, plan in load_graph_baseline(path).plans.items()}
    assert reasons == {"allow_mix_precision": "second", "force_fp16": "first"}
    (change,) = approve_graph_plans([_with(casts=7)], path, "third")
    assert not change.is_new and ENGLISH.remark(change.remarks[1]) == f"casts: {FIGURES.casts} -> 7"


def test_a_file_that_was_changed_by_hand_is_no_baseline(path):
    approve_graph_plans([PLAN], path, "first")
    document = json.loads(path.read_text())
    document["plans"]["force_fp16"]["plan"]["figures"]["casts"] += 1
    for text in (json.dumps(document), "{}", "[]", "no JSON"):
        path.write_text(text)
        verdict = _verdict(PLAN, path)
        assert (verdict.outcome, verdict.reason, exit_status([verdict])) == ("missing", "bad_baseline", 4)
        assert _told(verdict)[0].startswith(f"baseline {path}: ")
        with pytest.raises(UsageError, match="baseline"):
            approve_graph_plans([PLAN], path, "over it")
        assert path.read_text() == text


def test_ci_approves_nothing(path, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(UsageError, match="--approve: CI never writes baselines"):
        approve_graph_plans([PLAN], path, "first")
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_named(path):
    path.parent.write_text("a file")
    with pytest.raises(UsageError, match="baseline .*graph.json: "):
        approve_graph_plans([PLAN], path, "first")
