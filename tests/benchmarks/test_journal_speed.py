"""What the journal costs a run. Run with: python -m pytest -m slow tests/benchmarks"""

import os
import time

import pytest

from harness.machine import environment
from harness.records import WorkerEnvironment
from harness.remark import remark
from harness.store.run_folder import RunFolder
from tests import builders

pytestmark = pytest.mark.slow


@pytest.fixture
def result():
    """The result of a trial of the perf suite with --health, which makes the longest lines."""
    worker = WorkerEnvironment(
        tensorflow="2.21.0",
        kind="cpu",
        device="CPU",
        intra_op_threads=0,
        inter_op_threads=0,
        effective_threads=2,
        usable_cores=2,
        load_average=0.5,
        variables=environment.speed_variables(),
    )
    losses = {"content": 123456.789, "style": 12345678.9, "tv": 1234.56789, "total": 15802469.1}
    folder = "trials/astronaut-256.allow_mix_precision.1"
    return builders.result(
        "astronaut-256",
        "allow_mix_precision",
        1,
        log=f"{folder}/log.txt",
        samples=f"{folder}/samples.jsonl",
        picture=f"{folder}/picture.png",
        health=f"{folder}/health.jsonl",
        lost={f"gradients/conv{layer}/Conv2D_grad/Conv2D": (1291943, 5123, 0) for layer in range(120)},
        emulated=True,
        remarks=(remark("card_refuses", ops=26, type="Conv2D", name="conv1_1/Conv2D"),),
        environment=worker,
        final_losses=losses,
        true_losses=losses,
    )


def test_journal_append(benchmark, result, tmp_path):
    folder = RunFolder.create(tmp_path, "perf")
    benchmark.pedantic(folder.append_journal, args=("perf-1", result), rounds=200, warmup_rounds=5)
    assert folder.recover_journal("perf-1") == [result] * 205
    line = (folder.path / "journal.jsonl").stat().st_size / 205
    benchmark.extra_info.update(
        median_seconds=benchmark.stats.stats.median, bare_fsync_seconds=_fsync_seconds(tmp_path), line_bytes=line
    )


def _fsync_seconds(folder):
    """Median of writing one byte and bringing it onto the disk: the part that is the disk's."""
    seconds = []
    with open(folder / "bare", "ab") as file:
        for _ in range(200):
            start = time.perf_counter()
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - start)
    return sorted(seconds)[100]
