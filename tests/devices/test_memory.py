"""Whether processes fit into the memory that there is."""

import pytest

from harness.devices import memory
from harness.step import inputs
from harness.step.memory import needed_bytes


@pytest.mark.parametrize("free, fits", [(1.9, False), (2.1, True)])
def test_two_processes_take_twice_the_memory_of_one(case, float32, monkeypatch, free, fits):
    one = needed_bytes(inputs.load(case, ""), memory._tensorflow(), emulated=False)
    monkeypatch.setattr(memory, "available_bytes", lambda: int(free * one))
    assert memory.holds(1, [case], "", [float32], "cpu")
    assert memory.holds(2, [case], "", [float32], "cpu") == fits
