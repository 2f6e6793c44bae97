import functools
import threading

import pytest

from harness.records.events import Phase
from harness.trial.place import Local
from tests.trial.places import ElsewhereContract, FaultyPlace, PlaceContract, deaf

pytestmark = pytest.mark.any_tensorflow


class Echo:
    """Work that answers a job with its name."""

    def __init__(self):
        self.run, self.gone = [], threading.Event()

    def __call__(self, job, hear, stop):
        self.run.append(job.decode())
        if job == b"wait":
            assert stop.wait(600)
            raise KeyboardInterrupt
        return b"result of " + job


class TestLocal(PlaceContract):
    def place(self):
        self.echo = Echo()
        return Local(self.echo)

    def runs_of(self, name):
        return self.echo.run.count(name)


class TestMock(ElsewhereContract):
    def place(self):
        self.echo, self.late = Echo(), []
        return Mock(self.echo, self.late)

    def runs_of(self, name):
        return self.echo.run.count(name)

    def make_it_go(self):
        self.echo.gone.set()

    def dropped(self):
        return self.late


class Mock(FaultyPlace):
    """Has the faults that the names of its jobs ask for."""

    def __init__(self, echo, late):
        super().__init__(echo, dropped=late.append)

    def run(self, job, seconds, hear, stop=None):
        if job == b"wait" and stop is None:
            self.work.gone.wait(600)
            self.faults = ["go"]
        elif job == b"late":
            self.faults = ["delay"]
        return super().run(job, seconds, hear, stop)


def test_events_come_while_the_job_runs():
    heard = []
    place = Local(lambda job, hear, stop: [hear(Phase(name="graph")), str(len(heard)).encode()][1])
    assert place.run(b"", 1.0, heard.append) == b"1"


def test_what_the_work_raises_comes_through():
    def full(job, hear, stop):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Local(functools.partial(full)).run(b"", 1.0, deaf)
