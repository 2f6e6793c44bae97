import pytest

from harness import modes
from harness.comparisons.stored_runs import compare_runs
from harness.gates import exit_status
from harness.gates.power_card import Cards
from harness.records import CasePlan, Run
from harness.store.baselines import Baselines
from reports.language import ENGLISH
from tests.builders import card_of, stepping
from tests.gates.test_gate import FIGURES

STEADY = (1.0, 1.01, 0.99, 1.0, 1.0)
SLOWER = tuple(1.15 * seconds for seconds in STEADY)


@pytest.fixture
def cards(suite, tmp_path):
    baselines = Baselines(tmp_path / "baselines")
    baselines.save_card(card_of(suite))
    return Cards(baselines)


def _found(verdicts):
    return {verdict.gate: (verdict.outcome, verdict.reason) for verdict in verdicts}


def test_the_second_run_is_judged_against_the_first(suite, cards):
    first, second = stepping(suite, *STEADY), stepping(suite, *SLOWER)
    assert _found(compare_runs(first, second, cards))["timing"] == ("fail", "slower")
    assert _found(compare_runs(second, first, cards))["timing"] == ("pass", "faster")
    assert exit_status.exit_status(compare_runs(first, second, cards)) == 1
    assert exit_status.exit_status(compare_runs(first, first, cards)) == 0


def test_plans_are_compared_where_both_runs_have_them(suite, cards):
    run = stepping(suite, *STEADY)
    plan = CasePlan(case=run.suite.cases[0].id, mode=run.suite.modes[0].name, figures=FIGURES)
    other = plan.model_copy(update={"figures": FIGURES.model_copy(update={"casts": 9})})
    planned, changed = (run.model_copy(update={"plans": [found]}) for found in (plan, other))
    assert _found(compare_runs(planned, changed, cards))["plan"] == ("fail", "plan_changed")
    assert "plan" not in _found(compare_runs(run, changed, cards))


def test_runs_of_two_machines_are_shown_and_never_gate(suite, cards):
    first, second = stepping(suite, *STEADY), stepping(suite, *SLOWER)
    first.environment.conditions["CPU quota"] = "none"
    equal = {**second.environment.conditions, "CPU quota": "0.5 cores"}
    elsewhere = second.environment.model_copy(update={"machine_key": "there", "conditions": equal})
    verdicts = compare_runs(first, second.model_copy(update={"environment": elsewhere}), cards)
    assert all(verdict.advisory and verdict.reason == "other_machine" for verdict in verdicts)
    (detail,) = {detail for verdict in verdicts for detail in verdict.details}
    assert ENGLISH.remark(detail) == "CPU quota: none there, 0.5 cores here"
    assert exit_status.exit_status(verdicts) == 4


def test_what_only_one_run_has_or_did_not_measure_is_missing(suite, cards):
    (case,) = suite.cases
    run, other = stepping(suite, *STEADY), suite.model_copy(update={"cases": (case.model_copy(update={"steps": 9}),)})
    empty = run.model_copy(update={"trials": []})
    renamed = suite.model_copy(update={"cases": (case.model_copy(update={"id": "new"}),)})
    for second, reasons in (
        (stepping(other, *STEADY), {"cases_differ"}),
        (empty, {"not_measured"}),
        (stepping(renamed, *STEADY), {"only_in_one"}),
    ):
        verdicts = compare_runs(run, second, cards)
        assert {verdict.reason for verdict in verdicts} == reasons
        assert exit_status.exit_status(verdicts) == 4


def test_the_same_file_in_two_checkouts_is_one_mode(suite, cards, tmp_path):
    runs = []
    for checkout in ("here", "there"):
        (tmp_path / checkout).mkdir()
        file = tmp_path / checkout / "dtypes.cfg"
        file.write_text("OpType::MatMulV2:InputDtype:float16,float16,OutputDtype:float32")
        (mode,) = modes.with_options([modes.get("allow_mix_precision")], customize_dtypes=str(file))
        run = stepping(suite.model_copy(update={"modes": (mode,)}), *STEADY)
        runs.append(Run.model_validate_json(run.model_dump_json()))
    assert str(tmp_path / "here") not in runs[0].suite.modes[0].model_dump_json()
    assert "modes_differ" not in {verdict.reason for verdict in compare_runs(*runs, cards)}
