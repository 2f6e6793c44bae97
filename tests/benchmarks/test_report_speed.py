"""What it takes to show a run of 200 trials in every format: at most 5 s and 500 MB are wanted."""

import resource
import subprocess
import sys
import time

import pytest

from harness.modes import NAMES
from reports.html import page
from reports.language import ENGLISH
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


def test_a_page_of_10000_trials(benchmark, tmp_path, case):
    """Of 2,000 cases in five modes; twice the cases take about twice the time."""
    evidence = make_run(tmp_path / "run", case, replicates=1, steps=1, names=NAMES)
    page.render(evidence, ENGLISH)  # what is compiled once
    seconds = {}
    for count in (1_000, 2_000):
        many = _in_cases(evidence, count)
        start = time.process_time()
        rendered = page.render(many, ENGLISH)
        seconds[count] = time.process_time() - start
        benchmark.extra_info[f"cpu_seconds_of_{count}_cases"] = seconds[count]
    benchmark.extra_info["page_megabytes"] = len(rendered) / 1e6
    benchmark.pedantic(lambda: evidence.by_case(), rounds=1)


def _in_cases(evidence, count):
    """The run with its one case repeated under other names, and without the files."""
    run = evidence.run
    cases = tuple(run.suite.cases[0].model_copy(update={"id": f"case-{number}"}) for number in range(count))
    bare = {"trials": [trial.model_copy(update={"picture": None, "samples": ""}) for trial in run.trials]}
    lists = {name: bare.get(name, getattr(run, name)) for name in ("trials", "summaries", "plans", "fidelity")}
    changes = {
        name: [item.model_copy(update={"case": case.id}) for case in cases for item in items]
        for name, items in lists.items()
    }
    suite = run.suite.model_copy(update={"cases": cases})
    return evidence._replace(run=run.model_copy(update={"suite": suite, **changes}))


def _cpu_seconds():
    """Of children that have ended; unlike the wall's, hardly disturbed by others on the machine."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
