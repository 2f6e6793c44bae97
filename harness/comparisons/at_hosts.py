"""Pairs of comparisons that are measured on hosts: each on one device of one host, both of its sides."""

import threading
from pathlib import Path
from typing import List, Optional, Sequence

from harness.comparisons.questions import TreesAnswer, TreesQuestion, TwinsAnswer, TwinsQuestion
from harness.comparisons.trees import IncomparableError, TreeFailedError
from harness.hosts.parcel import below, write_files
from harness.hosts.run import HostDevice
from harness.hosts.shipping import Tree, case_with_files, files_of
from harness.records import Calibration, Pair
from harness.runs.observer import PairObserver

_MODULE = "harness.comparisons.on_host"


class HostMeter:
    """Measures pairs of processes of two trees on a device of a host, as harness.comparisons.trees.Meter does here."""

    def __init__(
        self,
        device: HostDevice,
        base: Tree,
        options: Sequence[str],
        folder: Path,
        observer: PairObserver,
        in_turns: bool,
        timeout: Optional[float],
    ) -> None:
        """Set what is measured; the arguments are those of Meter, with the code of base, and head's with the device."""
        self.device, self._base, self._folder, self._observer = device, base, folder, observer
        pairs = list(zip(options[::2], options[1::2]))
        kept = [word for option, value in pairs if option != "--device" for word in (option, value)]
        self._options, self._files = files_of([*kept, "--device", device.name])
        self.in_turns = in_turns
        self._timeout = timeout or 1e6

    def measure(self, number: int, mode: str, stop: Optional[threading.Event] = None) -> List[Pair]:
        """Measure pair `number` on the host; its runs' files come into the folder.

        Raises:
            IncomparableError: as of Meter; the message names the host.
            LostError: the host gave no answer.
        """
        self._observer.measuring(number, "base and head", mode, self.device.host)
        question = TreesQuestion(
            number=number,
            mode=mode,
            options=self._options,
            in_turns=self.in_turns,
            timeout=self._timeout,
            folder=str(self._folder),
        )
        asked = question.model_dump_json().encode()
        entries = self.device.ask(_MODULE, asked, 2 * self._timeout, self._files, [self._base], stop)
        write_files(self._folder, below(entries, "out"))
        answer = TreesAnswer.model_validate_json(entries["answer"])
        if answer.error:
            kind = TreeFailedError if answer.has_failed else IncomparableError
            raise kind(f"host {self.device.host}: {answer.error}")
        self.in_turns = self.in_turns and answer.in_turns
        return list(answer.pairs)


class HostTwins:
    """Measures pairs of a calibration on a device of a host."""

    def __init__(self, device: HostDevice, folder: Path) -> None:
        """Set where it is measured, and the folder that gets the processes' files."""
        self.device, self._folder = device, folder

    def measure(
        self, calibration: Calibration, comparison: int, number: int, stop: Optional[threading.Event] = None
    ) -> TwinsAnswer:
        """Measure a pair on the host, and return what it says there; raises LostError."""
        case, files = case_with_files(calibration.case)
        sent = calibration.model_copy(update={"case": case, "device": self.device.name})
        question = TwinsQuestion(calibration=sent, comparison=comparison, number=number, folder=str(self._folder))
        seconds = 2 * calibration.timeout + 120.0
        entries = self.device.ask(_MODULE, question.model_dump_json().encode(), seconds, files, (), stop)
        write_files(self._folder, below(entries, "out"))
        answer = TwinsAnswer.model_validate_json(entries["answer"])
        error = f"host {self.device.host}: {answer.error}" if answer.error else ""
        return answer.model_copy(update={"error": error})
