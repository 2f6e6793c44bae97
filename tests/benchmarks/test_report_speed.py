"""What it takes to show a run of 200 trials in every format: at most 5 s and 500 MB are wanted."""

import resource
import subprocess
import sys

import pytest

from harness.modes import NAMES
from tests.conftest import ROOT
from tests.reports.runs import make_run

pytestmark = pytest.mark.slow
ROUNDS = 3
_FORMATS = "html,markdown,junit,json,pytest-benchmark"


def test_rendering_200_trials(benchmark, tmp_path, case):
    evidence = make_run(tmp_path / "run", case, replicates=40, steps=100, names=NAMES)
    assert len(evidence.run.trials) == 200
    out = tmp_path / "out"
    command = [sys.executable, "bench.py", "report", str(evidence.folder), "--format", _FORMATS, "--output", str(out)]
    before = _cpu_seconds()
    benchmark.pedantic(lambda: subprocess.run(command, cwd=str(ROOT), check=True), rounds=ROUNDS)
    # Of children that have ended, the largest: ours, since nothing else was started.
    benchmark.extra_info["peak_megabytes"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    benchmark.extra_info["seconds"] = benchmark.stats.stats.median
    benchmark.extra_info["cpu_seconds"] = (_cpu_seconds() - before) / ROUNDS
    benchmark.extra_info["page_megabytes"] = (out / "report.html").stat().st_size / 1e6
    assert {path.name for path in out.iterdir()} >= {"report.html", "report.md", "junit.xml"}


def _cpu_seconds():
    """Of children that have ended; unlike the wall's, hardly disturbed by others on the machine."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
