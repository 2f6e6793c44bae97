import sys
import threading
import time

import pytest

from harness.records import Suite
from harness.runs import dispatch
from harness.runs.observer import Observer
from harness.runs.runner import run_suite
from harness.trial import supervisor
from tests.trial.processes import FINISHED, SAMPLE, is_gone


def test_queues_run_side_by_side_and_each_in_order():
    meeting = threading.Barrier(2, timeout=600)  # breaks unless both queues are at it together
    done = []

    def run(index, job, stop):
        assert job[0] == "ab"[index]
        meeting.wait()
        done.append(job)

    assert dispatch.run_all([["a1", "a2"], ["b1", "b2"]], run) == []
    assert [job for job in done if job[0] == "a"] == ["a1", "a2"]
    assert [job for job in done if job[0] == "b"] == ["b1", "b2"]


def test_one_queue_runs_in_this_thread():
    threads = set()
    dispatch.run_all([[1, 2]], lambda index, job, stop: threads.add(threading.current_thread()))
    assert threads == {threading.main_thread()}


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_error_ends_the_other_queues_and_is_raised(error):
    started = []
    waiting = threading.Event()

    def run(index, job, stop):
        started.append(job)
        if job == "bad":
            waiting.wait(600)
            raise error
        waiting.set()
        assert stop.wait(600)

    with pytest.raises(type(error)):
        dispatch.run_all([["bad", "never"], ["waiting", "never"]], run)
    assert sorted(started) == ["bad", "waiting"]


@pytest.mark.parametrize("places", [2, 3])
def test_what_a_place_that_goes_leaves_is_done_by_the_others(places):
    done = []

    def run(index, job, stop):
        if index == 0:
            raise dispatch.GoneError(job + " rest" if job == "a1" else None)
        done.append(job)

    assert dispatch.run_all([["a1", "a2"], ["b1"], []][:places], run) == []
    assert sorted(done) == ["a1 rest", "a2", "b1"]


def test_what_nobody_is_left_to_do_is_returned():
    def run(index, job, stop):
        raise dispatch.GoneError

    assert sorted(dispatch.run_all([["a1", "a2"], ["b1", "b2"]], run)) == ["a2", "b2"]
    assert dispatch.run_all([["a1", "a2"]], run) == ["a2"]


def test_each_round_moves_every_case_to_the_next_place():
    for case in range(5):
        assert {dispatch.rotated(case, replicate, 2) for replicate in (1, 2)} == {0, 1}


def _suite(case, float32, replicates=2):
    other = float32.model_copy(update={"name": "must_keep_origin_dtype+other"})
    return Suite(name="s", purpose="", cases=(case,), modes=(float32, other), replicates=replicates, timeout=3600)


class Counting(Observer):
    """Counts how many trials run at once."""

    running = most = 0

    def trial_started(self, trial, number, planned):
        self.running += 1
        self.most = max(self.most, self.running)

    def trial_ended(self, trial, result):
        self.running -= 1


@pytest.mark.parametrize("cases, modes", [(1, 2), (2, 1), (2, 2), (1, 1)])
def test_a_round_of_a_case_is_made_on_one_device(tmp_path, case, float32, monkeypatch, cases, modes):
    used_by = tmp_path / "used"
    used_by.mkdir()
    program = (
        "import json, os, sys, time; trial = json.load(sys.stdin); pipe = os.fdopen(int(sys.argv[1]), 'w')\n"
        f"open(r'{used_by}/' + trial['id'], 'w').write(trial['device'])\n"
        f"while len(os.listdir(r'{used_by}')) < 2: time.sleep(0.01)\n"  # until the other device is at it too
        f"print({FINISHED!r}, file=pipe)"
    )
    monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))
    both = _suite(case, float32)
    several = (case, case.model_copy(update={"id": "other"}))
    suite = both.model_copy(update={"cases": several[:cases], "modes": both.modes[:modes]})
    observer = Counting()
    run, folder = run_suite(suite, "cpu:0,cpu:1", tmp_path / "results", "", observer)
    assert run.complete and [trial.status for trial in run.trials] == ["ok"] * 2 * cases * modes
    assert observer.most == 2
    for each in run.suite.cases:
        used = [
            {(used_by / f"{each.id}.{mode.name}.{replicate}").read_text() for mode in run.suite.modes}
            for replicate in (1, 2)
        ]
        assert sorted(map(sorted, used)) == [["cpu:0"], ["cpu:1"]]
    assert len((folder / "journal.jsonl").read_text().splitlines()) == len(run.trials)


def test_ctrl_c_ends_every_worker(tmp_path, case, float32, monkeypatch):
    program = (
        f"import os, sys, time; open(r'{tmp_path}/' + str(os.getpid()) + '.pid', 'w'); "
        f"pipe = os.fdopen(int(sys.argv[1]), 'w', buffering=1); time.sleep(0.5); print({SAMPLE!r}, file=pipe); "
        "time.sleep(600)"
    )
    monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))

    class Impatient(Observer):
        def event(self, trial, event):
            while len(list(tmp_path.glob("*.pid"))) < 2:
                time.sleep(0.05)
            raise KeyboardInterrupt

    run, _ = run_suite(_suite(case, float32), "cpu:0,cpu:1", tmp_path / "results", "", Impatient())
    assert not run.complete and run.trials == []
    workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert len(workers) == 2 and all(is_gone(pid) for pid in workers)
