"""What every place is held to, and a place that loses, delays and repeats results."""

import threading
from abc import ABC, abstractmethod

import pytest

from harness.trial.place import LostError

PATIENCE = 600.0
"""Seconds; no test waits for them."""


def deaf(event):
    """Hear nothing."""


class PlaceContract(ABC):
    """Tests that every implementation of harness.trial.place.Place passes; subclasses say how one is made."""

    @abstractmethod
    def place(self):
        """Return a place that answers `NAME` with `result of NAME`, and works on `wait` until it is stopped."""

    @abstractmethod
    def runs_of(self, name):
        """Return how often the job of this name has been run."""

    def test_a_result_is_its_own_jobs(self, place):
        for name in (b"one", b"two", b"one more"):
            assert place.run(name, PATIENCE, deaf) == b"result of " + name

    def test_a_job_runs_once(self, place):
        place.run(b"one", PATIENCE, deaf)
        assert self.runs_of("one") == 1

    def test_a_job_is_broken_off_and_the_next_one_runs(self, place):
        stop = threading.Event()
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(KeyboardInterrupt):
            place.run(b"wait", PATIENCE, deaf, stop)
        assert place.is_alive()
        assert place.run(b"one", PATIENCE, deaf) == b"result of one"

    @pytest.fixture(name="place")
    def made(self):
        yield from self.lent()

    def lent(self):
        """Yield a place; what it needs to be cleaned up follows."""
        yield self.place()


class ElsewhereContract(PlaceContract):
    """Further tests, of places that are not in this process."""

    @abstractmethod
    def make_it_go(self):
        """Let the place that was made go away while it works on `wait`."""

    def test_the_job_of_a_place_that_goes_away_is_lost_and_so_are_later_ones(self, place):
        threading.Timer(0.5, self.make_it_go).start()
        with pytest.raises(LostError, match="went away"):
            place.run(b"wait", PATIENCE, deaf)
        assert not place.is_alive()
        with pytest.raises(LostError, match="went away"):
            place.run(b"one", PATIENCE, deaf)

    @abstractmethod
    def dropped(self):
        """Return the results that came too late so far."""

    def test_a_late_result_is_dropped_and_reaches_no_later_job(self, place):
        with pytest.raises(LostError, match="no result in"):
            place.run(b"late", 0.1, deaf)
        assert place.run(b"one", PATIENCE, deaf) == b"result of one"
        assert self.dropped() == [b"result of late"]


class FaultyPlace:
    """Does the work of each job in this process, and to the results what it was told to do."""

    name = "faulty"

    def __init__(self, work, faults=(), dropped=lambda result: None):
        """Set the faults, one a job: `lose`, `delay`, `repeat`, `tear`, `go` or ``; further jobs have none."""
        self.work, self.faults, self.tell_dropped = work, list(faults), dropped
        self.late, self.last, self.has_gone = [], b"", False

    def run(self, job, seconds, hear, stop=None):
        for result in self.late:
            self.tell_dropped(result)
        self.late.clear()
        fault = self.faults.pop(0) if self.faults else ""
        self.has_gone = self.has_gone or fault == "go"
        if self.has_gone:
            raise LostError("host faulty went away")
        if fault == "lose":
            raise LostError("host faulty lost it")
        result = self.work(job, hear, stop)
        if fault == "delay":
            self.late.append(result)
            raise LostError(f"host faulty gave no result in {seconds:g} s")
        result, self.last = self.last if fault == "repeat" else result, result
        return result[:-1] if fault == "tear" else result

    def is_alive(self):
        return not self.has_gone
