"""What an index of 10,000 runs of five modes costs.

Wanted: a push within 50 ms beyond start-up, `history` of one case within 1 s, `--changes` over all within 10 s, the
site within 60 s and 500 MB; all of it in proportion to the runs.
"""

import itertools
import resource
import subprocess
import sys

import numpy as np
import pytest
from sqlalchemy import insert

from harness.history import database
from harness.history.index import Index
from harness.history.parcel import Parcel
from harness.history.tables import FIGURES, RECORDS
from harness.modes import NAMES
from harness.store.run_folder import RunFolder
from tests.conftest import ROOT
from tests.history.histories import day, stored

pytestmark = pytest.mark.slow
RUNS = 10_000


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    """URLs of an index with this many runs, and with half of them, by their number."""
    return {count: _filled(tmp_path_factory.mktemp("index"), count) for count in (RUNS // 2, RUNS)}


def _filled(folder, count):
    """URL of an index of runs that differ in revision and times, with a change of five percent in the middle."""
    url = f"sqlite:///{folder / 'history.db'}"
    Index.open(url, write=True)
    rng = np.random.default_rng(0)
    records, figures = [], []
    for number in range(count):
        seconds = float(np.exp(0.01 * rng.standard_normal()) * (0.5 if number < count / 2 else 0.525))
        key = f"{number:032x}"
        record = {"run_key": key, "digest": key, "progress": 1, "approved": False, "record": bytes(rng.bytes(10_000))}
        records.append(record)
        figures += [
            {
                "run_key": key, "suite": "perf", "case_id": "small", "mode": mode, "device": "cpu", "machine": "here",
                "job": mode, "committed": day(number / 10), "started": day(number / 10), "run": f"perf-{number}",
                "revision": f"{number:012x}", "commit_hash": f"{number:040x}", "branch": "main", "processor": "some",
                "op_table": "packaged",
                "emulated": False, "steady": True, "step_seconds": seconds, "step_low": seconds * 0.99,
                "step_high": seconds * 1.01, "ratio": 1.0, "casts": 69, "bytes_cast": 10**7, "ssim": 0.99,
                "final_loss": 1e6, "true_loss": 1e6, "peak_memory_bytes": 10**9,
            }
            for mode in NAMES
        ]  # fmt: skip
    with database.open_database(url, True, False).begin() as connection:
        connection.execute(insert(RECORDS), records)
        connection.execute(insert(FIGURES), figures)
    return url


def test_push_of_one_run(benchmark, pushed, tmp_path, case):
    def another():
        made = stored(tmp_path, case, f"run-{next(numbers)}", RUNS, names=NAMES)
        return (made,), {}

    def push(made):
        parcel = Parcel.of(*RunFolder(made).load_with_bytes())
        assert Index.open(pushed[RUNS], write=True).push(parcel) == "added"

    numbers = itertools.count()
    benchmark.pedantic(push, setup=another, rounds=10)
    benchmark.extra_info["milliseconds"] = benchmark.stats.stats.median * 1e3


@pytest.mark.parametrize(
    "what, options",
    [
        ("one case", ("--case", "small")),
        ("changes", ("--changes",)),
        ("site", ("--html", "{folder}")),
    ],
)
def test_history(benchmark, pushed, tmp_path, what, options):
    given = [option.format(folder=tmp_path / "site") for option in options]

    def ask(count):
        before = _cpu_seconds()
        command = [sys.executable, "bench.py", "history", "--index", pushed[count], *given]
        subprocess.run(command, cwd=str(ROOT), check=True)
        benchmark.extra_info[f"cpu_seconds_of_{count}_runs"] = _cpu_seconds() - before

    ask(RUNS // 2)
    benchmark.pedantic(ask, (RUNS,), rounds=1)
    benchmark.extra_info["seconds"] = benchmark.stats.stats.median
    benchmark.extra_info["peak_megabytes"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
