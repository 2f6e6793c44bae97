"""The names of devices, as users give them: parsed, and checked for being there."""

import os
from typing import NamedTuple, Optional, Sequence, Tuple

from harness.devices.kinds import KINDS
from harness.errors import UsageError
from harness.machine import cann


class Chosen(NamedTuple):
    """One device that a worker has for itself: `npu:2`, one core of the CPU as in `cpu:1`, or a kind alone."""

    kind: str
    number: Optional[int] = None

    @property
    def name(self) -> str:
        """The device's name as the user writes it, such as `npu:2` or `cpu`."""
        return self.kind if self.number is None else f"{self.kind}:{self.number}"


def choose(text: str) -> Tuple[Chosen, ...]:
    """Return the devices that trials are spread over.

    Args:
        text: a kind, or devices of one kind with commas between: `npu:0,npu:2` or `cpu:0,cpu:1`.

    Raises:
        UsageError: the text names no device, or one that is not on this machine.
    """
    if text == "auto" and not cann.is_usable():
        return (Chosen("auto"),)
    chosen = parse(f"npu:{cann.chosen_card()}" if text in ("auto", "npu") else text)
    for device in chosen:
        if device.kind == "npu" and device.number is not None:
            cann.check_card(device.number)
        elif device.number is not None:
            core_of(device.number)
    return chosen


def parse(text: str) -> Tuple[Chosen, ...]:
    """Return the devices that a text names, whether they exist or not.

    Raises:
        UsageError: the text names no device, one of them twice, or devices of several kinds.
    """
    if text in KINDS:
        return (Chosen(text),)
    chosen = tuple(_numbered(name, text) for name in text.split(","))
    if len({device.kind for device in chosen}) > 1 or len(set(chosen)) < len(chosen):
        raise UsageError(f"device {text!r}: expected different devices of one kind")
    return chosen


def named(chosen: Sequence[Chosen]) -> str:
    """Return the text that names these devices, as `parse` reads it."""
    return ",".join(device.name for device in chosen)


def choose_one(text: str) -> Chosen:
    """Return the one device that the text names; raises UsageError as `choose` does, and when there are several."""
    chosen = choose(text)
    if len(chosen) > 1:
        raise UsageError(f"device {text}: expected one device, for this is one job")
    return chosen[0]


def _numbered(name: str, text: str) -> Chosen:
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "npu") or not number.isdigit():
        expected = f"{', '.join(KINDS)}, or some of npu:0, npu:1, … or cpu:0, cpu:1, …"
        raise UsageError(f"device {text!r} is unknown (expected one of {expected})")
    return Chosen(kind, int(number))


def core_of(number: int) -> int:
    """Return the processor that `cpu:NUMBER` stands for: NUMBER counts those that this process may use, from 0.

    Raises:
        UsageError: this process may use fewer, or the system cannot pin a process to a core.
    """
    if not hasattr(os, "sched_getaffinity"):
        raise UsageError(f"device cpu:{number}: this system cannot pin a process to a core (use --device cpu)")
    cores = sorted(os.sched_getaffinity(0))
    if number >= len(cores):
        raise UsageError(f"device cpu:{number}: this process may use {len(cores)} cores, cpu:0 to cpu:{len(cores) - 1}")
    return cores[number]
