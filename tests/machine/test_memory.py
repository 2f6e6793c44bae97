import resource
import subprocess
import sys

import pytest

from harness.machine.memory import available_bytes
from tests.conftest import ROOT

GIB = 2**30


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Writes files of a machine with 64 GiB, below the folder that is returned."""
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 64 * GIB}))
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(text))
        return tmp_path

    return write


def test_without_limits_it_is_the_machine_s(host):
    assert available_bytes(host()) == 64 * GIB
    assert available_bytes(host(proc__self__cgroup="0::/\n")) == 64 * GIB


@pytest.mark.parametrize("group", ["/docker/abc", "/docker", "/"])
def test_a_limit_of_version_2_counts_on_every_level(host, group):
    folder = f"sys/fs/cgroup{group.rstrip('/')}"
    files = {"memory.max": 4 * GIB, "memory.current": 3 * GIB, "memory.stat": f"anon {GIB}\ninactive_file {GIB}\n"}
    root = host(proc__self__cgroup="0::/docker/abc\n", **{f"{folder}/{name}": text for name, text in files.items()})
    assert available_bytes(root) == 2 * GIB
    assert available_bytes(host(**{f"{folder}/memory.max": "max\n"})) == 64 * GIB


def test_a_limit_of_version_1_counts_even_where_its_path_is_the_host_s(host):
    groups = "9:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n"
    files = {"limit_in_bytes": 4 * GIB, "usage_in_bytes": GIB, "stat": f"cache 5\ntotal_inactive_file {GIB // 2}\n"}
    names = {f"sys/fs/cgroup/memory/memory.{name}": text for name, text in files.items()}
    assert available_bytes(host(proc__self__cgroup=groups, **names)) == 3.5 * GIB
    names["sys/fs/cgroup/memory/memory.limit_in_bytes"] = 2**63 - 4096  # none, as the kernel writes it
    assert available_bytes(host(**names)) == 64 * GIB


def test_a_limit_of_the_address_space_counts(host, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (7 * GIB, resource.RLIM_INFINITY))
    assert available_bytes(host()) == 7 * GIB


FREED = """
import psutil
from harness.machine.memory import give_back

blocks = [b"0" * 2**16 for _ in range(2**11)]
last = b"0" * 2**16  # keeps the C library from shrinking its heap by itself
del blocks
before = psutil.Process().memory_info().rss
give_back()
print(before - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library is glibc")
def test_what_was_freed_is_given_back_to_the_system():
    # In a process of its own: in the holes of a larger heap the blocks would take no new memory.
    freed = subprocess.check_output([sys.executable, "-c", FREED], cwd=str(ROOT))
    assert int(freed) > 2**26
