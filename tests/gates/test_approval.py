import pytest

from harness.errors import UsageError
from harness.gates import approval
from harness.remark import remark
from tests.builders import STEADY, planned, stepping


def _run(suite, seconds=STEADY, **fields):
    return planned(stepping(suite, *seconds, **fields))


def _propose(suite, baselines, seconds=STEADY, **fields):
    return approval.propose(_run(suite, seconds, **fields), baselines, "because")


def test_a_first_run_proposes_its_plan_and_its_timing(suite, baselines):
    plan, timing = _propose(suite, baselines)
    assert (plan.kind, timing.kind) == ("missing", "missing")
    assert (plan.baseline.device, timing.baseline.device) == ("ascend910", "cpu")
    assert timing.baseline.timing.step_seconds == STEADY and timing.baseline.timing.machine_key == "here"
    paths = approval.approve([plan, timing], baselines)
    assert [path.split("/")[-1].split("-")[0] for path in paths] == ["ascend910", "cpu"]
    assert _propose(suite, baselines) == []  # it is as approved


def test_a_changed_timing_is_shown_beside_the_old_one(suite, baselines):
    approval.approve(_propose(suite, baselines), baselines)
    (proposal,) = _propose(suite, baselines, [seconds / 2 for seconds in STEADY])
    (row,) = [figure for figure in proposal.figures if figure.name == "step_seconds"]
    assert (proposal.kind, proposal.refusal, proposal.changes) == ("changed", None, (remark("faster"),))
    assert (row.old, row.new) == (pytest.approx(1.0, abs=1e-3), pytest.approx(0.5, abs=1e-3))


@pytest.mark.parametrize(
    "seconds, fields, refusal",
    [
        ((0.8, 1.4, 0.9, 1.3, 1.2), {}, "cannot_tell"),
        ((1.0,), {}, "too_few"),
        (STEADY, {"steady": False}, "never_steady"),
    ],
)
def test_an_inconclusive_timing_is_refused_and_the_plan_is_not(suite, baselines, seconds, fields, refusal):
    plan, timing = _propose(suite, baselines, seconds, **fields)
    assert (plan.refusal, timing.refusal) == (None, remark(refusal))
    (path,) = approval.approve([plan, timing], baselines)
    assert "ascend910" in path


def test_a_new_timing_that_is_not_told_from_the_stored_one_is_refused(suite, baselines):
    approval.approve(_propose(suite, baselines), baselines)
    (proposal,) = _propose(suite, baselines, (1.0, 1.2, 0.9, 1.3, 1.1))
    assert proposal.refusal == remark("cannot_tell")
    (proposal,) = _propose(suite, baselines, [2 * seconds for seconds in STEADY])
    assert proposal.changes == (remark("slower"),)


def test_a_run_of_a_dirty_tree_is_refused(suite, baselines):
    run = _run(suite)
    dirty = run.environment.model_copy(update={"revision": "abc-dirty"})
    with pytest.raises(UsageError, match="uncommitted changes"):
        approval.propose(run.model_copy(update={"environment": dirty}), baselines, "because")
