"""Whole runs over hosts whose trials are stand-ins, killed in the middle: each trial is counted once."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.hosts import engine
from harness.hosts.parcel import packed, unpacked
from harness.hosts.run import HostMachines
from harness.hosts.shipping import Tree, code_of
from harness.runs.observer import Observer
from harness.runs.runner import resume, run_suite
from tests.conftest import ROOT
from tests.hosts.test_place import journal, wait_for
from tests.trial.processes import FINISHED, SAMPLE, is_gone

pytestmark = [pytest.mark.hosts, pytest.mark.any_tensorflow]

WORKER = f"""
import json, os, sys, time
from pathlib import Path
trial = json.load(sys.stdin)
folder = Path(os.environ["STYLEBENCH_CLAIMS"])
with open(folder / "run.txt", "a") as file:
    file.write(trial["id"] + " " + str(os.getpid()) + "\\n")
while (folder / "hold").exists():
    time.sleep(0.05)
pipe = os.fdopen(int(sys.argv[1]), "w")
assert Path(trial["case"]["content"]).is_file()
Path(trial["picture"]).write_bytes(b"drawn on " + trial["device"].encode())
print("a line of the log", flush=True)
print({SAMPLE!r}, file=pipe)
print({FINISHED!r}, file=pipe)
"""


@pytest.fixture
def stand_ins(monkeypatch):
    """Hosts get this project's code with a worker that needs no TensorFlow."""
    entries = unpacked(code_of().archive)
    entries["harness/trial/worker.py"] = WORKER.encode()
    archive = packed(entries)
    tree = Tree(hashlib.sha256(archive).hexdigest(), archive)
    monkeypatch.setattr(engine, "code_of", lambda: tree)


@pytest.fixture
def hosts(cluster, stand_ins):
    """Claims every host of the cluster for the runs of a test."""
    claimed = []

    def claim(device="cpu"):
        claimed.append(engine.connect(cluster.address, device))
        return HostMachines(claimed[-1])

    yield claim
    for each in claimed[-1:]:
        engine.disconnect(each)


@pytest.fixture
def three(suite, float32):
    other = float32.model_copy(update={"name": "must_keep_origin_dtype+other"})
    return suite.model_copy(update={"replicates": 3, "modes": (float32, other)})


def journalled(folder):
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


def test_rounds_are_spread_and_their_files_come_back(add, hosts, three, tmp_path, case):
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        add(claims=folder)
    machines = hosts()
    run, folder = run_suite(three, "cpu", tmp_path / "results", "", Observer(), machines=machines)
    assert run.complete and [trial.status for trial in run.trials] == ["ok"] * 6
    assert len({host.name for host in run.hosts}) == 2 and run.environment.machine_key
    # Both modes of a round on one host, the rounds on both.
    by_round = {}
    for trial in run.trials:
        by_round.setdefault(trial.replicate, set()).add(trial.host)
    assert all(len(names) == 1 for names in by_round.values()) and len(set.union(*by_round.values())) == 2
    assert sum(len(journal(each)) for each in folders) == len(journalled(folder)) == 6
    for trial in run.trials:
        assert (folder / trial.picture).read_bytes() == b"drawn on cpu"
        assert "a line of the log" in (folder / trial.log).read_text()
        assert (folder / trial.samples).read_text().count("\n") == 1


def test_cards_are_claimed_and_each_trial_knows_its_own(add, hosts, three, tmp_path):
    add(cards=2, claims=tmp_path)
    machines = hosts("npu")
    assert machines.device == "npu" and [slot.device for slot in machines.slots(None)] == ["npu:0", "npu:1"]


def test_signals_still_end_a_command_as_it_wants(add, hosts):
    seen = []
    add()
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append("ours"))
    try:
        hosts()
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == ["ours"]
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("killed", ["agent", "node"])
def test_a_host_that_goes_away_costs_its_own_trial(add, cluster, hosts, three, tmp_path, killed):
    (tmp_path / "hold").touch()
    node = add(claims=tmp_path)
    machines = hosts()
    done = []

    def kill():
        worker = wait_for(tmp_path, "small.must_keep_origin_dtype.1")
        if killed == "node":
            cluster.remove_node(node, allow_graceful=False)
        else:
            entry = _parent(worker)
            os.kill(_parent(entry), signal.SIGKILL)
        done.append(is_gone(worker, 15))

    thread = threading.Thread(target=kill)
    thread.start()
    run, folder = run_suite(three, "cpu", tmp_path / "results", "", Observer(), machines=machines)
    thread.join()
    assert done == [True] and not run.complete
    (lost,) = run.trials
    assert (lost.status, lost.result_lost) == ("crashed", True) and lost.reason.endswith("went away")
    assert len(journalled(folder)) == 1
    (tmp_path / "hold").unlink()
    engine.disconnect(engine.Cluster((), Tree("", b"")))
    if killed == "node":
        add(claims=tmp_path)
    again, _ = resume(folder, "", Observer(), hosts())
    assert again.complete and [trial.status for trial in again.trials] == ["ok"] * 6
    lines = journalled(folder)
    assert len(lines) == len({line["trial"] for line in lines}) == 6
    assert [line["attempt"] for line in lines if line["trial"] == lost.trial] == [2]


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


