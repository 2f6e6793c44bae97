"""Wall time of a suite over several devices; CPU workers, each pinned to a core of its own, stand in for cards.

Run with: python -m pytest -m slow tests/benchmarks
"""

import os
import time

import pytest

import suites
from harness.runs.observer import Observer
from harness.runs.runner import run_suite
from harness.step import inputs

pytestmark = pytest.mark.slow


class Intervals(Observer):
    """Notes by trial when it began and ended."""

    def __init__(self):
        self.begun, self.ended = {}, {}

    def trial_started(self, trial, number, planned):
        self.begun[trial.id] = time.monotonic()

    def trial_ended(self, trial, result):
        self.ended[trial.id] = time.monotonic()

    def overlap(self, first, second):
        return self.begun[first] < self.ended[second] and self.begun[second] < self.ended[first]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core stands for one card")
def test_two_devices_against_one(benchmark, tmp_path):
    scaling = suites.get("scaling")
    suite = scaling.model_copy(update={"cases": scaling.cases[2:4], "replicates": 2})

    cache = str(tmp_path / "cache")
    inputs.resolve(suite.cases[0], cache)  # makes the network that all read

    def run(device):
        seen, start = Intervals(), time.monotonic()
        done, _ = run_suite(suite, device, tmp_path / "results", cache, seen)
        return done, seen, time.monotonic() - start

    one, alone, seconds_alone = run("cpu:0")
    two, spread, seconds = benchmark.pedantic(run, args=("cpu:0,cpu:1",), rounds=1)
    slots = {trial.trial: trial.environment.slot for trial in two.trials}
    assert [trial.status for trial in one.trials + two.trials] == ["ok"] * 8
    assert {trial.environment.usable_cores for trial in one.trials + two.trials} == {1}
    assert sorted(slots.values()) == ["cpu:0"] * 2 + ["cpu:1"] * 2
    pairs = [(first, second) for first in slots for second in slots if first < second]
    assert any(spread.overlap(*pair) for pair in pairs)
    # Never two on one core, and on one device none side by side.
    assert not any(spread.overlap(*pair) for pair in pairs if slots[pair[0]] == slots[pair[1]])
    assert not any(alone.overlap(*pair) for pair in pairs)
    benchmark.extra_info.update(one_device=seconds_alone, two_devices=seconds, ratio=seconds / seconds_alone)
