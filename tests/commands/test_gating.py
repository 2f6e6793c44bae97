"""The commands that judge, through the command line."""

import json
import subprocess
import sys

import pytest

import bench
from harness.commands.run import show
from harness.commands.shown import Shown
from harness.gates import approval
from harness.records import Comparison
from harness.runs import runner
from harness.store.run_folder import RunFolder
from harness.trial import supervisor
from tests.builders import SLOWER, STEADY, card_of, planned, stepping
from tests.commands.test_request import request_of
from tests.conftest import ROOT
from tests.trial.processes import FINISHED, SAMPLE


def worker(seconds):
    """A program whose steps all last as long."""
    sample = json.dumps({**json.loads(SAMPLE), "phase": "step", "seconds": seconds})
    lines = "\n".join([sample] * 11 + [FINISHED])
    return f"import os, sys; os.write(int(sys.argv[1]), {(lines + chr(10)).encode()!r})"


@pytest.fixture
def store(tmp_path, suite):
    """Stores a run that took so long, and returns the path of its folder."""

    def store(*seconds, **fields):
        run = planned(stepping(suite, *seconds, **fields))
        folder = RunFolder.create(tmp_path / "results", suite.name)
        folder.save(run.model_copy(update={"id": folder.path.name}))
        return folder.path

    return store


@pytest.fixture
def command(monkeypatch, capfd, baselines):
    """Runs one of the commands beside the baselines of the test."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.py", *map(str, arguments), "--baselines", str(baselines.root)])
        status = bench.main()
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return run


def test_approve_shows_old_beside_new_and_writes_only_what_it_was_told_to(command, store, baselines):
    status, out, _ = command("approve", store(*STEADY), "--reason", "first")
    assert status == 0 and out.count("wrote ") == 2 and "timing on cpu" in out
    halved = store(*(seconds / 2 for seconds in STEADY))
    status, out, _ = command("approve", halved, "--reason", "r")
    assert status == 3 and "wrote" not in out and "as approved" in out and "Nothing" not in out
    assert f"python bench.py approve {halved} --changed --reason" in out and "timing 1" in out
    status, out, _ = command("approve", halved, "--changed", "--reason", "faster kernels")
    assert status == 0
    (row,) = [line.split() for line in out.splitlines() if line.startswith("step s")]
    assert row == ["step", "s", "1", "0.5", "-50.0%"] and "faster than before" in out
    (path,) = [line.split()[1] for line in out.splitlines() if line.startswith("wrote")]
    with open(path) as file:
        assert json.load(file)["reason"] == "faster kernels"


def test_approve_says_so_when_all_is_as_approved(command, store, baselines):
    path = store(*STEADY)
    command("approve", path, "--reason", "first")
    status, out, _ = command("approve", path, "--reason", "again")
    assert status == 0 and out.startswith("Nothing to approve: what this run holds is as approved.")


def test_what_failed_is_never_called_approved(command, store, baselines):
    command("approve", store(*STEADY), "--reason", "first")
    folder = RunFolder(store(*STEADY))
    folder.save(planned(folder.load(), casts=9))
    status, out, _ = command("approve", folder.path, "--reason", "r")
    assert status == 3 and "plan 1" in out and "--changed" in out and "Nothing" not in out


def test_approve_says_what_it_refused_with_status_3(command, store, baselines):
    status, out, _ = command("approve", store(0.8, 1.4, 0.9, 1.3), "--reason", "r")
    assert status == 3 and "refused: too noisy to tell" in out and out.count("wrote ") == 1


def test_in_ci_no_baseline_is_written(command, store, baselines, monkeypatch):
    path = store(*STEADY)
    monkeypatch.setenv("CI", "true")
    for arguments in (["approve", path, "--reason", "r"], ["calibrate"]):
        status, _, err = command(*arguments)
        assert status == 2 and f"{arguments[0]}: CI never writes baselines" in err
    assert not baselines.root.exists()


def test_two_runs_are_compared_with_the_gates_status(command, store, baselines, suite):
    first, second = store(*STEADY), store(*SLOWER)
    status, out, _ = command("compare", first, second)
    assert status == 0 and "no power card" in out  # plan and memory gate without one
    baselines.save_card(card_of(suite))
    status, out, _ = command("compare", first, second)
    assert status == 1 and "+15.0% step time, 95% interval" in out
    assert command("compare", first, second, "--advisory")[0] == 0
    status, out, err = command("compare", first, second, "--json")
    answer = json.loads(out)
    (row,) = answer["table"]
    assert (status, answer["exit_status"], answer["first_run"]) == (1, 1, first.name) and "+15.0% step time" in err
    assert row["first"]["plan"] == row["second"]["plan"] and row["first"]["plan"]["casts"] > 0
    assert {verdict["gate"]: verdict["outcome"] for verdict in answer["verdicts"]}["timing"] == "fail"
    status, _, err = command("compare", first, first)
    assert status == 2 and f"both are {first} (expected two runs)" in err


@pytest.mark.parametrize("seconds, status, said", [(1.15, 1, "measured again +15"), (1.0, 3, "not when measured")])
def test_a_slow_run_is_measured_again_before_it_fails(
    store, baselines, suite, monkeypatch, capfd, seconds, status, said
):
    approved = RunFolder(store(*STEADY)).load()
    approval.approve(approval.propose(approved, baselines, "r"), baselines)
    baselines.save_card(card_of(suite))
    monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", worker(seconds)))
    monkeypatch.setattr(runner, "CONFIRMATION_DELAY", 0.0)
    slow = store(*SLOWER)
    request = request_of("--suite", "smoke", "--baselines", str(baselines.root))
    assert show(RunFolder(slow).load(), slow, True, request, Shown.from_options("none", "en")) == status
    printed = capfd.readouterr()
    assert said in printed.out and "measuring again in 0 s" in printed.err
    stored = RunFolder(slow).load()
    assert sum(trial.confirmation for trial in stored.trials) == 5 and len(stored.power_cards) == 1


def test_an_interrupted_calibration_says_how_to_go_on(command, baselines, monkeypatch, tmp_path):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.comparisons.calibration.run_trial", interrupted)
    status, _, err = command("calibrate", "--size", "64", "--output", str(tmp_path / "out"))
    assert status == 130 and "interrupted after 0 of 40 comparisons" in err
    folder = err.split("--resume ")[1].strip()
    status, _, err = command("calibrate", "--resume", folder, "--pairs", "3")
    assert status == 2 and "--resume takes no other option" in err
    assert command("calibrate", "--resume", folder)[0] == 130
    status, _, err = command("calibrate", "--resume", str(tmp_path))
    assert status == 2 and "no calibration.json in it" in err


@pytest.mark.slow
def test_this_tree_against_its_own_last_commit(tmp_path):
    arguments = "--suite smoke --against HEAD --pairs 2 --size 64 --network synthetic-narrow --advisory".split()
    done = subprocess.run(
        [sys.executable, "bench.py", *arguments, "--output", str(tmp_path)],
        cwd=str(ROOT), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[pair 2/2] head" in done.stderr and "no power card says how good this gate is" in done.stdout
    (path,) = tmp_path.glob("*/comparison.json")
    comparison = Comparison.model_validate_json(path.read_text())
    assert [pair.number for pair in comparison.pairs] == [1, 2] and len(comparison.verdicts) == 1
    listed = subprocess.run(["git", "-C", str(ROOT), "worktree", "list"], stdout=subprocess.PIPE, check=True)
    assert b"stylebench-base" not in listed.stdout
