"""Ray's places: held to what every place is held to, and to the timing of their trials."""

import json
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.hosts import engine
from harness.hosts.shipping import answer
from harness.machine.claim import claimed
from harness.precision.rules.ops_info import TABLE_VARIABLE
from harness.trial.place import LostError
from tests.hosts.jobs import Pack, unpack
from tests.trial.places import PATIENCE, ElsewhereContract, deaf
from tests.trial.processes import is_gone

pytestmark = [pytest.mark.hosts, pytest.mark.any_tensorflow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of locks of this module's hosts."""
    return tmp_path_factory.mktemp("claims")


@pytest.fixture(scope="module")
def ray(cluster):
    """Ray, with this process in the cluster."""
    yield engine._ray(cluster.address)
    import ray

    ray.shutdown()


def claimed_agent(ray, node, device="cpu"):
    """Claim a node; return its agent and the names of its devices. Its trials' interpreter is not started."""
    (found,) = [each for each in ray.nodes() if each["NodeID"] == node.node_id]
    _, agent, devices = engine._claim(ray, found, "test", device, device)
    return agent, devices


@pytest.fixture(scope="module")
def shared(ray, add_for_all, folder):
    """The agent of a host with two cards, which outlives what the tests do there, and the names of its devices."""
    return claimed_agent(ray, add_for_all(claims=folder, cards=2, OWN="kept"), "npu")


@pytest.fixture
def place_of(folder):
    """Makes a place of an agent; nothing has run there yet."""
    with suppress(FileNotFoundError):
        (folder / "run.txt").unlink()

    def make(agent, device="cpu", late=None):
        dropped = [] if late is None else late
        return engine.RayPlace("test", agent, device, Pack(), unpack, lambda result: dropped.append(unpack(result)))

    return make


@pytest.fixture
def place(place_of, shared):
    """A place on the host that all tests share."""
    return place_of(shared[0])


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
    def made(self, request, ray, cluster, add, place_of, folder):
        self.folder, self.late = folder, []
        if "goes_away" in request.node.name:
            node = add(claims=folder)
            agent = claimed_agent(ray, node)[0]
            self.kill = lambda: cluster.remove_node(node, allow_graceful=False)
        else:
            agent = request.getfixturevalue("shared")[0]
        self.current = place_of(agent, late=self.late)
        return self.current

    def place(self):
        return self.current

    def runs_of(self, name):
        return [word for word, _ in journal(self.folder)].count(name)

    def make_it_go(self):
        wait_for(self.folder, "wait")
        self.kill()

    def dropped(self):
        for _ in range(600):
            self.current.drop_late()
            if self.late:
                break
            time.sleep(0.05)
        return self.late


def test_processes_of_a_broken_off_job_are_gone_and_its_lock_is_free(place, folder):
    stop = threading.Event()
    threading.Thread(target=lambda: (wait_for(folder, "child"), stop.set())).start()
    with pytest.raises(KeyboardInterrupt):
        place.run(b"wait", PATIENCE, deaf, stop)
    pids = [int(pid) for _, pid in journal(folder)]
    assert len(pids) == 2 and all(is_gone(pid, 15) for pid in pids)
    assert place.run(b"one", PATIENCE, deaf) == b"result of one"


@pytest.mark.parametrize("killed", ["worker", "node"])
def test_a_job_ends_with_its_agent_and_with_its_node(ray, add, place_of, cluster, folder, killed):
    node = add(claims=folder)
    place = place_of(claimed_agent(ray, node)[0])

    def kill():
        pid = wait_for(folder, "wait")
        if killed == "node":
            cluster.remove_node(node, allow_graceful=False)
        else:
            os.kill(int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)

    threading.Thread(target=kill).start()
    with pytest.raises(LostError, match="^host test went away$"):
        place.run(b"wait", PATIENCE, deaf)
    assert not place.is_alive()
    assert [name for name, _ in journal(folder)].count("wait") == 1
    assert all(is_gone(int(pid), 15) for _, pid in journal(folder))
    with claimed(folder, "cpu", 15):
        pass


def test_a_second_attempt_keeps_off_a_device_that_is_held(ray, shared, place, folder):
    with claimed(folder, "cpu", 0):  # as by a trial that the engine believes dead
        held = rf"^host test: cpu is held by process {os.getpid()} .*stylebench-cpu.lock; end it if it is left over"
        with pytest.raises(LostError, match=held):
            answer(ray.get(shared[0].run.remote(Pack()(b"one"), "cpu", 0.2)), "test")
    assert place.run(b"one", PATIENCE, deaf) == b"result of one"
    assert [name for name, _ in journal(folder)] == ["one"]


def test_a_trial_gets_the_environment_of_its_node_and_not_that_of_a_ray_worker(place, tmp_path, monkeypatch):
    (tmp_path / "table.json").write_text("{}")
    monkeypatch.setenv(TABLE_VARIABLE, str(tmp_path / "table.json"))  # as --op-table does
    told = json.loads(place.run(b"variables", PATIENCE, deaf))
    assert told["variables"]["OWN"] == "kept"
    given = {"OMP_NUM_THREADS", "ASCEND_RT_VISIBLE_DEVICES", "LD_PRELOAD"} & set(told["variables"])
    assert given == {"OMP_NUM_THREADS", "LD_PRELOAD"} & set(os.environ)
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
def test_a_default_of_ray_that_spoils_a_measurement_is_refused(ray, add, variable, complaint):
    with pytest.raises(UsageError, match=f"^host test: {complaint}"):
        claimed_agent(ray, add(**{variable: ""}))


def test_each_card_of_a_host_has_a_name_and_a_lock_of_its_own(shared, place_of, folder):
    agent, devices = shared
    assert devices == ["npu:0", "npu:1"]
    results = []
    threads = [
        threading.Thread(target=lambda each=each: results.append(each.run(b"late", PATIENCE, deaf)))
        for each in [place_of(agent, device) for device in devices]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [b"result of late"] * 2
    assert {path.name for path in folder.glob("*npu*.lock")} == {"stylebench-npu-0.lock", "stylebench-npu-1.lock"}


def test_what_a_job_ends_with_is_its_reason(place):
    with pytest.raises(LostError, match="^host test: it went wrong$"):
        place.run(b"fail", PATIENCE, deaf)
