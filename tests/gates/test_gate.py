import json

import pytest

from harness import modes
from harness.errors import UsageError
from harness.gates import approval, exit_status, gate
from harness.plans.figures import differences
from harness.records import FidelityPlan, ModeFidelity
from reports.language import ENGLISH
from tests.builders import FIGURES, planned, result, run_of


@pytest.fixture
def run(suite):
    """A run of a plan alone."""
    return planned(run_of(suite, [], plan_only=True))


def _approve(run, baselines):
    return approval.approve(approval.propose(run, baselines, "because"), baselines)


def _changed(run, **changes):
    plan = run.plans[0].model_copy(update={"figures": FIGURES.model_copy(update=changes)})
    return run.model_copy(update={"plans": [plan]})


def _trial(run, status):
    return result("small", run.suite.modes[0].name, 1, status=status, reason="why")


def test_without_a_baseline_nothing_passes(run, baselines):
    (verdict,) = gate.judge(run, baselines)
    assert (verdict.outcome, verdict.reason) == ("missing", "no_baseline")
    assert exit_status.exit_status([verdict]) == 4


def test_an_approved_plan_passes(run, baselines):
    _approve(run, baselines)
    (verdict,) = gate.judge(run, baselines)
    assert (verdict.outcome, verdict.reason) == ("pass", "plan_same")
    assert exit_status.exit_status([verdict]) == 0
    assert approval.propose(run, baselines, "again") == []


def test_a_baseline_without_a_plan_is_none_for_the_plan_s_gate(run, baselines):
    _approve(run, baselines)
    (case,), (mode,) = run.suite.cases, run.suite.modes
    baselines.save(baselines.load(run.suite.name, case.id, mode.name).model_copy(update={"plan": None}))
    (verdict,) = gate.judge(run, baselines)
    assert (verdict.outcome, verdict.reason) == ("missing", "no_baseline")


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"casts": 4}, "casts: 3 -> 4"),
        ({"bytes_cast": 0}, "bytes cast: 600 -> 0"),
        ({"flop": 1001}, "floating-point operations: 1,000 -> 1,001"),
        ({"roofline_seconds": 2e-3}, "least ms on a 910: 1 -> 2"),
        ({"units": {"cube float16": 2, "vector float16": 5}}, "ops on vector float16: 0 -> 5"),
        ({"ai_cpu": ("pool",)}, "now on the AI CPU: pool"),
        ({"refused": ("conv",)}, "would no longer compile: conv"),
        ({"unknown_types": ("Lgamma",)}, "now an unknown type: Lgamma"),
        (
            {"layers": {**FIGURES.layers, "gram": "gram/MatMul: MatMulV2 16,16>32"}},
            "gram/MatMul: MatMulV2 16,16>16 -> MatMulV2 16,16>32",
        ),
    ],
)
def test_any_change_fails_until_it_is_approved_and_can_be_read(run, baselines, changes, line):
    _approve(run, baselines)
    changed = _changed(run, **changes)
    (verdict,) = gate.judge(changed, baselines)
    assert (verdict.outcome, verdict.reason) == ("fail", "plan_changed")
    assert line in map(ENGLISH.remark, verdict.details)
    assert exit_status.exit_status([verdict]) == 1
    (proposal,) = approval.propose(changed, baselines, "meant")
    rows = {figure.name for figure in proposal.figures if figure.old != figure.new}
    assert proposal.kind == "changed" and (line in map(ENGLISH.remark, proposal.changes) or rows)
    approval.approve([proposal], baselines)
    assert gate.judge(changed, baselines)[0].outcome == "pass"


def test_every_figure_is_compared():
    for name, value in FIGURES.model_dump().items():
        other = {str: "x", int: 9, float: 9.0, dict: {}, tuple: ("x",)}[type(value)]
        assert differences(FIGURES, FIGURES.model_copy(update={name: other})), name
    assert differences(FIGURES, FIGURES) == []


def test_another_case_or_mode_is_incomparable_not_a_failure(run, baselines):
    _approve(run, baselines)
    (case,), (mode,) = run.suite.cases, run.suite.modes
    longer = run.suite.model_copy(update={"cases": (case.model_copy(update={"steps": 99}),)})
    (verdict,) = gate.judge(run.model_copy(update={"suite": longer}), baselines)
    assert (verdict.outcome, verdict.reason) == ("missing", "other_case")
    customised = mode.model_copy(update={"precision": modes.get("force_fp16").precision})
    other = run.suite.model_copy(update={"modes": (customised,)})
    (verdict,) = gate.judge(run.model_copy(update={"suite": other}), baselines)
    assert (verdict.outcome, verdict.reason) == ("missing", "other_mode")


def test_a_baseline_cut_at_any_byte_is_never_a_pass(run, baselines):
    (path,) = _approve(run, baselines)
    with open(path, "rb") as file:
        whole = file.read().rstrip()
    for end in range(len(whole)):
        with open(path, "wb") as file:
            file.write(whole[:end])
        (verdict,) = gate.judge(run, baselines)
        assert (verdict.outcome, verdict.reason) == ("missing", "bad_baseline"), end
        assert [detail.code for detail in verdict.details] == ["text"] and "\n" not in verdict.details[0].values["text"]


