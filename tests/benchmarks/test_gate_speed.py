"""What judging a large run costs. Run with: python -m pytest -m slow tests/benchmarks"""

import io

import pytest
from rich.console import Console

from harness.gates import approval, gate
from harness.records import CasePlan
from harness.store.baselines import Baselines
from reports.terminal.verdicts import print_verdicts
from tests.builders import FIGURES, card_of, result, run_of

pytestmark = pytest.mark.slow

CASES, REPLICATES = 40, 5


@pytest.fixture
def run_of_200(suite):
    """A run of 40 cases in one mode, five processes each, with a plan for each case."""
    cases = tuple(suite.cases[0].model_copy(update={"id": f"case-{number}"}) for number in range(CASES))
    mode = suite.modes[0].name
    trials = [
        result(case.id, mode, replicate, 1.0 + 0.01 * replicate)
        for case in cases
        for replicate in range(1, REPLICATES + 1)
    ]
    plans = [CasePlan(case=case.id, mode=mode, figures=FIGURES) for case in cases]
    wide = suite.model_copy(update={"cases": cases, "replicates": REPLICATES})
    return run_of(wide, trials, plans=plans)


def test_judging_and_showing_200_trials(benchmark, run_of_200, tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    baselines = Baselines(tmp_path / "baselines")
    approval.approve(approval.propose(run_of_200, baselines, "because"), baselines)
    for case in run_of_200.suite.cases:
        baselines.save_card(card_of(run_of_200.suite.model_copy(update={"cases": (case,)})))

    def judge_and_show():
        verdicts = gate.judge(run_of_200, baselines)
        print_verdicts(verdicts, console=Console(file=io.StringIO(), width=80))
        return verdicts

    verdicts = benchmark(judge_and_show)
    assert len(verdicts) == CASES * len(("coverage", "plan", "timing", "first_step", "memory"))
    assert {verdict.outcome for verdict in verdicts} == {"pass"}
