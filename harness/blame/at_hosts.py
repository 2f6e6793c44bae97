"""Searches for a cause on hosts: one at a time on each device, several modes side by side."""

import threading
from typing import Callable, Dict, Sequence, Tuple

from harness.blame.messages import Answer, Question, Transcript
from harness.errors import ChildFailedError, UsageError
from harness.hosts.run import HostDevice
from harness.hosts.shipping import case_with_files
from harness.records import Blame
from harness.trial.place import LostError

_SECONDS = 86400.0
"""Longest time that a search may take."""


class HostSearches:
    """Searches that are under way on hosts; each is asked for by its question, and waited for then."""

    def __init__(self, devices: Sequence[HostDevice], questions: Sequence[Question]) -> None:
        """Begin to search, each question on the device that is next free of those before it."""
        self._stop = threading.Event()
        self._found: Dict[str, Tuple[Transcript, str]] = {}
        self._ready = {question.mode.name: threading.Event() for question in questions}
        queues = [questions[index :: len(devices)] for index in range(len(devices))]
        for device, queue in zip(devices, queues):
            threading.Thread(target=self._search, args=(device, queue), daemon=True).start()

    def blame(self, question: Question, hear: Callable[[Answer], None]) -> Blame:
        """Wait for a search, repeat what it said, and return what it found; as harness.blame.search.blame does here."""
        try:
            self._ready[question.mode.name].wait()
        except KeyboardInterrupt:
            self._stop.set()
            raise
        transcript, lost = self._found[question.mode.name]
        if lost:
            raise ChildFailedError(f"the search failed: {lost}")
        for message in transcript.messages[:-1]:
            hear(message)
        last = transcript.messages[-1]
        if last.blame is None:
            raise UsageError(last.error)
        return last.blame

    def _search(self, device: HostDevice, questions: Sequence[Question]) -> None:
        for question in questions:
            name = question.mode.name
            self._found[name] = (Transcript(), "it was broken off")
            try:
                case, files = case_with_files(question.case)
                sent = question.model_copy(update={"case": case}).model_dump_json().encode()
                entries = device.ask("harness.blame.on_host", sent, _SECONDS, files, (), self._stop)
                self._found[name] = (Transcript.model_validate_json(entries["answer"]), "")
            except LostError as error:
                self._found[name] = (Transcript(), str(error))
            except KeyboardInterrupt:
                pass
            finally:
                self._ready[name].set()
