import pytest

from harness.records import TrialResult
from reports.terminal import calibration_progress, comparison_progress, progress


@pytest.fixture
def result():
    return TrialResult(
        trial="small.must_keep_origin_dtype.1",
        case="small",
        mode="must_keep_origin_dtype",
        device="cpu",
        replicate=1,
        status="ok",
        log="trials/small/log.txt",
        samples="trials/small/samples.jsonl",
        picture="trials/small/picture.png",
        started="2020-01-01T00:00:00+00:00",
        wall_seconds=12.0,
        first_step_seconds=2.5,
        step_seconds=0.5,
        steady=True,
        timed_steps=10,
        final_losses={"total": 12345678.0},
        true_losses={"total": 23456789.0},
        step_flop=10**11,
        matmul_tflops=0.25,
        peak_memory_bytes=3 * 2**29,
    )


@pytest.fixture
def clock(monkeypatch):
    """A clock that only `clock.now` moves."""

    class Clock:
        now = 0.0

        @classmethod
        def monotonic(cls):
            return cls.now

    for module in (progress, comparison_progress, calibration_progress):
        monkeypatch.setattr(module, "time", Clock)
    return Clock
