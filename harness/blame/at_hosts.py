"""Searches for a cause on hosts: one at a time on each device, several modes side by side."""

import threading
from collections import deque
from typing import Callable, Deque, Dict, Optional, Sequence

from harness.blame.limits import TimeIsUp
from harness.blame.messages import Answer, HostQuestion, Question, Transcript
from harness.errors import ChildFailedError, UsageError
from harness.hosts.run import HostDevice
from harness.hosts.shipping import case_with_files
from harness.records import Blame
from harness.trial.place import LostError

_SECONDS = 86400.0
"""Longest time that a search may take."""
_BROKEN_OFF = Transcript(failure="it was broken off")


class HostSearches:
    """Searches that are under way on hosts; each is asked for by its question, and waited for then."""

    def __init__(
        self,
        devices: Sequence[HostDevice],
        questions: Sequence[Question],
        seconds: Optional[float] = None,
        tries: Optional[int] = None,
    ) -> None:
        """Begin to search, each question on the device that is next free; what a host that goes away leaves, others do.

        Args:
            seconds, tries: what each search may take, from its own beginning; None: no limit.
        """
        self._seconds, self._tries = seconds, tries
        self._stop = threading.Event()
        self._left: Deque[Question] = deque(questions)
        self._found: Dict[str, Transcript] = {}
        self._ready = {question.mode.name: threading.Event() for question in questions}
        self._lock, self._working = threading.Lock(), len(devices)
        for device in devices:
            threading.Thread(target=self._work, args=(device,), daemon=True).start()

    def blame(self, question: Question, hear: Callable[[Answer], None]) -> Blame:
        """Wait for a search, repeat what it said, and return what it found; as harness.blame.search.blame does here.

        Raises:
            TimeIsUp: the search had what it may take.
        """
        hear(Answer(phase="hosts"))
        try:
            self._ready[question.mode.name].wait()
        except KeyboardInterrupt:
            self._stop.set()
            raise
        said = self._found[question.mode.name]
        for message in said.messages:
            if message.blame is None and not message.error:
                hear(message)
        if said.is_spent:
            raise TimeIsUp
        if said.failure:
            raise ChildFailedError(f"the search failed: {said.failure}")
        last = said.messages[-1]
        if last.blame is None:
            raise UsageError(last.error)
        return last.blame

    def _work(self, device: HostDevice) -> None:
        """Search on the device until nothing is left to be searched for, or its host is gone."""
        while True:
            with self._lock:
                if not self._left:
                    return
                question = self._left.popleft()
            said = _BROKEN_OFF
            try:
                said = said if self._stop.is_set() else self._search(device, question)
            finally:
                self._tell(question, said)
            if not device.is_alive():
                break
        with self._lock:
            self._working -= 1
            if not self._working:
                for question in self._left:
                    self._tell(question, Transcript(failure=f"host {device.host} went away, and no other is left"))
                self._left.clear()

    def _tell(self, question: Question, said: Transcript) -> None:
        self._found[question.mode.name] = said
        self._ready[question.mode.name].set()

    def _search(self, device: HostDevice, question: Question) -> Transcript:
        case, files = case_with_files(question.case)
        own = question.model_copy(update={"case": case})
        sent = HostQuestion(question=own, seconds=self._seconds, tries=self._tries).model_dump_json().encode()
        try:
            answered = device.ask("harness.blame.on_host", sent, _SECONDS, files, (), self._stop)
        except LostError as error:
            return Transcript(failure=str(error))
        except KeyboardInterrupt:
            return _BROKEN_OFF
        said = Transcript.model_validate_json(answered["answer"])
        failure = f"host {device.host}: {said.failure}" if said.failure else ""
        return said.model_copy(update={"failure": failure})
