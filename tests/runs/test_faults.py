"""What becomes of a run to which something happens, with real processes, real kills and a real disk that is full."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.trial.processes import is_gone

pytestmark = pytest.mark.any_tensorflow

STAGES = ("network", "targets", "graph", "first_step", "sample", "finish")


@pytest.fixture
def bench(tmp_path, monkeypatch, picture, style):
    """Runs bench.py with a fault in a process of its own; returns that process when it has ended."""
    monkeypatch.chdir(tmp_path)

    def bench(fault, stages, *options, resume=None, output="results"):
        # Of an emulated mode nobody wants more steps for their time, and a worker with a core of its own is not forked.
        job = ["--suite", "smoke", "--modes", "force_fp16", "--device", "cpu:0", "--network", "synthetic-narrow"]
        job += ["--content", picture, "--styles", style, "--size", "48", "--steps", "4", "--output", output]
        job += ["--replicates", str(stages.count(",") + 1), "--timeout", "3600"]
        program = [sys.executable, str(ROOT / "tests/runs/faulty_bench.py"), fault, stages]
        return subprocess.run(
            [*program, *(["--resume", str(resume)] if resume else job), *options], capture_output=True, text=True
        )

    return bench


def _run(output="results"):
    """The one run's folder and its record."""
    (folder,) = Path(output).glob("smoke-*")
    return folder, json.loads((folder / "run.json").read_text())


def _outcomes(run):
    return [(trial["replicate"], trial["status"]) for trial in run["trials"]]


def _worker_is_gone():
    return is_gone(int(Path("worker").read_text()))


@pytest.mark.parametrize("stages", [("first_step",), pytest.param(STAGES, marks=pytest.mark.slow)], ids="-".join)
def test_a_killed_worker_costs_its_own_trial(bench, stages):
    ended = bench("kill-worker", ",".join([*stages, "-"]))
    assert ended.returncode == 5
    _, run = _run()
    assert _outcomes(run) == [*((number, "crashed") for number in range(1, len(stages) + 1)), (len(stages) + 1, "ok")]
    lines = [line for line in ended.stdout.splitlines() if line.startswith("crashed: ")]
    assert len(lines) == len(stages)
    assert all(line.endswith("the worker was killed by SIGKILL (out of memory?)") for line in lines)


@pytest.mark.parametrize("stages", [("targets",), pytest.param(STAGES, marks=pytest.mark.slow)], ids="-".join)
def test_a_run_whose_parent_was_killed_measures_what_is_missing(bench, stages):
    assert bench("kill-parent", f"-,{stages[0]}").returncode == -9
    folder, run = _run()
    assert not run["complete"] and _worker_is_gone()
    first = (folder / "journal.jsonl").read_text()
    for stage in stages[1:]:
        assert bench("kill-parent", f"-,{stage}", resume=folder).returncode == -9
        assert _worker_is_gone()
    assert (folder / "journal.jsonl").read_text() == first
    ended = bench("kill-parent", "-,-", resume=folder)
    assert ended.returncode == 0, ended.stderr
    _, run = _run()
    assert run["complete"] and _outcomes(run) == [(1, "ok"), (2, "ok")]
    assert (folder / "journal.jsonl").read_text().startswith(first)
    assert not [name for _, _, names in os.walk(str(folder)) for name in names if name.startswith(".")]


def test_a_worker_that_hangs_is_ended(bench):
    ended = bench("hang-worker", "network")
    assert ended.returncode == 5
    _, run = _run()
    assert _outcomes(run) == [(1, "timed_out")]
    assert "timed_out: " in ended.stdout and "not finished after 3600 s (see --timeout)" in ended.stdout
    assert _worker_is_gone()


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([signal.SIGTERM], marks=pytest.mark.slow),
        pytest.param([signal.SIGHUP], marks=pytest.mark.slow),
        [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM],
    ],
    ids=str,
)
def test_a_parent_that_is_to_end_says_how_to_go_on(signals_heeded, bench, numbers):
    ended = bench("+".join(str(int(number)) for number in numbers), "-,network")
    assert ended.returncode == 130, ended.stderr
    folder, run = _run()
    assert f"Continue with --resume {Path('results') / folder.name}" in " ".join(ended.stdout.split())
    assert "Traceback" not in ended.stderr
    assert not run["complete"] and _outcomes(run) == [(1, "ok")] and _worker_is_gone()
    assert list(folder.glob("*.html"))


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_a_run_that_can_be_resumed(bench, small_disk):
    ended = bench("fill-disk", "-,finish", output=small_disk)
    assert ended.returncode == 70
    assert ended.stderr.splitlines()[-1].startswith("bench.py: [Errno 28] No space left on device")
    folder, run = _run(small_disk)
    assert f"what was measured is kept, --resume {folder} measures the rest" in ended.stderr
    assert "Traceback" not in ended.stderr
    os.unlink(os.path.join(small_disk, "filler"))
    assert bench("fill-disk", "-,-", resume=folder).returncode == 0
    _, run = _run(small_disk)
    assert run["complete"] and _outcomes(run) == [(1, "ok"), (2, "ok")]


def test_a_read_only_folder_is_one_line(bench, small_disk):
    assert bench("kill-parent", "network", output=small_disk).returncode == -9
    assert _worker_is_gone()
    folder, _ = _run(small_disk)
    before = sorted(Path(small_disk).rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    ended = bench("kill-parent", "network", output=small_disk)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"bench.py: output folder {small_disk}: Read-only file system (expected one")
    ended = bench("kill-parent", "network", resume=folder)
    assert (ended.returncode, ended.stdout) == (70, "")
    assert ended.stderr.startswith("bench.py: [Errno 30] Read-only file system: ") and ended.stderr.count("\n") == 1
    assert sorted(Path(small_disk).rglob("*")) == before
