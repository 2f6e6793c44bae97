import pytest
from junitparser import Error, Failure, JUnitXml, Properties, Skipped

from harness.gates.exit_status import exit_status
from reports.documents import junit
from reports.language import ENGLISH
from tests.reports.runs import MIXED, REFERENCE, make_run


def _cases(evidence):
    document = JUnitXml.fromstring(junit.render(evidence, ENGLISH))
    return {(case.classname, case.name): case for suite in document for case in suite}, next(iter(document))


def test_each_gate_of_each_mode_is_a_testcase(evidence):
    cases, suite = _cases(evidence)
    assert set(cases) == {
        ("stylebench.tiny.small", f"{gate} [{mode}]")
        for gate, mode in (
            ("coverage", REFERENCE),
            ("coverage", MIXED),
            ("plan", REFERENCE),
            ("plan", MIXED),
            ("against", REFERENCE),
        )
    }
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (5, 1, 0, 1)


def test_a_failed_gate_is_a_failure_and_an_advisory_one_is_skipped(evidence):
    cases, _ = _cases(evidence)
    (failed,) = cases["stylebench.tiny.small", f"plan [{MIXED}]"].result
    assert isinstance(failed, Failure) and failed.type == "plan_changed" and "casts: 1 -> 2" in failed.text
    (skipped,) = cases["stylebench.tiny.small", f"against [{REFERENCE}]"].result
    assert isinstance(skipped, Skipped) and "too noisy to tell" in skipped.message
    assert cases["stylebench.tiny.small", f"plan [{REFERENCE}]"].result == []


def test_an_advisory_failure_does_not_fail(evidence):
    verdict = evidence.run.verdicts[1].model_copy(update={"advisory": True})
    advisory = evidence._replace(run=evidence.run.model_copy(update={"verdicts": [verdict]}))
    (told,) = _cases(advisory)[0]["stylebench.tiny.small", f"plan [{MIXED}]"].result
    assert isinstance(told, Skipped) and told.message.startswith("advisory: fail")


@pytest.mark.parametrize(
    "outcome, options, tag",
    [
        ("missing", (), Error),
        ("inconclusive", (), Error),
        ("inconclusive", ("--inconclusive", "fail"), Error),
        ("inconclusive", ("--inconclusive", "pass"), Skipped),
        ("inconclusive", ("--inconclusive=pass",), Skipped),
        ("missing", ("--inconclusive", "pass"), Error),
        ("missing", ("--advisory",), Skipped),
        ("fail", ("--inconclusive", "pass"), Failure),
        ("fail", ("--advisory",), Skipped),
    ],
)
def test_it_is_red_where_the_exit_status_is(evidence, outcome, options, tag):
    verdict = evidence.run.verdicts[1].model_copy(update={"outcome": outcome})
    changes = {"verdicts": [verdict], "command": ("bench.py", *options, "--gate")}
    cases, _ = _cases(evidence._replace(run=evidence.run.model_copy(update=changes)))
    (told,) = cases["stylebench.tiny.small", f"plan [{MIXED}]"].result
    assert isinstance(told, tag)
    lets_pass = "--advisory" in options
    lenient = "pass" if "pass" in " ".join(options) else "fail"
    assert lets_pass or (exit_status([verdict], lenient) != 0) == (tag is not Skipped)


def test_a_crash_is_an_error_and_so_is_a_trial_that_an_interruption_left_out(evidence):
    crashed = evidence.run.trials[0].model_copy(update={"status": "crashed", "log_tail": ("last words",)})
    trials = [crashed, *evidence.run.trials[1:3]]
    changes = {"trials": trials, "complete": False}
    cases, suite = _cases(evidence._replace(run=evidence.run.model_copy(update=changes)))
    (error,) = cases["stylebench.tiny.small", f"coverage [{REFERENCE}]"].result
    assert isinstance(error, Error) and error.type == "crashed" and "last words" in error.text
    (absent,) = cases["stylebench.tiny.small", f"coverage [{MIXED}]"].result
    assert isinstance(absent, Error) and "1 / 2" in absent.message


def test_a_mode_that_needs_fewer_processes_than_others_lacks_none(evidence):
    suite = evidence.run.suite.model_copy(update={"max_replicates": 5, "replicates": 5})
    emulated = [evidence.run.trials[0].model_copy(update={"emulated": True})]
    run = evidence.run.model_copy(update={"suite": suite, "trials": emulated})
    assert _cases(evidence._replace(run=run))[0]["stylebench.tiny.small", f"coverage [{REFERENCE}]"].result == []


def test_figures_are_properties_and_text(evidence):
    case = _cases(evidence)[0]["stylebench.tiny.small", f"coverage [{REFERENCE}]"]
    values = {item.name: item.value for item in case.child(Properties)}
    assert float(values["step_seconds"]) == round(evidence.run.summaries[0].step_seconds, 6)
    assert values["emulated"] == "false" and values["peak_memory_bytes"] == "1.61061e+09"
    assert f"step_seconds {values['step_seconds']}" in case.system_out


def test_hostile_text_gives_a_document_that_parses(hostile):
    cases, _ = _cases(hostile)
    assert any("<img src=x onerror='window.pwned=1'>" in classname for classname, _ in cases)


def test_a_run_of_plans_alone_measures_no_coverage(tmp_path, case):
    plans = make_run(tmp_path / "run", case, plan_only=True, trials=[], summaries=[], fidelity=[])
    assert not any(name.startswith("coverage") for _, name in _cases(plans)[0])
