import os

import pytest

from harness.machine import scheduling
from harness.machine.processor import throttled_seconds
from harness.machine.scheduling import Watch, ranges
from harness.records import Scheduling

pytestmark = pytest.mark.any_tensorflow


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Writes what a system with two processors says, of which the process may use the second."""
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {1}, raising=False)
    monkeypatch.setattr("os.sysconf", lambda name: 100)
    monkeypatch.setattr(scheduling.time, "process_time", lambda: clocks[1])
    monkeypatch.setattr(scheduling.time, "monotonic", lambda: clocks[0])
    clocks = [0.0, 0.0]

    def say(seconds, cpu, waited=(0, 0), busy=0, moves=0, stolen=0, throttled=0, hot=0):
        clocks[:] = seconds, cpu
        for number, nanoseconds in enumerate(waited):
            task = tmp_path / f"proc/self/task/{number}"
            task.mkdir(parents=True, exist_ok=True)
            (task / "schedstat").write_text(f"1 {nanoseconds} 1\n")
            (task / "sched").write_text(f"python (1, #threads: 2)\nse.nr_migrations  :  {moves}\n")
        (tmp_path / "proc/stat").write_text(
            f"cpu  999 9 9 9 9 9 9 9 9 9\ncpu0 999 9 9 9 9 9 9 9 9 9\ncpu1 {busy} 0 0 7 7 0 0 {stolen} 0 0\nintr 1\n"
        )
        (tmp_path / "proc/self/cgroup").write_text("4:memory:/x\n1:cpu,cpuacct:/jobs/one\n")
        group = tmp_path / "sys/fs/cgroup/cpu/jobs"
        group.mkdir(parents=True, exist_ok=True)
        (group / "cpu.stat").write_text(f"nr_periods 5\nnr_throttled 2\nthrottled_time {throttled}\n")
        core = tmp_path / "sys/devices/system/cpu/cpu0/thermal_throttle"
        core.mkdir(parents=True, exist_ok=True)
        (core / "core_throttle_count").write_text(f"{hot}\n")
        return tmp_path

    return say


def test_what_happened_is_the_difference_of_two_looks(system):
    watch = Watch(system(100.0, 5.0, busy=1000))
    system(110.0, 11.0, (3 * 10**9, 10**9), busy=1900, moves=4, stolen=50, throttled=2 * 10**9, hot=3)
    seen = watch.seen()
    assert (seen.seconds, seen.cpu_seconds, seen.waiting_seconds, seen.migrations) == (10.0, 6.0, 4.0, 8)
    assert (seen.others_seconds, seen.stolen_seconds) == (3.0, 0.5)
    assert (seen.throttled_seconds, seen.thermal_throttles) == (2.0, 3)
    assert seen.affinity == "1" and seen.niceness == os.getpriority(os.PRIO_PROCESS, 0)
    assert seen.lost_share == pytest.approx(3 / 9)


def test_a_system_that_tells_nothing_leaves_nothing_but_the_times(tmp_path):
    seen = Watch(tmp_path).seen()
    assert (seen.waiting_seconds, seen.others_seconds, seen.migrations, seen.throttled_seconds) == (None,) * 4
    assert seen.lost_share == 0.0


def test_this_system_is_read(tmp_path):
    watch = Watch()
    assert sum(range(10**6))
    seen = watch.seen()
    assert seen.cpu_seconds > 0 and seen.affinity == ranges(sorted(os.sched_getaffinity(0)))
    if os.path.exists("/proc/self/schedstat"):
        assert seen.waiting_seconds is not None and seen.others_seconds is not None


@pytest.mark.parametrize(
    "fields, share",
    [
        ({"waiting_seconds": 5.0, "others_seconds": 0.5}, 0.5 / 10.5),  # its own threads waited for each other
        ({"waiting_seconds": 0.5, "others_seconds": 5.0}, 0.5 / 10.5),  # others had cores that it did not want
        ({"waiting_seconds": 10.0, "others_seconds": 10.0}, 0.5),
        ({"stolen_seconds": 10.0}, 0.5),
        ({"throttled_seconds": 2.0}, 0.4),
        ({}, 0.0),
    ],
)
def test_what_is_lost_to_others_is_no_more_than_what_tells_of_it(fields, share):
    assert Scheduling(seconds=5.0, cpu_seconds=10.0, **fields).lost_share == pytest.approx(share)


def test_processors_are_named_in_short():
    assert [ranges(numbers) for numbers in ([], [3], [0, 1, 2, 8], [1, 3])] == ["", "3", "0-2,8", "1,3"]


def test_the_second_version_of_control_groups_counts_microseconds(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/job\n")
    (tmp_path / "sys/fs/cgroup/job").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/job/cpu.stat").write_text("usage_usec 9\nthrottled_usec 1500000\n")
    assert throttled_seconds(tmp_path) == 1.5
    assert throttled_seconds(tmp_path / "nowhere") is None
