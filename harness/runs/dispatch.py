"""Jobs over several places: one at a time at each, all places at once."""

import threading
from collections import deque
from typing import Any, Callable, Deque, Generic, List, Optional, Sequence, TypeVar

Job = TypeVar("Job")


class GoneError(Exception):
    """A place can do no further job; `rest` is what is left of the one that it was given, None when nothing is."""

    def __init__(self, rest: Any = None) -> None:
        super().__init__("the place has gone")
        self.rest = rest


def rotated(index: int, round_number: int, places: int) -> int:
    """Return the index of the place for a round of the index-th case; each round moves on by one place."""
    return (index + round_number) % places


def run_all(
    queues: Sequence[Sequence[Job]], run: Callable[[int, Job, threading.Event], None], shared: Sequence[Job] = ()
) -> List[Job]:
    """Run each queue's jobs in order, and the queues side by side; one queue alone runs in this thread.

    What a queue has left when `run` raises GoneError goes to the others.

    Args:
        shared: jobs for whichever place has done its own.

    Returns:
        The jobs that are left because every place has gone.

    Raises:
        BaseException: the first exception that a job raised, or Ctrl-C, once all other jobs have ended.
    """
    return _Queues(queues, run, shared).run()


class _Queues(Generic[Job]):
    def __init__(
        self,
        queues: Sequence[Sequence[Job]],
        run: Callable[[int, Job, threading.Event], None],
        shared: Sequence[Job],
    ) -> None:
        self._queues: List[Deque[Job]] = [deque(queue) for queue in queues]
        self._run_job = run
        self._left: Deque[Job] = deque(shared)
        """Jobs for any place: those that are nobody's own, and those of places that have gone."""
        self._busy = 0
        """Places that work on a job, and may yet leave some."""
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._errors: List[BaseException] = []

    def run(self) -> List[Job]:
        """Work until nothing is left, or nobody to do it."""
        if len(self._queues) == 1:
            self._work(0)
        else:
            threads = [threading.Thread(target=self._guarded, args=(index,)) for index in range(len(self._queues))]
            for thread in threads:
                thread.start()
            self._join(threads)
        if self._errors:
            raise self._errors[0]
        return list(self._left)

    def _join(self, threads: Sequence[threading.Thread]) -> None:
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt as interrupt:
            self._errors.insert(0, interrupt)
            self._end()
            for thread in threads:
                thread.join()

    def _guarded(self, index: int) -> None:
        try:
            self._work(index)
        except BaseException as error:  # handed to the caller
            self._errors.append(error)
            self._end()

    def _end(self) -> None:
        self._stop.set()
        with self._changed:
            self._changed.notify_all()

    def _work(self, index: int) -> None:
        while True:
            job = self._next(index)
            if job is None:
                return
            rest: Sequence[Job] = ()
            has_gone = False
            try:
                self._run_job(index, job, self._stop)
            except GoneError as gone:
                has_gone, rest = True, () if gone.rest is None else (gone.rest,)
            finally:
                with self._changed:
                    self._busy -= 1
                    if has_gone:
                        self._left.extend([*rest, *self._queues[index]])
                        self._queues[index].clear()
                    self._changed.notify_all()
            if has_gone:
                return

    def _next(self, index: int) -> Optional[Job]:
        """Return the place's next job, or one that another left; None when there will be none."""
        with self._changed:
            while not self._stop.is_set():
                for source in (self._queues[index], self._left):
                    if source:
                        self._busy += 1
                        return source.popleft()
                if not self._busy:
                    return None
                self._changed.wait()
        return None
