import os

import pytest

from harness.machine.environment import describe, intra_op_threads, machine_key, speed_variables


@pytest.fixture
def machine():
    packages = {"tensorflow": "2.21.0", "numpy": "2.0.0"}
    return describe().model_copy(update={"packages": packages, "accelerators": ()})


def test_a_description_carries_its_key():
    described = describe()
    assert described.machine_key == machine_key(described)


@pytest.mark.parametrize(
    "change",
    [
        {"machine": "riscv64"},
        {"processor": "another"},
        {"logical_cores": 1000},
        {"accelerators": ("A", "A")},
        {"packages": {"tensorflow": "2.22.0"}},
        {"packages": {}},
    ],
)
def test_what_changes_step_times_changes_the_key(machine, change):
    assert machine_key(machine.model_copy(update=change)) != machine_key(machine)


@pytest.mark.parametrize(
    "change",
    [
        {"memory_bytes": 1},
        {"system": "Linux 9"},
        {"load_average": 9.0},
        {"revision": "another"},
        {"python": "3.99.0"},
        {"packages": {"tensorflow-cpu": "2.21.7", "numpy": "1.0.0"}},
    ],
)
def test_what_differs_between_equal_machines_does_not(machine, change):
    assert machine_key(machine.model_copy(update=change)) == machine_key(machine)


def test_variables_that_change_speed_are_recorded_and_no_others(monkeypatch):
    for name in ("TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "KMP_BLOCKTIME", "OMP_NUM_THREADS", "MKL_X", "SECRET"):
        monkeypatch.setenv(name, "1")
    found = speed_variables()
    assert {"TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "KMP_BLOCKTIME", "OMP_NUM_THREADS", "MKL_X"} <= set(found)
    assert "SECRET" not in found and describe().variables == found


def test_threads_of_an_op_follow_the_variable_else_the_affinity():
    assert intra_op_threads({"TF_NUM_INTRAOP_THREADS": "7"}) == 7
    assert intra_op_threads({"TF_NUM_INTRAOP_THREADS": "x"}) == intra_op_threads({}) == len(os.sched_getaffinity(0))
