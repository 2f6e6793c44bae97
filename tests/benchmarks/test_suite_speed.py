"""Time from a command to its end, and to what a person sees first; where the time of the trials between went.

Run with: python -m pytest -m slow tests/benchmarks/test_suite_speed.py
"""

import json
import subprocess
import sys
import time

import pytest

from harness.records import Run
from reports.phases import time_by_phase
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "arguments",
    [
        ("--suite", "smoke"),
        ("--suite", "perf", "--modes", "must_keep_origin_dtype,force_fp16", "--replicates", "2"),
        ("--suite", "accuracy", "--case", "astronaut-96", "--modes", "must_keep_origin_dtype,force_fp16"),
    ],
    ids=lambda arguments: arguments[1],
)
def test_a_suite(benchmark, tmp_path, arguments):
    """A picture that is the approved one to the last bit takes over its noise, which makes `accuracy` shorter."""
    command = [sys.executable, "bench.py", *arguments, "--output", str(tmp_path), "--report", "none"]
    seen = {}

    def run():
        begun = time.monotonic()
        with subprocess.Popen(command, cwd=str(ROOT), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            process.stderr.readline()
            seen["first_line_seconds"] = time.monotonic() - begun
            process.stderr.read()
        assert process.returncode == 0

    benchmark.pedantic(run, rounds=1)
    (path,) = tmp_path.glob("*/run.json")
    trials = Run(**json.loads(path.read_text())).trials
    taken_over = sum(trial.fidelity.noise_of != "" for trial in trials if trial.fidelity)
    parts = {f"{mode} {name}": seconds for mode, by in time_by_phase(trials).items() for name, seconds in by.items()}
    benchmark.extra_info.update(seen, trials=len(trials), noise_taken_over=taken_over, **parts)
