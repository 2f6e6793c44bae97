"""Trials over several devices: one at a time on each, all devices at once."""

import threading
from typing import Callable, List, Sequence, TypeVar

Job = TypeVar("Job")


def rotated(index: int, round_number: int, devices: int) -> int:
    """Return the index of the device for the index-th pair of case and mode.

    Each round moves on by one device, so that no pair keeps the same.
    """
    return (index + round_number) % devices


def run_all(queues: Sequence[Sequence[Job]], run: Callable[[Job, threading.Event], None]) -> None:
    """Run each queue's jobs in order, and the queues side by side; one queue alone runs in this thread.

    Args:
        run: does one job; must raise KeyboardInterrupt soon after the event is set.

    Raises:
        BaseException: the first exception that a job raised, or Ctrl-C, once all other jobs have ended.
    """
    stop = threading.Event()
    busy = [queue for queue in queues if queue]
    if len(busy) <= 1:
        for job in busy[0] if busy else ():
            run(job, stop)
        return
    errors: List[BaseException] = []

    def work(queue: Sequence[Job]) -> None:
        try:
            for job in queue:
                if stop.is_set():
                    return
                run(job, stop)
        except BaseException as error:  # handed to the caller below
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=work, args=(queue,)) for queue in busy]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt as interrupt:
        errors.insert(0, interrupt)
        stop.set()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
