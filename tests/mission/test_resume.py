import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from harness.mission import loop
from harness.store import files
from reports.mission.log import MissionLog
from tests.conftest import ROOT
from tests.mission.conftest import losses

STEPS = 7
JOB = (
    "--checkpoint-iterations 2 --checkpoint-output at_{}.png --progress-write --print-iterations 1 --record record.json"
)
STATE = "out.png.state.npz"


class Killed(BaseException):
    """The process is gone; nothing cleans up."""


def _job(options="", steps=STEPS):
    return f"--iterations {steps} {JOB} {options}"


def _die_after(patch, steps):
    told = []

    def stepped(self, sample):
        told.append(sample)
        if len(told) == steps:
            raise Killed

    patch.setattr(MissionLog, "stepped", stepped)


def _files():
    """Contents by name, but for those of the record and the state, which hold times."""
    found = {}
    for name in sorted(os.listdir(".")):
        with open(name, "rb") as file:
            found[name] = b"" if name.endswith((".json", ".npz")) else file.read()
    return found


@pytest.fixture
def whole_job(stylize):
    """Does a job in one go; returns its losses and files, and leaves none."""

    def whole_job(options):
        assert stylize(options).status == 0
        rows, files = losses(), _files()
        for name in files:
            os.unlink(name)
        return rows.tolist(), files

    return whole_job


@pytest.mark.parametrize(
    "mode, deaths, resumed",
    # Before any state; then from 0 and 2 updates, each time before the next state.
    [("must_keep_origin_dtype", (1, 4, 3), 4), ("force_fp16", (3,), 2)],
)
def test_a_job_that_dies_is_continued_bit_for_bit(stylize, whole_job, monkeypatch, mode, deaths, resumed):
    # At this rate an earlier checkpoint stays the best.
    options = _job(f"--learning-rate 60 --precision-mode {mode} --resume")
    expected = whole_job(options)
    for steps in deaths:
        with monkeypatch.context() as patch:
            _die_after(patch, steps)
            with pytest.raises(Killed):
                stylize(options)
    ended = stylize(options)
    assert ended.status == 0 and f"resumed after {resumed} updates" in ended.err
    assert (losses().tolist(), _files()) == expected


def test_death_at_any_write_leaves_whole_files_and_a_job_that_can_continue(stylize, whole_job, monkeypatch):
    job = _job(steps=3)
    expected = whole_job(job)
    replace = os.replace
    writes = 2 + 2 + 1 + 2  # states, checkpoints, the result, progress.txt and the record
    for number in (2, 3, 5, 8):  # a checkpoint, a second state, the result, none
        written = []

        def replace_or_die(source, target, number=number, written=written):
            written.append(target)
            if len(written) == number:
                raise Killed
            replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace_or_die)
            patch.setattr(files.os, "unlink", lambda path: None)  # the dead do not clean up
            if number > writes:
                assert stylize(job).status == 0 and len(written) == writes
                break
            with pytest.raises(Killed):
                stylize(job)
        whole = {name: data for name, data in _files().items() if not name.startswith(".")}
        assert len(whole) < len(_files())  # what it was writing is no file of the job's
        assert set(whole) == {os.path.basename(path) for path in written[:-1]}
        assert all(data == expected[1][name] for name, data in whole.items())
        assert stylize(f"{job} --resume").status == 0
        assert (losses().tolist(), _files()) == expected
        for name in _files():
            os.unlink(name)


def test_an_interrupted_job_says_how_far_it_came(stylize, monkeypatch):
    def stepped(self, sample):
        if sample.updates == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(MissionLog, "stepped", stepped)
    ended = stylize(_job())
    assert ended.status == 130
    assert ended.err.splitlines()[-1] == (
        "neural_style.py: interrupted after 5 updates; --resume continues from the last checkpoint"
    )
    assert not os.path.exists("out.png") and len(losses()) == 5


