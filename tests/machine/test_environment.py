import os
from pathlib import Path

import pytest

from harness.machine import cann
from harness.machine.environment import (
    conditions,
    describe,
    differing,
    installed_packages,
    intra_op_threads,
    machine_key,
    speed_variables,
)
from harness.machine.processor import cpu_quota, processor
from reports.language import ENGLISH


@pytest.fixture
def machine():
    packages = {"tensorflow": "2.21.0", "numpy": "2.0.0"}
    return describe().model_copy(
        update={"packages": packages, "accelerators": (), "variables": {}, "logical_cores": 4, "cpu_quota": None}
    )


def _key(machine, device="cpu"):
    return machine_key(conditions(machine, device))


def test_a_description_carries_its_key_and_what_it_is_made_of():
    described = describe(device="cpu:0,cpu:1")
    assert described.conditions == conditions(described, "cpu:0,cpu:1")
    assert described.machine_key == machine_key(described.conditions)


@pytest.mark.parametrize(
    "change",
    [
        {"machine": "riscv64"},
        {"processor": "another"},
        {"logical_cores": 1000},
        {"cpu_quota": 0.5},
        {"accelerators": ("A", "A")},
        {"drivers": {"Ascend": "23.0.1"}},
        {"packages": {"tensorflow": "2.22.0"}},
        {"packages": {}},
        {"variables": {"OMP_NUM_THREADS": "1"}},
        {"variables": {"TF_NUM_INTRAOP_THREADS": "1"}},
        {"variables": {"TF_ENABLE_ONEDNN_OPTS": "0"}},
    ],
)
def test_what_changes_step_times_changes_the_key(machine, change):
    assert _key(machine.model_copy(update=change)) != _key(machine)


def test_pinned_workers_side_by_side_are_another_machine_than_one_that_has_all_cores(machine):
    assert len({_key(machine, device) for device in ("cpu", "cpu:0", "cpu:0,cpu:1")}) == 3
    assert _key(machine, "cpu:0") == _key(machine, "cpu:1") and _key(machine, "npu:0") == _key(machine, "npu:3")
    told = differing(conditions(machine, "cpu"), conditions(machine, "cpu:0,cpu:1"))
    assert list(map(ENGLISH.remark, told)) == ["processes side by side: 1 there, 2 here", "threads: 4 there, 1 here"]


def test_a_variable_that_only_one_has_is_named(machine):
    set_here = machine.model_copy(update={"variables": {"KMP_BLOCKTIME": "0"}})
    told = differing(conditions(machine, "cpu"), conditions(set_here, "cpu"))
    assert list(map(ENGLISH.remark, told)) == ["KMP_BLOCKTIME: not set there, 0 here"]


@pytest.mark.parametrize(
    "change",
    [
        {"memory_bytes": 1},
        {"system": "Linux 9"},
        {"load_average": 9.0},
        {"revision": "another"},
        {"python": "3.99.0"},
        {"packages": {"tensorflow-cpu": "2.21.7", "numpy": "1.0.0"}},
        {"packages": {"tensorflow-gpu": "2.21.0"}},
        {"packages": {"tensorflow-aarch64": "2.21.0"}},
    ],
)
def test_what_differs_between_equal_machines_does_not(machine, change):
    assert _key(machine.model_copy(update=change)) == _key(machine)


def test_the_patch_of_a_driver_does_not(machine):
    first, second = (machine.model_copy(update={"drivers": {"Ascend": version}}) for version in ("23.0.1", "23.0.3"))
    assert _key(first) == _key(second)


@pytest.mark.parametrize("wheel", ["tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-aarch64"])
def test_every_wheel_of_tensorflow_is_tensorflow(monkeypatch, wheel):
    def version(name):
        if name != wheel:
            raise metadata.PackageNotFoundError
        return "2.21.0"

    metadata = __import__("harness.machine.environment", fromlist=["metadata"]).metadata
    monkeypatch.setattr(metadata, "version", version)
    assert installed_packages() == {wheel: "2.21.0"}


