"""What hosts cost and save: figures as of one machine alone, and wall time over two.

Run with: python -m pytest -m "hosts and slow" -s tests/hosts/test_speed.py, on a machine that does nothing else.
"""

import os
import time

import pytest

import suites
from harness.gates.timing_rule import LIMITS
from harness.hosts import engine
from harness.hosts.run import HostMachines
from harness.runs.observer import Observer
from harness.runs.runner import run_suite
from harness.statistics import paired_log_ratio
from harness.step import inputs
from harness.store.cache import cache_folder

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a core stands for a host"),
]


ROUNDS = 5


@pytest.fixture
def pinned(add):
    """Starts a host whose processes keep to one core."""
    cores = os.sched_getaffinity(0)

    def start(core, **variables):
        os.sched_setaffinity(0, {core})
        try:
            add(**variables)
        finally:
            os.sched_setaffinity(0, cores)

    return start


@pytest.fixture
def suite():
    smoke = suites.get("smoke")
    inputs.resolve(smoke.cases[0], cache_folder())  # makes the network that all read
    return smoke.model_copy(update={"modes": smoke.modes[:1], "replicates": 5, "timeout": 600.0})


@pytest.fixture
def measured(cluster, tmp_path):
    """Measures a suite on the hosts; returns its step times and its wall time."""

    def measure(suite, device):
        hosts = engine.connect(cluster.address, device)
        try:
            begun, machines = time.monotonic(), HostMachines(hosts)
            run, _ = run_suite(suite, device, tmp_path / "hosts", cache_folder(), Observer(), machines=machines)
            seconds = time.monotonic() - begun
        finally:
            engine.disconnect(hosts)
        assert run.complete and {trial.status for trial in run.trials} == {"ok"}
        return [trial.step_seconds for trial in run.trials], seconds

    return measure


def test_a_host_says_what_the_machine_says_without_ray(benchmark, add, measured, suite, tmp_path):
    """In turns, and with Ray's own processes beside both."""
    one = suite.model_copy(update={"replicates": 1})
    here, there = [], []

    def turns():
        for number in range(ROUNDS):
            for is_here in (True, False) if number % 2 else (False, True):
                if is_here:
                    run, _ = run_suite(one, "cpu", tmp_path / "here", cache_folder(), Observer())
                    here.append(run.trials[0].step_seconds)
                else:
                    there.extend(measured(one, "cpu")[0])

    add()
    benchmark.pedantic(turns, rounds=1)
    low, high = paired_log_ratio(here, there).interval(0.95)
    benchmark.extra_info.update(low=low, high=high)
    # Not shown to differ by what the timing gate calls a regression.
    assert low < 1 + LIMITS["timing"] and high > 1 - LIMITS["timing"]


def test_two_hosts_against_one(benchmark, pinned, measured, suite):
    six = suite.model_copy(update={"replicates": 6})
    first, second = sorted(os.sched_getaffinity(0))[:2]
    pinned(first)
    _, alone = measured(six, "cpu")
    pinned(second)
    _, both = benchmark.pedantic(measured, args=(six, "cpu"), rounds=1)
    benchmark.extra_info.update(one_host=alone, two_hosts=both, ratio=both / alone)
