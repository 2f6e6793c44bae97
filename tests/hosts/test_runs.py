"""Whole runs over hosts whose trials are stand-ins, killed in the middle: each trial is counted once."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from harness.hosts import engine
from harness.hosts.parcel import packed, unpacked
from harness.hosts.run import HostMachines
from harness.hosts.shipping import Tree, code_of
from harness.machine.claim import claimed
from harness.runs.observer import Observer
from harness.runs.runner import resume, run_suite
from tests.conftest import ROOT
from tests.hosts.conftest import wait_for_nodes
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory, add_for_all):
    """The folder of a host that all tests share, where its trials note themselves."""
    made = tmp_path_factory.mktemp("claims")
    add_for_all(claims=made, cards=2)
    return made


@pytest.fixture
def claims(folder):
    """That folder without the notes of other tests; the shared host is up."""
    for name in ("run.txt", "hold"):
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    return folder


@pytest.fixture
def hosts(cluster, stand_ins):
    """Claims every host of the cluster for the runs of a test."""
    claims = []

    def claim(device="cpu"):
        claims.append(engine.connect(cluster.address, device))
        return HostMachines(claims[-1])

    yield claim
    for each in claims[-1:]:
        engine.disconnect(each)


@pytest.fixture
def rounds(suite, float32):
    """Two modes, in as many rounds as are asked for."""
    other = float32.model_copy(update={"name": "must_keep_origin_dtype+other"})
    return lambda count: suite.model_copy(update={"replicates": count, "modes": (float32, other)})


@pytest.fixture
def two(rounds):
    return rounds(2)


def journalled(folder):
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


def test_rounds_are_spread_and_their_files_come_back(add, claims, hosts, rounds, tmp_path):
    add(claims=tmp_path)
    three = rounds(3)
    machines = hosts()
    run, folder = run_suite(three, "cpu", tmp_path / "results", "", Observer(), machines=machines)
    assert run.complete and [trial.status for trial in run.trials] == ["ok"] * 6
    assert len({host.name for host in run.hosts}) == 2 and run.environment.machine_key
    # Both modes of a round on one host, the rounds on both.
    by_round = {}
    for trial in run.trials:
        by_round.setdefault(trial.replicate, set()).add(trial.host)
    assert all(len(names) == 1 for names in by_round.values()) and len(set.union(*by_round.values())) == 2
    assert sum(len(journal(each)) for each in (claims, tmp_path)) == len(journalled(folder)) == 6
    for trial in run.trials:
        assert (folder / trial.picture).read_bytes() == b"drawn on cpu"
        assert "a line of the log" in (folder / trial.log).read_text()
        assert (folder / trial.samples).read_text().count("\n") == 1


def test_cards_are_claimed_and_a_signal_still_ends_the_command_as_it_wants(claims, hosts):
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append("ours"))
    try:
        machines = hosts("npu")
        assert machines.device == "npu" and [slot.device for slot in machines.slots(None)] == ["npu:0", "npu:1"]
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == ["ours"]
    finally:
        signal.signal(signal.SIGTERM, before)


def ended(folder):
    """Wait until nothing runs that noted itself in the folder; return whether that, and its lock, took 15 s at most."""
    gone = all(is_gone(int(pid), 15) for _, pid in journal(folder))
    with claimed(folder, "cpu", 15):
        return gone


def counted_once(run, folder, lost=()):
    """Check that all four trials have ended well, with one line each, of a second attempt where a loss was noted."""
    assert run.complete and [trial.status for trial in run.trials] == ["ok"] * 4
    lines = journalled(folder)
    assert len(lines) == len({line["trial"] for line in lines}) == 4
    assert [line["trial"] for line in lines if line["attempt"] == 2] == list(lost)


def test_a_host_whose_agent_dies_costs_its_own_trial(claims, hosts, two, tmp_path):
    (claims / "hold").touch()
    machines, done = hosts(), []

    def kill():
        os.kill(_parent(_parent(wait_for(claims, "small.must_keep_origin_dtype.1"))), signal.SIGKILL)
        done.append(ended(claims))

    thread = threading.Thread(target=kill)
    thread.start()
    run, folder = run_suite(two, "cpu", tmp_path / "results", "", Observer(), machines=machines)
    thread.join()
    assert done == [True] and not run.complete
    (lost,) = run.trials
    assert (lost.status, lost.result_lost) == ("crashed", True) and lost.reason.endswith("went away")
    assert len(journalled(folder)) == 1
    (claims / "hold").unlink()
    engine.disconnect(engine.Cluster((), Tree("", b"")))
    again, _ = resume(folder, "", Observer(), hosts())
    counted_once(again, folder, [lost.trial])


def test_what_a_node_had_left_that_goes_away_is_done_by_another(add, cluster, claims, hosts, two, tmp_path):
    (tmp_path / "hold").touch()
    node = add(claims=tmp_path)
    machines, done = hosts(), []

    def kill():
        while not journal(tmp_path):
            time.sleep(0.05)
        cluster.remove_node(node, allow_graceful=False)
        done.append(ended(tmp_path))

    thread = threading.Thread(target=kill)
    thread.start()
    run, folder = run_suite(two, "cpu", tmp_path / "results", "", Observer(), machines=machines)
    thread.join()
    assert done == [True] and not run.complete
    (lost,) = [trial for trial in run.trials if trial.status != "ok"]
    assert (lost.status, lost.result_lost) == ("crashed", True) and lost.reason.endswith("went away")
    assert len(run.trials) == len(journalled(folder)) == 4
    assert (len(journal(tmp_path)), len(journal(claims))) == (1, 3)
    engine.disconnect(engine.Cluster((), Tree("", b"")))
    wait_for_nodes(cluster)
    again, _ = resume(folder, "", Observer(), hosts())
    counted_once(again, folder, [lost.trial])


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
def driver(cluster, stand_ins, two, tmp_path):
    """Starts a program of its own that measures the suite on the hosts."""
    running = []

    def start(results):
        (tmp_path / "suite.json").write_text(two.model_dump_json())
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


def test_a_killed_driver_is_resumed(claims, hosts, driver, tmp_path):
    (claims / "hold").touch()
    killed = driver(tmp_path / "results")
    wait_for(claims, "small.must_keep_origin_dtype.1")
    killed.kill()
    assert ended(claims)
    (claims / "hold").unlink()
    (folder,) = (tmp_path / "results").iterdir()
    run, _ = resume(folder, "", Observer(), hosts())
    counted_once(run, folder)


def test_two_drivers_measure_one_after_the_other(claims, driver, tmp_path):
    (claims / "hold").touch()
    first = driver(tmp_path / "one")
    wait_for(claims, "small.must_keep_origin_dtype.1")
    second = driver(tmp_path / "two")
    while "claiming" not in (tmp_path / "two.log").read_text():
        time.sleep(0.1)
    (claims / "hold").unlink()
    assert first.wait(300) == second.wait(300) == 0
    for name in ("one", "two"):
        (folder,) = (tmp_path / name).iterdir()
        assert [line["status"] for line in journalled(folder)] == ["ok"] * 4
    names = [name for name, _ in journal(claims)]
    # Never one of the second between two of the first.
    assert names[:4] == names[4:] and len(set(names[:4])) == 4
    assert ended(claims)


def test_a_network_that_a_host_lacks_refuses_the_trial(claims, hosts, two, tmp_path, monkeypatch):
    machines = hosts()
    resolve = machines.resolve

    def with_network(case, *rest):
        return resolve(case, *rest).model_copy(update={"network": "/nowhere/imagenet.mat"})

    machines.resolve = with_network
    monkeypatch.setattr("harness.runs.runner.check_op_names", lambda *given: None)
    run, _ = run_suite(two, "cpu", tmp_path / "results", "", Observer(), machines=machines)
    digest = two.cases[0].inputs.network_sha256
    assert {(trial.status, trial.reason) for trial in run.trials} == {
        (
            "refused",
            f"network /nowhere/imagenet.mat: no such file on this host (expected the one with SHA-256 {digest})",
        )
    }
    assert journal(claims) == []