@pytest.mark.parametrize(
    "groups, files, cores",
    [
        ("0::/", {"cpu.max": "max 100000"}, None),
        ("0::/", {"cpu.max": "50000 100000"}, 0.5),
        ("0::/a/b", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, 1.5),
        ("0::/a/b", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "20000 100000"}, 0.2),
        ("0::/", {"unified/cpu.max": "50000 100000"}, 0.5),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 0.5),
        (
            "4:cpu,cpuacct:/docker/1",
            {"cpu,cpuacct/docker/cpu.cfs_quota_us": "300000", "cpu,cpuacct/docker/cpu.cfs_period_us": "100000"},
            3.0,
        ),
        # The group is the host's name of it, and the container's own is the root.
        ("4:cpu,cpuacct:/docker/1", {"cpu/cpu.cfs_quota_us": "1000", "cpu/cpu.cfs_period_us": "4000"}, 0.25),
        ("1:cpuset:/", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("0::/", {"cpu.max": "nonsense"}, None),
        (None, {}, None),
    ],
)
def test_the_quota_is_the_least_of_the_control_groups(tmp_path, groups, files, cores):
    if groups is not None:
        files = {**{f"sys/fs/cgroup/{name}": text for name, text in files.items()}, "proc/self/cgroup": groups}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert cpu_quota(tmp_path) == cores


KUNPENG = "processor\t: 0\nBogoMIPS\t: 200.00\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n"


@pytest.mark.parametrize(
    "text, asked, name",
    [
        ("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t: a\n", {}, "Some CPU @ 2 GHz"),
        (KUNPENG, {"brand_raw": "Kunpeng-920"}, "Kunpeng-920"),
        (KUNPENG, {}, "ARM implementer 0x48, part 0xd01"),
        (KUNPENG.replace("0xd01", "0xd0c"), {}, "ARM implementer 0x48, part 0xd0c"),
    ],
)
def test_the_processor_has_a_name_on_every_machine(tmp_path, monkeypatch, text, asked, name):
    monkeypatch.setattr("cpuinfo.get_cpu_info", lambda: asked)
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert processor(path) == name


SMI = """\
+------------------------------------------------------------------------+
| npu-smi 24.1.1                   Version: 24.1.1                        |
+---------------------------+---------------+----------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)        |
| Chip                      | Bus-Id        | AICore(%)   HBM-Usage(MB)  |
+===========================+===============+============================+
| 0     {0:<20}| OK            | 88.2        30             |
| 0                         | 0000:C1:00.0  | 0           26838/ 32768   |
+===========================+===============+============================+
| 1     {1:<20}| Warning       | 87.0        30             |
| 0                         | 0000:C2:00.0  | 0           29356/ 32768   |
+===========================+===============+============================+
"""


@pytest.mark.parametrize(
    "answer, models",
    [
        (SMI.format("910A", "910B4"), ["Ascend 910A", "Ascend 910B4"]),
        (SMI.format("Ascend910", "Ascend910"), ["Ascend 910", "Ascend 910"]),
        ("dcmi module initialize failed", ["Ascend", "Ascend"]),
        (None, ["Ascend", "Ascend"]),
    ],
)
def test_the_cards_models_are_what_the_driver_s_tool_says(tmp_path, monkeypatch, answer, models):
    monkeypatch.setenv("STYLEBENCH_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + os.pathsep + "/bin:/usr/bin")
    (tmp_path / "dev").mkdir()
    (tmp_path / "bin").mkdir()
    for number in range(2):
        (tmp_path / f"dev/davinci{number}").touch()
    if answer is not None:
        (tmp_path / "answer").write_text(answer)
        tool = tmp_path / "bin/npu-smi"
        tool.write_text(f"#!/bin/sh\ncat {tmp_path / 'answer'}\n")
        tool.chmod(0o755)
    assert cann.models() == models


def test_the_driver_s_version_is_read_from_its_file(tmp_path, monkeypatch):
    monkeypatch.setenv("STYLEBENCH_ROOT", str(tmp_path))
    assert cann.driver_version() is None
    path = Path(tmp_path / "usr/local/Ascend/driver/version.info")
    path.parent.mkdir(parents=True)
    path.write_text("Version=23.0.1\nascendhal_version=7.0\n")
    assert cann.driver_version() == "23.0.1"
    path.write_text("")
    assert cann.driver_version() is None


def test_variables_that_change_speed_are_recorded_and_no_others(monkeypatch):
    names = {"TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "KMP_BLOCKTIME", "OMP_NUM_THREADS", "MKL_X", "MALLOC_CONF"}
    for name in (*names, "SECRET"):
        monkeypatch.setenv(name, "1")
    found = speed_variables()
    assert names <= set(found)
    assert "SECRET" not in found and describe().variables == found


def test_threads_of_an_op_follow_the_variable_else_the_affinity():
    assert intra_op_threads({"TF_NUM_INTRAOP_THREADS": "7"}) == 7
    assert intra_op_threads({"TF_NUM_INTRAOP_THREADS": "x"}) == intra_op_threads({}) == len(os.sched_getaffinity(0))
