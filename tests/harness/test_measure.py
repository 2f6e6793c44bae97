import gc

import pytest

from harness.measure import DivergedError, sample_steps


def test_the_first_step_and_the_warm_up_are_told_apart_from_timed_steps():
    losses = iter([{"total": 9.0}, {"total": 8.0}, {"total": 7.0}, {"total": 6.0}])
    samples = list(sample_steps(lambda: next(losses), steps=4, warmup=1))
    assert [sample.phase for sample in samples] == ["first", "warmup", "timed", "timed"]
    assert [sample.updates for sample in samples] == [0, 1, 2, 3]
    assert [sample.losses["total"] for sample in samples] == [9.0, 8.0, 7.0, 6.0]


def test_only_the_step_is_timed(monkeypatch):
    clock = iter([10.0, 10.5, 100.0, 100.25])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    seconds = [sample.seconds for sample in sample_steps(lambda: {"total": 1.0}, steps=2, warmup=0)]
    assert seconds == [0.5, 0.25]


def test_garbage_is_not_collected_inside_a_step():
    states = []
    list(sample_steps(lambda: states.append(gc.isenabled()) or {"total": 1.0}, steps=1, warmup=0))
    assert states == [False]
    assert gc.isenabled()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_steps(bad):
    losses = iter([{"style": 1.0, "total": 1.0}, {"style": bad, "total": 2.0}])
    steps = sample_steps(lambda: next(losses), steps=5, warmup=0)
    next(steps)
    with pytest.raises(DivergedError, match=f"after 1 updates: style {bad:g}$") as caught:
        next(steps)
    assert caught.value.updates == 1
