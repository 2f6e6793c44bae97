"""Ray's places: held to what every place is held to, and to the timing of their trials."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.hosts import engine
from harness.precision.rules.ops_info import TABLE_VARIABLE
from harness.trial.place import LostError
from tests.hosts.jobs import Pack, unpack
from tests.trial.places import PATIENCE, ElsewhereContract, deaf
from tests.trial.processes import is_gone

pytestmark = [pytest.mark.hosts, pytest.mark.any_tensorflow]


@pytest.fixture
def undescribed(monkeypatch):
    """Hosts are not asked what they are: their trials' interpreter is not started for it."""
    monkeypatch.setattr(engine, "_described", lambda name, agent, devices, tree: (name, agent, devices))


@pytest.fixture
def place_at(cluster, add, undescribed, tmp_path):
    """Starts a host and makes a place of its only device."""

    def make(device="cpu", dropped=None, node=None, **host):
        node = node or add(claims=tmp_path, **host)
        (name, agent, devices), *_ = engine.connect(cluster.address, device).hosts
        late = [] if dropped is None else dropped
        place = engine.RayPlace(name, agent, devices[0], Pack(), unpack, lambda result: late.append(unpack(result)))
        place.node, place.agent, place.devices = node, agent, devices
        return place

    return make


def journal(folder):
    """The jobs that hosts with this folder of locks have run, with their process ids."""
    path = Path(folder) / "run.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(folder, word):
    """Wait until a job has begun; return its process id."""
    for _ in range(1200):
        found = [int(pid) for name, pid in journal(folder) if name == word]
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"{word} has not begun")


class TestRay(ElsewhereContract):
    @pytest.fixture(name="place")
    def made(self, place_at, tmp_path, cluster):
        self.folder, self.late = tmp_path, []
        place = place_at(dropped=self.late)
        self.cluster, self.node = cluster, place.node
        self.current = place
        return place

    def place(self):
        return self.current

    def runs_of(self, name):
        return [word for word, _ in journal(self.folder)].count(name)

    def make_it_go(self):
        wait_for(self.folder, "wait")
        self.cluster.remove_node(self.node, allow_graceful=False)

    def dropped(self):
        for _ in range(600):
            self.current.drop_late()
            if self.late:
                break
            time.sleep(0.05)
        return self.late


def test_processes_of_a_broken_off_job_are_gone_and_its_lock_is_free(place_at, tmp_path):
    place, stop = place_at(), threading.Event()
    threading.Thread(target=lambda: (wait_for(tmp_path, "child"), stop.set())).start()
    with pytest.raises(KeyboardInterrupt):
        place.run(b"wait", PATIENCE, deaf, stop)
    pids = [int(pid) for _, pid in journal(tmp_path)]
    assert len(pids) == 2 and all(is_gone(pid, 15) for pid in pids)
    assert place.run(b"one", PATIENCE, deaf) == b"result of one"


@pytest.mark.parametrize("killed", ["worker", "node"])
def test_a_job_ends_with_its_agent_and_with_its_node(place_at, cluster, tmp_path, killed):
    import ray

    place = place_at()

    def kill():
        pid = wait_for(tmp_path, "wait")
        if killed == "node":
            cluster.remove_node(place.node, allow_graceful=False)
        else:
            os.kill(int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)

    threading.Thread(target=kill).start()
    with pytest.raises(LostError, match="^host .* went away$"):
        place.run(b"wait", PATIENCE, deaf)
    assert not place.is_alive()
    assert [name for name, _ in journal(tmp_path)].count("wait") == 1
    assert is_gone(wait_for(tmp_path, "wait"), 15)
    ray.shutdown()


def test_a_second_attempt_keeps_off_a_device_that_is_held(place_at, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.hosts.agent.CLAIM_SECONDS", 0.5)
    place = place_at()
    from harness.machine.claim import claimed

    with claimed(tmp_path, "cpu", 0):  # as by a trial that the engine believes dead
        held = rf"^host test: cpu is held by process {os.getpid()} .*stylebench-cpu.lock; end it if it is left over"
        with pytest.raises(LostError, match=held):
            place.run(b"one", PATIENCE, deaf)
    assert place.run(b"one", PATIENCE, deaf) == b"result of one"


def test_a_trial_gets_the_environment_of_its_node_and_not_that_of_a_ray_worker(place_at, tmp_path, monkeypatch):
    (tmp_path / "table.json").write_text("{}")
    monkeypatch.setenv(TABLE_VARIABLE, str(tmp_path / "table.json"))  # as --op-table does
    place = place_at(OWN="kept")
    told = json.loads(place.run(b"variables", PATIENCE, deaf))
    assert told["variables"]["OWN"] == "kept"
    assert {"OMP_NUM_THREADS", "ASCEND_RT_VISIBLE_DEVICES"} & set(told["variables"]) == set(os.environ) & {
        "OMP_NUM_THREADS"
    }
    assert told["variables"][TABLE_VARIABLE].endswith("/files/op-table.json")
    assert told["niceness"] == os.getpriority(os.PRIO_PROCESS, 0)
    assert told["affinity"] == sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    "variable, complaint",
    [
        ("RAY_worker_niceness", r"Ray runs its workers at niceness \d+ .start the node with RAY_worker_niceness=0."),
        (
            "RAY_memory_monitor_refresh_ms",
            "Ray's memory monitor may kill a trial .start the node with RAY_memory_monitor_refresh_ms=0.",
        ),
    ],
)
def test_a_default_of_ray_that_spoils_a_measurement_is_refused(place_at, variable, complaint):
    with pytest.raises(UsageError, match=f"^host .*: {complaint}"):
        place_at(**{variable: ""})


def test_each_card_of_a_host_has_a_name_and_a_lock_of_its_own(place_at, tmp_path):
    place = place_at("npu", cards=2)
    assert place.devices == ["npu:0", "npu:1"]
    places = [engine.RayPlace("x", place.agent, device, Pack(), unpack) for device in place.devices]
    results = []
    threads = [
        threading.Thread(target=lambda each=each: results.append(each.run(b"late", PATIENCE, deaf))) for each in places
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [b"result of late"] * 2
    assert {path.name for path in tmp_path.glob("*.lock")} == {"stylebench-npu-0.lock", "stylebench-npu-1.lock"}


def test_what_a_job_ends_with_is_its_reason(place_at):
    with pytest.raises(LostError, match="^host test: it went wrong$"):
        place_at().run(b"fail", PATIENCE, deaf)
