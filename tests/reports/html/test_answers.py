"""The pages of a search for a cause, of the check of a graph and of its gate, as a browser has them."""

from pathlib import Path

import pytest

from harness.blame.messages import Score
from harness.modes import get
from harness.records import GraphCheck, GraphGate, GraphPlan, GraphUse, Verdict
from harness.records.graph_check import CheckedFetch, FeedSource, FetchError, LostValues, ModeCheck
from harness.remark import remark
from reports.blame_answer import of_stopped
from reports.html.blame_page import render_blame
from reports.html.check_page import render_check
from reports.html.graph_gate_page import render_gate
from reports.language import Words
from tests.reports.html.browsing import violations
from tests.reports.runs import MIXED, REFERENCE


@pytest.fixture
def pages(tmp_path, evidence):
    """The pages, in Chinese, with long names and many ops."""
    words, ops = Words("zh"), tuple(f"gradients/gram_relu{number}_1/MatMul_grad/MatMul" for number in range(20))
    score = Score(ops=ops, blocks=ops[:5], distance=0.01, true_loss_ratio=1.2, fit=True, customize_dtypes=ops[0])
    answer = of_stopped(MIXED, "small", [score], Path("float32.cfg"), words)
    fetch = CheckedFetch(
        name="last/out:0", errors=(FetchError(distance=2.06, largest=0.1),), mean=2.06, limit=0.005, fitness="wrong"
    )
    plan = evidence.run.plans[0].figures
    modes = tuple(
        ModeCheck(
            mode=get(name),
            plan=plan,
            fitness="wrong",
            fetches=(fetch,),
            lost=tuple(LostValues(op=op, type="MatMul", saturated=3) for op in ops),
        )
        for name in (REFERENCE, MIXED)
    )
    check = GraphCheck(
        graph="g.pb",
        sha256="0" * 64,
        started="2026-01-01T00:00:00+00:00",
        tensorflow="2.21.0",
        fetches=("last/out:0",),
        steps=1,
        feeds=FeedSource(samples=1, low=-1, high=1, seed=0, sha256="0" * 64),
        noise_runs=6,
        modes=modes,
        float32_seconds=1.0,
    )
    gate = GraphGate(
        graph="a/long/path/of/a/frozen/graph.pb",
        baseline="plans/graph.json",
        started="2026-01-01T00:00:00+00:00",
        command=("bench.py", "explain", MIXED),
        op_table="CANN 8.0",
        packages={"tensorflow": "2.21.0"},
        plans=tuple(
            GraphPlan(mode=get(name), figures=plan, use=GraphUse(fetches=("last/out:0",)))
            for name in (REFERENCE, MIXED)
        ),
        verdicts=tuple(
            Verdict(
                gate="plan",
                case="graph.pb",
                mode=name,
                outcome="fail",
                reason="graph_plan_changed",
                details=tuple(remark("text", text=f"{op}: MatMul 16>16 -> MatMul 32>32") for op in ops),
            )
            for name in (REFERENCE, MIXED)
        ),
    )
    written = {
        "blame.html": render_blame(answer, words),
        "check.html": render_check(check, "results/check-1", words),
        "graph-gate.html": render_gate(gate, words),
    }
    for name, text in written.items():
        (tmp_path / name).write_bytes(text)
    return [tmp_path / name for name in written]


@pytest.mark.any_tensorflow
@pytest.mark.parametrize("width, dark", [(390, False), (800, True), (1280, False)])
def test_the_pages_fit_their_window_and_shut_nobody_out(opened, pages, width, dark):
    for path in pages:
        with opened(path, width=width, dark=dark) as page:
            assert page.execute_script("return document.documentElement.scrollWidth") <= width
            assert violations(page) == []
