"""Two processes in turns, played by threads."""

import threading

import pytest

from harness.comparisons.referee import Referee
from harness.step.turns import Turns


class Process(threading.Thread):
    """Makes some steps, each with leave, and writes down who steps; more than one at a time is an error."""

    def __init__(self, name, path, steps, log, busy):
        super().__init__(daemon=True)
        self.side, self.path, self.steps, self.log, self.busy = name, path, steps, log, busy
        self.alone = True

    def run(self):
        turns = Turns(self.path)
        for _ in range(self.steps):
            turns.wait()
            self.alone &= self.busy.acquire(blocking=False)
            self.log.append(self.side)
            self.busy.release()
        turns.close()


@pytest.fixture
def play():
    def play(order=("base", "head"), **steps):
        log, busy = [], threading.Lock()
        with Referee(*order) as referee:
            processes = [Process(side, referee.paths[side], count, log, busy) for side, count in steps.items()]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
        return referee, log, processes

    return play


def test_each_side_steps_twice_in_a_row_and_never_beside_the_other(play):
    referee, log, processes = play(base=6, head=6)
    assert "".join(side[0] for side in log) == "bhhbbhhbbhhb"
    # The last step of base had no other left to follow it.
    assert referee.rounds == [5]
    assert all(process.alone for process in processes)
    assert play(("head", "base"), base=2, head=2)[1] == ["head", "base", "base", "head"]


def test_whoever_has_more_steps_makes_them_alone(play):
    referee, log, _ = play(base=2, head=5)
    assert (log.count("base"), log.count("head")) == (2, 5) and referee.rounds == [2]


def test_a_side_that_never_comes_holds_nobody_once_the_referee_is_gone():
    log = []
    with Referee("base", "head") as referee:
        process = Process("base", referee.paths["base"], 3, log, threading.Lock())
        process.start()
    process.join()
    assert log == ["base"] * 3 and referee.rounds == []


def test_a_side_that_dies_in_its_step_leaves_the_other_alone(play):
    log = []
    with Referee("base", "head") as referee:
        dying = Turns(referee.paths["base"])
        process = Process("head", referee.paths["head"], 4, log, threading.Lock())
        process.start()
        dying.wait()
        dying.close()
        process.join()
    assert log == ["head"] * 4


def test_without_a_referee_a_step_has_leave_at_once(tmp_path):
    turns = Turns(str(tmp_path / "none"))
    turns.wait()
    turns.close()


def test_two_cases_take_turns_one_after_the_other():
    log, busy = [], threading.Lock()
    with Referee("base", "head") as referee:
        for _ in range(2):
            processes = [Process(side, referee.paths[side], 4, log, busy) for side in ("base", "head")]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
    assert referee.rounds == [3, 3] and "".join(side[0] for side in log) == "bhhbbhhb" * 2


def test_when_it_is_called_off_whoever_waits_goes_on():
    log = []
    with Referee("base", "head") as referee:
        process = Process("head", referee.paths["head"], 2, log, threading.Lock())
        process.start()
        referee.call_off()
        process.join()
    assert log == ["head"] * 2
