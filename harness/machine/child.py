"""Processes that import TensorFlow, and whoever asks them.

A child gets its question on standard input and answers on a pipe of its own, a line of JSON a message. Its arguments
are the pipe's descriptor and the moment of its start. What it and the libraries print goes to a log; a child that
fails leaves its traceback there and ends with another status than 0.
"""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Callable, Iterator, List, Optional, Sequence, Type

from harness.errors import ChildFailedError, RequirementError
from harness.machine import tethered
from harness.machine.git import ROOT
from harness.machine.log import BoundedLog

_LOOK_SECONDS = 0.2
"""How soon it is noticed that the child has ended, its time is up, or that it is to stop."""
_GRACE_SECONDS = 2.0
"""From SIGTERM to SIGKILL, and from there until a process that no signal ends, as in a driver, is left alone."""
_RAISED = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(?=(\S.*))")
"""The line after a traceback's frames; TensorFlow raises an ImportError whose text begins with another traceback."""
_IMPORT_FAILED = ("ModuleNotFoundError", "ImportError")


class ChildTimeoutError(Exception):
    """The child was not done in its time."""


class Child:
    """A process in a session of its own, which neither holds its parent past a deadline nor outlives it.

    Three jobs: starts the process when its context is entered, hears it out, and ends it when the context is left,
    with all of its group. Enter and leave in one thread: the process dies with the thread that started it.
    """

    def __init__(self, command: Sequence[str], question: str, log: Path, seconds: float) -> None:
        """Set what is to be run; the command gets two more arguments.

        Args:
            question: what it reads on standard input.
            log: file for its output, shortened as BoundedLog does.
            seconds: what it may take, from when the context is entered.
        """
        self._command, self._question, self._seconds = command, question, seconds
        self._log = BoundedLog(log)
        self.deadline = 0.0
        """On time.monotonic()'s clock; may be moved."""

    def __enter__(self) -> "Child":
        self.deadline = time.monotonic() + self._seconds
        self._log.__enter__()
        try:
            self._start()
        except BaseException:
            self._log.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], *error: object) -> None:
        try:
            self._end()
        finally:
            os.close(self._pipe)
            self._log.__exit__(kind, *error)

    @property
    def returncode(self) -> Optional[int]:
        """The exit status, negative for a signal's number; None before the context was left, and of what stays."""
        return self._process.returncode

    def messages(self, stop: Optional[threading.Event] = None) -> Iterator[str]:
        """Yield each whole line that the child says, until it has ended.

        Raises:
            ChildTimeoutError: its time is up.
            KeyboardInterrupt: `stop` was set.
        """
        rest, is_open = b"", True
        while True:
            has_ended = self._has_ended()  # asked before the pipe: what it said last is then in there
            chunk = self._read(0 if has_ended else _LOOK_SECONDS) if is_open else None
            if chunk is None and has_ended:
                return  # somebody that it left behind may hold the pipe open
            if chunk is not None:
                is_open = chunk != b""
                *lines, rest = (rest + chunk).split(b"\n")  # a child killed while it wrote leaves a torn line
                yield from (line.decode("utf-8", "replace") for line in lines)
            elif not is_open:
                time.sleep(_LOOK_SECONDS / 20)
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            if time.monotonic() >= self.deadline:
                raise ChildTimeoutError

    def _start(self) -> None:
        self._pipe, writing = os.pipe()
        try:
            # A file, not a pipe: nobody has to read it for the parent to go on.
            with tempfile.TemporaryFile() as question:
                question.write(self._question.encode())
                question.seek(0)
                self._process = subprocess.Popen(
                    tied([*self._command, str(writing), str(time.monotonic())]),
                    cwd=str(ROOT),
                    stdin=question,
                    stdout=self._log.descriptor,
                    stderr=subprocess.STDOUT,
                    pass_fds=[writing],
                    start_new_session=True,  # so that Ctrl-C reaches the parent alone, and a kill its whole group
                )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(writing)

    def _read(self, seconds: float) -> Optional[bytes]:
        """What the pipe holds, b"" when all have closed it, None when nothing comes in this time."""
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        return os.read(self._pipe, 2**16) if ready else None

    def _has_ended(self) -> bool:
        """Whether the process has ended. It is not reaped, so that its number, and its group's, stay its own."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is not None
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _end(self) -> None:
        try:
            if not self._has_ended():
                self._signal(signal.SIGTERM)
                until = time.monotonic() + _GRACE_SECONDS
                while not self._has_ended() and time.monotonic() < until:
                    time.sleep(_LOOK_SECONDS / 20)
        finally:
            self._signal(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # nobody is left of the group
            os.killpg(self._process.pid, number)


def tied(command: Sequence[str]) -> List[str]:
    """The command as one that does not outlive the thread that starts it."""
    return [sys.executable, "-I", "-S", str(tethered.__file__), str(os.getpid()), *command]


def to_parent() -> IO[str]:
    """In a child: where it says its messages, a line each."""
    return os.fdopen(int(sys.argv[1]), "w", buffering=1)


def start_time() -> float:
    """In a child: when its parent started it, on time.monotonic()'s clock, which all processes share."""
    return float(sys.argv[2])


def ask(
    what: str, module: str, question: str, seconds: float, hear: Callable[[str], None] = lambda message: None
) -> str:
    """Run `python -m MODULE`, hand it the question, and return the last of its messages.

    Args:
        what: is to be done, for messages: "planning".
        seconds: what it may take from one message to the next.
        hear: called with each message as it comes.

    Raises:
        ChildFailedError: it did not end well, or said nothing.
        RequirementError: it could not import a package.
    """
    descriptor, name = tempfile.mkstemp(prefix="stylebench-", suffix=".log")
    os.close(descriptor)
    log, reason, last = Path(name), "", None
    try:
        with Child([sys.executable, "-m", module], question, log, seconds) as child:
            try:
                for last in child.messages():
                    hear(last)
                    child.deadline = time.monotonic() + seconds
            except ChildTimeoutError:
                reason = f"nothing came of it in {seconds:g} s"
        if not reason and (child.returncode or last is None):
            reason = raised(log) or f"its process {ended_by(child.returncode or 0)}"
    except BaseException:
        log.unlink()
        raise
    if reason.startswith(_IMPORT_FAILED):
        raise RequirementError(f"{what}: {reason} (pip install -r requirements.txt; log {log})")
    if reason or last is None:
        raise ChildFailedError(f"{what} failed: {reason} (log {log})")
    log.unlink()
    return last


def raised(log: Path) -> str:
    """`ValueError: what is wrong`: what a log's last traceback ends with; empty when there is none."""
    found = _RAISED.findall(log.read_text(encoding="utf-8", errors="replace"))
    return re.sub(r"^[\w.]+\.(?=\w+(:|$))", "", found[-1].strip()) if found else ""


def ended_by(returncode: int) -> str:
    """How a process ended, after "it": `was killed by SIGKILL (out of memory?)`, `ended with exit status 3`."""
    if returncode >= 0:
        return f"ended with exit status {returncode}"
    number = -returncode
    try:
        name = signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        name = f"signal {number}"
    return f"was killed by {name}{' (out of memory?)' if number == signal.SIGKILL else ''}"
