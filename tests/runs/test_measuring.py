"""What is timed runs alone; what nobody times runs side by side after it."""

import sys

import pytest

from harness import modes
from harness.devices import memory
from harness.records import Suite
from harness.runs import runner
from harness.runs.observer import Observer
from harness.runs.runner import run_suite
from harness.trial import supervisor
from tests.trial.processes import FINISHED, SAMPLE, is_gone

FLOAT32, HALF, MIXED = "must_keep_origin_dtype", "force_fp16", "allow_mix_precision"


class Seen(Observer):
    """Notes which trials ran beside each, and the numbers that they were given."""

    def __init__(self):
        self.running, self.beside, self.numbers, self.order = set(), {}, [], []

    def trial_started(self, trial, number, planned):
        self.numbers.append((number, planned))
        self.order.append(trial.id)
        self.beside[trial.id] = set(self.running)
        for other in self.running:
            self.beside[other].add(trial.id)
        self.running.add(trial.id)

    def trial_ended(self, trial, result):
        self.running.remove(trial.id)


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def run(case, tmp_path, monkeypatch, seen):
    """Runs a suite of these modes; workers of emulated modes end once so many of them have begun."""

    def run(*names, cases=1, meeting=0, device="cpu", plans=False):
        begun = tmp_path / "begun"
        begun.mkdir()
        program = (
            "import json, os, sys, time; trial = json.load(sys.stdin); pipe = os.fdopen(int(sys.argv[1]), 'w')\n"
            f"float32 = trial['mode']['name'] == {FLOAT32!r}\n"
            f"float32 or open(r'{begun}/' + trial['id'], 'w').close()\n"
            f"while not float32 and len(os.listdir(r'{begun}')) < {meeting}: time.sleep(0.01)\n"
            f"print({FINISHED!r}, file=pipe)"
        )
        monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))
        several = tuple(case.model_copy(update={"id": f"{case.id}-{number}"}) for number in range(cases))
        chosen = tuple(map(modes.get, names))
        suite = Suite(name="s", purpose="", cases=several, modes=chosen, replicates=1, timeout=3600)
        found, folder = run_suite(suite, device, tmp_path / "results", "", seen, plans=plans)
        assert found.complete and [trial.status for trial in found.trials] == ["ok"] * cases * len(names)
        assert len((folder / "journal.jsonl").read_text().splitlines()) == cases * len(names)
        return found

    return run


def test_what_is_emulated_runs_side_by_side_after_what_is_timed(run, seen):
    run(HALF, FLOAT32, MIXED, meeting=2)  # in this order alone it would never end
    alone, *pair = seen.order
    assert FLOAT32 in alone and not seen.beside[alone]
    assert [seen.beside[name] for name in pair] == [{pair[1]}, {pair[0]}]
    assert seen.numbers == [(1, 3), (2, 3), (3, 3)]


def test_the_first_trials_are_of_different_cases(run, seen):
    run(HALF, MIXED, cases=2)
    assert {name.split(".")[0] for name in seen.order[:2]} == {"small-0", "small-1"}


def test_it_is_one_after_the_other_where_memory_holds_no_two(run, seen, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 0)
    monkeypatch.setattr(memory, "require", lambda *arguments: None)
    run(HALF, MIXED)
    assert not any(seen.beside.values())


def test_a_core_of_its_own_is_shared_with_nobody(run, seen):
    run(HALF, MIXED, device="cpu:0")
    assert not any(seen.beside.values())


def test_plans_are_made_beside_no_timed_trial(run, seen, monkeypatch):
    beside = []

    def explain(question, stop):
        beside.extend(seen.running)
        return []

    monkeypatch.setattr(runner, "explain", explain)
    run(FLOAT32, HALF, plans=True)
    assert seen.order[0].endswith(f"{FLOAT32}.1")
    assert seen.order[0] not in beside


def test_ctrl_c_ends_those_that_run_side_by_side_and_the_planning(case, tmp_path, monkeypatch):
    program = (
        f"import os, sys, time; open(r'{tmp_path}/' + str(os.getpid()) + '.pid', 'w'); "
        f"pipe = os.fdopen(int(sys.argv[1]), 'w', buffering=1); time.sleep(0.5); print({SAMPLE!r}, file=pipe); "
        "time.sleep(600)"
    )
    monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))

    def explain(question, stop):
        assert stop.wait(3600)
        raise KeyboardInterrupt

    class Impatient(Observer):
        def event(self, trial, event):
            raise KeyboardInterrupt

    monkeypatch.setattr(runner, "explain", explain)
    chosen = tuple(map(modes.get, (HALF, MIXED)))
    suite = Suite(name="s", purpose="", cases=(case,), modes=chosen, replicates=1, timeout=3600)
    found, _ = run_suite(suite, "cpu", tmp_path / "results", "", Impatient(), plans=True)
    assert not found.complete and found.trials == [] and found.plans == []
    assert all(is_gone(int(path.stem)) for path in tmp_path.glob("*.pid"))