def test_a_baseline_of_a_newer_schema_is_incomparable(run, baselines):
    (path,) = _approve(run, baselines)
    with open(path) as file:
        document = json.load(file)
    document["schema_version"] = 2
    with open(path, "w") as file:
        json.dump(document, file)
    (verdict,) = gate.judge(run, baselines)
    assert verdict.details[0].values["text"].endswith("schema version 2, expected 1")


def test_a_trial_that_failed_or_is_absent_is_missing_from_coverage(run, baselines):
    _approve(run, baselines)
    measured = run.model_copy(update={"plan_only": False})
    for trials, outcome in (([_trial(run, "ok")], "pass"), ([_trial(run, "crashed")], "missing"), ([], "missing")):
        coverage, plan = gate.judge(measured.model_copy(update={"trials": trials}), baselines)[:2]
        assert (coverage.gate, coverage.outcome, plan.outcome) == ("coverage", outcome, "pass")


def test_the_worst_outcome_decides_the_exit_status_and_nothing_is_never_a_pass(run, baselines):
    (verdict,) = gate.judge(run, baselines)
    by_outcome = {
        outcome: verdict.model_copy(update={"outcome": outcome})
        for outcome in ("pass", "inconclusive", "missing", "fail")
    }
    assert exit_status.exit_status([]) == 4
    assert exit_status.exit_status([by_outcome["pass"]]) == 0
    assert exit_status.exit_status([by_outcome["pass"], by_outcome["inconclusive"]]) == 3
    assert exit_status.exit_status([by_outcome["missing"], by_outcome["inconclusive"]]) == 4
    assert exit_status.exit_status(list(by_outcome.values())) == 1


def test_what_cannot_be_told_may_pass_and_nothing_else_with_it(run, baselines):
    (verdict,) = gate.judge(run, baselines)
    unknown, missing, failed = (
        verdict.model_copy(update={"outcome": outcome}) for outcome in ("inconclusive", "missing", "fail")
    )
    assert exit_status.exit_status([unknown], inconclusive="pass") == 0
    assert exit_status.exit_status([unknown], inconclusive="fail") == 3
    assert exit_status.exit_status([unknown, missing], inconclusive="pass") == 4
    assert exit_status.exit_status([unknown, failed], inconclusive="pass") == 1
    assert exit_status.exit_status([], inconclusive="pass") == 4
    advice = unknown.model_copy(update={"advisory": True})
    assert exit_status.exit_status([advice], inconclusive="pass") == 4


def test_what_cannot_be_trusted_is_not_approved(run, baselines, monkeypatch):
    for change, reason in (
        ({"plans": []}, "it holds no plans"),
        ({"complete": False}, "it was interrupted"),
        ({"trials": [_trial(run, "diverged")]}, "trial small.must_keep_origin_dtype.1 did not end well"),
    ):
        with pytest.raises(UsageError, match=reason):
            approval.propose(run.model_copy(update=change), baselines, "because")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(UsageError, match="CI never writes baselines"):
        _approve(run, baselines)
    assert not baselines.root.exists()


def test_a_baseline_holds_no_path_and_diffs_well(run, baselines, suite):
    mode = modes.get("allow_mix_precision+matmul32")
    ported = suite.model_copy(update={"modes": (mode,)})
    plan = run.plans[0].model_copy(update={"mode": mode.name})
    (path,) = _approve(run.model_copy(update={"suite": ported, "plans": [plan]}), baselines)
    with open(path) as file:
        text = file.read()
    assert "/" not in json.loads(text)["mode"]["precision"]["custom_dtypes"][0]["source"]
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
    assert gate.judge(run.model_copy(update={"suite": ported, "plans": [plan]}), baselines)[0].outcome == "pass"


def test_cases_of_ones_own_have_nothing_to_regress_against(run, baselines):
    case, mode = run.suite.cases[0].id, run.suite.modes[0].name
    _approve(run, baselines)  # of the suite's own case, under another id
    own = run.suite.cases[0].model_copy(update={"id": "photo"})
    suite = run.suite.model_copy(update={"cases": (own,), "own_cases": True, "fidelity": FidelityPlan()})
    found = ModeFidelity(
        case="photo", mode=mode, fitness="wrong", regression="missing", regression_reason="no_baseline"
    )  # fmt: skip
    changes = {"suite": suite, "plan_only": False, "plans": [], "fidelity": [found]}
    trials = [_trial(run, "ok").model_copy(update={"case": "photo"})]
    measured = run.model_copy(update={**changes, "trials": trials})
    verdicts = gate.judge(measured, baselines)
    assert [(verdict.gate, verdict.outcome, verdict.advisory) for verdict in verdicts] == [
        ("coverage", "pass", False),
        ("fitness", "fail", True),
    ]
    assert (
        exit_status.exit_status(verdicts) == exit_status.PASS
        and exit_status.exit_status(gate.judge(measured, baselines, require_fit=True)) == exit_status.GATE_FAILED
    )
    gated = gate.judge(measured.model_copy(update={"for_gate": True}), baselines)
    assert exit_status.exit_status(gated) == exit_status.INCOMPARABLE
    assert {verdict.reason for verdict in gated if verdict.outcome == "missing"} == {"no_baseline", "not_in_run"}
    assert case in {verdict.case for verdict in gated}
