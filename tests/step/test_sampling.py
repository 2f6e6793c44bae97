import gc

import pytest

from harness.step.sampling import DivergedError, sample_steps
from harness.step.steady_state import VALUE_CAP, Timing, needs_more_steps, steady_from, timing


def test_the_first_step_and_extra_ones_are_told_apart():
    losses = iter([{"total": 9.0}, {"total": 8.0}, {"total": 7.0}, {"total": 6.0}])
    samples = list(sample_steps(lambda: next(losses), steps=3))
    samples.append(next(sample_steps(lambda: next(losses), None, made=3, extra=True)))
    assert [sample.phase for sample in samples] == ["first", "step", "step", "extra"]
    assert [sample.updates for sample in samples] == [0, 1, 2, 3]
    assert [sample.losses["total"] for sample in samples] == [9.0, 8.0, 7.0, 6.0]


def test_a_call_of_several_steps_is_a_sample_of_its_last():
    samples = list(sample_steps(lambda: {"total": 1.0}, steps=6, per_call=3))
    assert [(sample.updates, sample.steps, sample.phase) for sample in samples] == [(2, 3, "first"), (5, 3, "step")]


def test_only_the_step_is_timed(monkeypatch):
    clock = iter([10.0, 10.5, 100.0, 100.25])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    seconds = [sample.seconds for sample in sample_steps(lambda: {"total": 1.0}, steps=2)]
    assert seconds == [0.5, 0.25]


def test_garbage_is_not_collected_inside_a_step():
    states = []
    list(sample_steps(lambda: states.append(gc.isenabled()) or {"total": 1.0}, steps=1))
    assert states == [False]
    assert gc.isenabled()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_steps(bad):
    losses = iter([{"style": 1.0, "total": 1.0}, {"style": bad, "total": 2.0}])
    steps = sample_steps(lambda: next(losses), steps=5)
    next(steps)
    with pytest.raises(DivergedError, match=f"after 1 updates: style {bad:g}$") as caught:
        next(steps)
    assert caught.value.updates == 1


STEADY = [0.50, 0.51, 0.49, 0.50, 0.50, 0.51, 0.50, 0.49, 0.50, 0.50]


@pytest.mark.parametrize(
    "before, start",
    [
        ([], 0),
        ([0.8], 1),  # above the fence
        ([0.9, 0.8, 0.7, 0.6], 4),
        ([0.45] * 3, 2),  # faster is no outlier, but two such values move a quartile
    ],
)
def test_the_steady_state_begins_where_two_windows_agree(before, start):
    assert steady_from(before + STEADY) == start


@pytest.mark.parametrize(
    "values",
    [
        STEADY[:9],  # too few to tell
        [0.5 * 1.02**number for number in range(40)],  # slower and slower
        [0.5, 0.7] * 3 + [1.0 + number for number in range(VALUE_CAP)] + STEADY,  # only after the cap
    ],
)
def test_without_two_windows_that_agree_there_is_no_steady_state(values):
    assert steady_from(values) is None


def test_one_slow_step_in_the_middle_is_no_reason_to_start_over():
    assert steady_from([*STEADY[:7], 2.0, *STEADY[8:]]) == 0


def test_short_steps_are_averaged_into_values_of_a_tenth_of_a_second():
    found = timing([0.030, 0.050] * 20 + [0.03])  # four steps always last as long, and the last is left over
    assert (found.steady, found.timed_steps) == (True, 40)
    assert found.step_seconds == pytest.approx(0.04)


def test_drift_compares_the_first_with_the_last_quarter():
    found = timing(STEADY + [0.52] * 10)
    assert found.steady and found.drift == pytest.approx(0.04)
    assert timing([0.5] * 4).drift is None


def test_steps_are_made_until_they_settle_or_never_will():
    assert needs_more_steps([]) and needs_more_steps(STEADY[:9])
    assert not needs_more_steps(STEADY)
    growing = [0.5 * 1.1**number for number in range(VALUE_CAP)]
    assert needs_more_steps(growing[:20]) and not needs_more_steps(growing)
    assert not needs_more_steps([10.0] * 6)  # a minute is gone
    assert needs_more_steps([0.03] * 39) and not needs_more_steps([0.03] * 40)


def test_no_step_says_nothing():
    assert timing([]) == Timing()