DRIVER = """
import sys
sys.path.insert(0, {root!r})
import hashlib
from pathlib import Path
from harness.hosts import engine
from harness.hosts.run import HostMachines
from harness.hosts.shipping import Tree
from harness.records import Suite
from harness.runs.observer import Observer
from harness.runs.runner import run_suite
archive = Path({archive!r}).read_bytes()
tree = Tree(hashlib.sha256(archive).hexdigest(), archive)
engine.code_of = lambda: tree
suite = Suite.model_validate_json(Path({suite!r}).read_text())
print("claiming", flush=True)
machines = HostMachines(engine.connect({address!r}, "cpu"))
print("claimed", flush=True)
run, folder = run_suite(suite, "cpu", Path({results!r}), "", Observer(), machines=machines)
print(run.complete, flush=True)
"""


@pytest.fixture
def driver(cluster, stand_ins, three, tmp_path):
    """Starts a program of its own that measures the suite on the hosts."""
    running = []

    def start(results):
        (tmp_path / "suite.json").write_text(three.model_dump_json())
        (tmp_path / "tree.zip").write_bytes(engine.code_of().archive)
        program = DRIVER.format(
            root=str(ROOT),
            archive=str(tmp_path / "tree.zip"),
            suite=str(tmp_path / "suite.json"),
            address=cluster.address,
            results=str(results),
        )
        log = open(str(results) + ".log", "w")  # noqa: SIM115
        running.append(subprocess.Popen([sys.executable, "-c", program], stdout=log, stderr=log))
        return running[-1]

    yield start
    for process in running:
        process.kill()


def test_a_killed_driver_is_resumed(add, hosts, driver, tmp_path):
    import ray

    ray.shutdown()
    (tmp_path / "hold").touch()
    add(claims=tmp_path)
    killed = driver(tmp_path / "results")
    worker = wait_for(tmp_path, "small.must_keep_origin_dtype.1")
    killed.kill()
    assert is_gone(worker, 15)
    (tmp_path / "hold").unlink()
    (folder,) = (tmp_path / "results").iterdir()
    run, _ = resume(folder, "", Observer(), hosts())
    assert run.complete and [trial.status for trial in run.trials] == ["ok"] * 6
    lines = journalled(folder)
    assert len(lines) == len({line["trial"] for line in lines}) == 6


def test_two_drivers_measure_one_after_the_other(add, hosts, driver, tmp_path):
    (tmp_path / "hold").touch()
    add(claims=tmp_path)
    first = driver(tmp_path / "one")
    wait_for(tmp_path, "small.must_keep_origin_dtype.1")
    second = driver(tmp_path / "two")
    while "claiming" not in (tmp_path / "two.log").read_text():
        time.sleep(0.1)
    (tmp_path / "hold").unlink()
    assert first.wait(300) == second.wait(300) == 0
    for name in ("one", "two"):
        (folder,) = (tmp_path / name).iterdir()
        lines = journalled(folder)
        assert [line["status"] for line in lines] == ["ok"] * 6
    names = [name for name, _ in journal(tmp_path)]
    # Never one of the second between two of the first.
    assert names[:6] == names[6:] and len(set(names[:6])) == 6


def test_a_network_that_a_host_lacks_refuses_the_trial(add, hosts, three, tmp_path, monkeypatch):
    add(claims=tmp_path)
    machines = hosts()
    resolve = machines.resolve

    def with_network(case, *rest):
        return resolve(case, *rest).model_copy(update={"network": "/nowhere/imagenet.mat"})

    machines.resolve = with_network
    monkeypatch.setattr("harness.runs.runner.check_op_names", lambda *given: None)
    run, _ = run_suite(three, "cpu", tmp_path / "results", "", Observer(), machines=machines)
    digest = three.cases[0].inputs.network_sha256
    assert {(trial.status, trial.reason) for trial in run.trials} == {
        (
            "refused",
            f"network /nowhere/imagenet.mat: no such file on this host (expected the one with SHA-256 {digest})",
        )
    }
    assert journal(tmp_path) == []
