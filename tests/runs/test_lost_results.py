"""Runs at a place that loses, delays and repeats results: every trial is counted once, and a lost one is measured."""

import functools
import json

import pytest

from harness.runs.machines import ThisMachine
from harness.runs.observer import Observer
from harness.runs.runner import resume, run_suite
from harness.trial import supervisor
from harness.trial.exchange import _run_here, drop, read_reply
from harness.trial.place import Slot
from tests.trial.places import FaultyPlace
from tests.trial.processes import FINISHED

pytestmark = pytest.mark.any_tensorflow


@pytest.fixture
def measured(monkeypatch, tmp_path, suite):
    """Measures three trials at a place with these faults; returns the run, its folder and how to resume it."""
    program = f"import os, sys; print({FINISHED!r}, file=os.fdopen(int(sys.argv[1]), 'w'))"
    monkeypatch.setattr(supervisor, "WORKER", (supervisor.sys.executable, "-c", program))

    def measure(*faults):
        def slots(folder):
            place = FaultyPlace(
                lambda job, hear, stop: _run_here(folder, job, hear, stop),
                faults,
                lambda result: drop(folder, read_reply(result)),
            )
            return [Slot(place, "cpu")]

        three = suite.model_copy(update={"replicates": 3})
        return run_suite(three, "cpu", tmp_path / "results", "", Observer(), machines=machines(slots))

    return measure


def machines(slots):
    """This machine with these slots."""
    made = ThisMachine("cpu")
    made.slots = slots
    return made


def journalled(folder):
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    "fault, reason",
    [
        ("lose", "host faulty lost it"),
        ("delay", "host faulty gave no result in "),
        ("repeat", "another result came in place of its own: of small.must_keep_origin_dtype.1 (see dropped.jsonl)"),
        ("tear", "its result cannot be read: "),
    ],
)
def test_a_trial_whose_result_is_lost_has_crashed_and_is_measured_by_resume(measured, fault, reason):
    run, folder = measured("", fault)
    assert not run.complete
    assert [trial.status for trial in run.trials] == ["ok", "crashed", "ok"]
    lost = run.trials[1]
    assert lost.result_lost and lost.reason.startswith(reason)
    assert reason.encode() in (folder / lost.log).read_bytes()
    assert len(journalled(folder)) == 3
    again, _ = resume(folder, "", Observer())
    assert again.complete and [trial.status for trial in again.trials] == ["ok", "ok", "ok"]
    lines = journalled(folder)
    assert sorted(line["trial"] for line in lines) == sorted({line["trial"] for line in lines})
    assert [(line["replicate"], line["attempt"]) for line in lines] == [(1, 1), (3, 1), (2, 2)]
    assert (folder / "trials/small.must_keep_origin_dtype.2.attempt-2/log.txt").exists()


def test_a_late_or_repeated_result_is_noted_and_counts_for_nothing(measured):
    for faults, late in ((("delay",), 1), (("", "repeat"), 1)):
        run, folder = measured(*faults)
        (noted,) = [json.loads(line) for line in (folder / "dropped.jsonl").read_text().splitlines()]
        assert noted["trial"] == f"small.must_keep_origin_dtype.{late}"
        assert len(run.trials) == len(journalled(folder)) == 3
        assert run.summaries[0].ok == 2


@pytest.fixture
def two_places(monkeypatch, tmp_path, suite):
    """Measures three rounds of two modes at two places of which the first has these faults."""
    program = f"import os, sys; print({FINISHED!r}, file=os.fdopen(int(sys.argv[1]), 'w'))"
    monkeypatch.setattr(supervisor, "WORKER", (supervisor.sys.executable, "-c", program))

    def measure(*faults, last=()):
        def slots(folder):
            places = [FaultyPlace(functools.partial(_run_here, folder), own) for own in (last, faults)]
            for place, name in zip(places, "ba"):
                place.name = name
            return [Slot(place, "cpu", "like both") for place in places]

        other = suite.modes[0].model_copy(update={"name": "another"})
        both = suite.model_copy(update={"replicates": 3, "modes": (*suite.modes, other)})
        return run_suite(both, "cpu", tmp_path / "results", "", Observer(), machines=machines(slots))

    return measure


def test_what_a_host_that_went_away_had_to_do_is_done_by_another(two_places):
    run, folder = two_places("", "go")  # after the first mode of its first round
    assert len(run.trials) == len(journalled(folder)) == 6 and not run.complete
    (lost,) = [trial for trial in run.trials if trial.status != "ok"]
    assert (lost.host, lost.reason, lost.result_lost) == ("a", "host faulty went away", True)
    assert [trial.host for trial in run.trials].count("a") == 2
    again, _ = resume(folder, "", Observer())
    assert again.complete and all(trial.status == "ok" for trial in again.trials)


def test_a_run_whose_hosts_all_went_away_is_measured_by_resume(two_places):
    run, folder = two_places("go", last=("go",))
    assert [trial.status for trial in run.trials] == ["crashed"] * 2 and not run.complete
    again, _ = resume(folder, "", Observer())
    assert again.complete and [trial.status for trial in again.trials] == ["ok"] * 6
    assert len(journalled(folder)) == 6