@pytest.mark.any_tensorflow
def test_kill_9_in_the_middle(command, stylize, whole_job):
    options = _job("--resume", steps=20)
    expected = whole_job(options)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "neural_style.py"), *command, "--device", "cpu", "--output", "out.png"]
        + options.split(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not os.path.exists(STATE) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ended = stylize(options)
    assert ended.status == 0 and "resumed after" in ended.err
    assert (losses().tolist(), _files()) == expected


def test_more_iterations_continue_a_finished_job(stylize, whole_job):
    expected = whole_job(_job(steps=8))
    stylize(_job(steps=4))
    assert stylize(_job("--resume", steps=8)).status == 0
    assert (losses().tolist(), _files()) == expected


def test_auto_is_the_device_that_it_stood_for(stylize):
    assert stylize(_job("--device auto")).status == 0
    assert stylize(_job("--resume --device cpu", steps=STEPS + 1)).status == 0


def test_a_continued_job_that_diverges_at_once_keeps_the_best_picture_of_its_state(stylize, monkeypatch):
    assert stylize(_job()).status == 0
    checkpoints = [data for name, data in _files().items() if name.startswith("at_")]
    os.unlink("out.png")

    def diverge(run):
        raise loop.DivergedError(run.updates, {"total": float("nan")})

    monkeypatch.setattr(loop._Run, "go", diverge)
    ended = stylize(_job("--resume", steps=STEPS + 1))
    assert ended.status == 1 and "no picture was finite" not in ended.err
    assert _files()["out.png"] in checkpoints


def test_a_finished_job_is_only_written_again(stylize):
    stylize(_job())
    expected = losses().tolist(), _files()
    os.unlink("out.png")
    ended = stylize(_job("--resume"))
    assert ended.status == 0 and "Iteration" not in ended.out
    assert (losses().tolist(), _files()) == expected


def test_another_job_is_refused_with_the_difference(stylize):
    stylize(_job(steps=4))
    before = _files()
    for change, difference in (
        ("--learning-rate 5", "learning_rate 10.0 there, 5.0 here"),
        ("--seed 4", "seed 0 there, 4 here"),
        ("--width 44", "content_sha256 "),
        ("--pooling avg", "pooling max there, avg here"),
        ("--precision-mode force_fp16", "precision_mode must_keep_origin_dtype there, force_fp16 here"),
        ("--checkpoint-iterations 3", "checkpoint_iterations 2 there, 3 here"),
        ("--iterations 3", "after 4 updates, more than --iterations 3"),
    ):
        ended = stylize(f"{_job('--resume', steps=4)} {change}")
        assert ended.status == 2
        assert ended.err.count("\n") == 1 and STATE in ended.err and difference in ended.err
    assert _files() == before


def test_a_damaged_state_is_refused(stylize):
    stylize(_job(steps=4))
    with open(STATE, "rb") as file:
        whole = file.read()
    version = whole.index(b"PK\x01\x02") + 6  # that an archive's reader must have
    of_later = whole[:version] + b"\xff" + whole[version + 1 :]
    for damaged in (b"", b"text", whole[: len(whole) // 2], whole[:2000] + b"?" + whole[2001:], of_later):
        with open(STATE, "wb") as file:
            file.write(damaged)
        ended = stylize(_job("--resume", steps=STEPS + 1))
        assert ended.status == 2 and ended.err.count("\n") == 1 and "not a whole state file" in ended.err


def test_a_state_with_finished_pixels_is_refused(stylize):
    stylize(_job(steps=4))
    with np.load(STATE) as data:
        arrays = dict(data)
    np.savez(STATE, **{**arrays, "best": arrays["best"].astype(np.uint8)})
    ended = stylize(_job("--resume", steps=STEPS + 1))
    assert ended.status == 2 and ended.err.count("\n") == 1 and "of this version" in ended.err


def test_a_replaced_job_takes_its_state_with_it(stylize, monkeypatch):
    stylize(_job(steps=4))
    with monkeypatch.context() as patch:
        _die_after(patch, 1)
        with pytest.raises(Killed):
            stylize(_job("--overwrite --seed 5", steps=4))
    assert not os.path.exists(STATE)
    assert stylize(_job("--resume --overwrite --seed 5", steps=4)).status == 0
