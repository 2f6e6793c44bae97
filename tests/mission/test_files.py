import threading

import pytest

from harness.mission.files import OutputError, Writer


def test_tasks_run_beside_the_caller_one_at_a_time_and_in_order():
    done, go_on = [], threading.Event()
    with Writer() as writer:
        writer.submit(lambda: (go_on.wait(), done.append(1)))
        writer.check()  # does not wait
        assert done == []
        go_on.set()
        writer.submit(lambda: done.append(2))
        assert done[0] == 1
    assert done == [1, 2]


def test_an_error_is_raised_by_the_next_call_and_nothing_is_written_after_it():
    def fail():
        raise OutputError("cannot write a.png: no space")

    done = []
    with pytest.raises(OutputError, match="no space"), Writer() as writer:
        writer.submit(fail)
        with pytest.raises(OutputError, match="no space"):
            writer.submit(lambda: done.append(1))
    assert done == []
