"""Where jobs run: a place takes a job, which is bytes, and gives back its result, which is bytes too.

This seam is all that runs and comparisons know of other machines and of the program that reaches them.
"""

import threading
from typing import Callable, NamedTuple, Optional

from typing_extensions import Protocol

from harness.records.events import Event

Hear = Callable[[Event], None]
"""Called with each event of a job, by a place that learns of them before the job ends."""
Work = Callable[[bytes, Hear, Optional[threading.Event]], bytes]
"""Does a job in the calling thread and returns its result; raises KeyboardInterrupt soon after the event is set."""


class LostError(Exception):
    """A job's result will not be taken, whether it comes or not; the message says in one line why."""


class Place(Protocol):
    """One machine, or one card of it, that runs one job at a time.

    tests/trial/places.py holds every implementation to this: a job is run at most once; what `run` returns is the
    result of that very job; and a result that comes after `run` raised LostError reaches no later job.
    """

    name: str
    """Names the place in messages; empty for this machine."""

    def run(self, job: bytes, seconds: float, hear: Hear, stop: Optional[threading.Event] = None) -> bytes:
        """Run the job and return its result.

        Args:
            seconds: longest time until the result of another machine is waited for; jobs of this one end themselves.
            stop: the job is broken off once this is set.

        Raises:
            LostError: the place went away, or the result did not come in time.
            KeyboardInterrupt: Ctrl-C, or `stop` was set; the job is broken off.
        """

    def is_alive(self) -> bool:
        """Return False once the place has gone for good: no further job can run on it."""


class Local:
    """This machine: does the work of a job in the thread that asks for it."""

    name = ""

    def __init__(self, work: Work) -> None:
        self._work = work

    def run(self, job: bytes, seconds: float, hear: Hear, stop: Optional[threading.Event] = None) -> bytes:
        """Run the job here; what the work raises comes through."""
        return self._work(job, hear, stop)

    def is_alive(self) -> bool:
        """Return True: the machine that asks is there."""
        return True


class Slot(NamedTuple):
    """A device that trials run on, at a place; a run has several where it is spread over cards or machines."""

    place: Place
    device: str
    """The device's name at the place, such as `npu:2`."""
    machine_key: str = ""
    """Environment.machine_key of the place, where that is not this machine."""
