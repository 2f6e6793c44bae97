"""Time from a command to its end, and to what a person sees first; where the time of the trials between went.

Run with: python -m pytest -m slow tests/benchmarks/test_suite_speed.py
"""

import json
import os
import pty
import signal
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
    seen = {"first_word_on_a_terminal_seconds": _first_word(command)}

    def run():
        begun = time.monotonic()
        with subprocess.Popen(
            command, cwd=str(ROOT), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True
        ) as process:
            for line in process.stderr:
                seen.setdefault("first_line_in_a_pipe_seconds", time.monotonic() - begun)
                if line.startswith("measuring trial 1"):
                    seen["first_trial_seconds"] = time.monotonic() - begun
        assert process.returncode == 0

    benchmark.pedantic(run, rounds=1)
    (path,) = tmp_path.glob("*/run.json")
    trials = Run(**json.loads(path.read_text())).trials
    taken_over = sum(trial.fidelity.noise_of != "" for trial in trials if trial.fidelity)
    parts = {f"{mode} {name}": seconds for mode, by in time_by_phase(trials).items() for name, seconds in by.items()}
    # A worker's start-up lasts to the end of its first step.
    first_step = seen["first_trial_seconds"] + trials[0].startup_seconds
    benchmark.extra_info.update(
        seen, first_step_seconds=first_step, trials=len(trials), noise_taken_over=taken_over, **parts
    )


def _first_word(command):
    """Seconds until a terminal shows anything; the command ends there, before it has written a file."""
    ours, theirs = pty.openpty()
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=str(ROOT), stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    os.read(ours, 1)
    seconds = time.monotonic() - begun
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.close(ours)
    return seconds
