"""Child processes that import TensorFlow for their parent: how they are started, heard and ended.

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
from typing import IO, Callable, Iterator, List, Optional, Sequence, Type, Union

from harness.errors import ChildFailedError, ChildKilledError, ChildSilentError, RequirementError
from harness.machine import claim, forking, tethered
from harness.machine.forking import WITHOUT_KERAS, ForkedProcess
from harness.machine.git import ROOT
from harness.machine.log import BoundedLog

_LOOK_SECONDS = 0.2
"""Longest time until it is noticed that the child has ended, that its time is up, or that it must stop."""
_GRACE_SECONDS = 2.0
"""Seconds from SIGTERM to SIGKILL, and from SIGKILL until a process that hangs in a driver is left alone."""
_RAISED = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(?=(\S.*))")
"""Finds the line after a traceback's frames; an ImportError of TensorFlow's may begin with another traceback."""
_IMPORT_FAILED = ("ModuleNotFoundError", "ImportError")


class ChildTimeoutError(Exception):
    """The child did not end within its time."""


class Child:
    """A process in a session of its own, which neither holds its parent past a deadline nor outlives it.

    Three jobs: starts the process when its context is entered, reads its messages, and ends it with all of its group
    when the context is left. Enter and leave in one thread: the process dies with the thread that started it.
    """

    def __init__(self, command: Sequence[str], question: str, log: Path, seconds: float, is_timed: bool = True) -> None:
        """Set what is to be run; nothing is started yet.

        Args:
            command: program and arguments; the pipe's descriptor and the time of the start are added to them.
            question: text that the child reads on standard input.
            log: file for the child's output, shortened as BoundedLog does.
            seconds: time that the child may take, from when the context is entered.
            is_timed: False for a Python module whose times nobody judges: it may be forked off a process that has
                imported TensorFlow (harness.machine.forking).
        """
        self._command, self._question, self._seconds = command, question, seconds
        self._may_fork = not is_timed and list(command[:2]) == [sys.executable, "-m"]
        self._log = BoundedLog(log)
        self._process: Union[ForkedProcess, subprocess.Popen[bytes]]
        self.deadline = 0.0
        """Time at which the child's time is up, on time.monotonic()'s clock; the caller may move it."""

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
    def pid(self) -> int:
        """The process's number, which is that of its group, too."""
        return self._process.pid

    @property
    def returncode(self) -> Optional[int]:
        """The exit status, or minus a signal's number; None before the context is left, and when no signal ended it."""
        return self._process.returncode

    def messages(self, stop: Optional[threading.Event] = None) -> Iterator[str]:
        """Yield each whole line that the child writes to the pipe, until it has ended.

        Raises:
            ChildTimeoutError: the child's time is up.
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
                self._process = self._fork(question.fileno(), writing) or subprocess.Popen(
                    tied([*self._command, str(writing), str(time.monotonic())]),
                    cwd=str(ROOT),
                    env={**WITHOUT_KERAS, **os.environ},
                    stdin=question,
                    stdout=self._log.descriptor,
                    stderr=subprocess.STDOUT,
                    pass_fds=[writing, *claim.inherited()],
                    start_new_session=True,  # so that Ctrl-C reaches the parent alone, and a kill its whole group
                )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(writing)

    def _fork(self, question: int, pipe: int) -> Optional[ForkedProcess]:
        """Return the process forked, None when it has to be started anew."""
        if not self._may_fork:
            return None
        return forking.start(self._command[2], question, self._log.descriptor, pipe, _server())

    def _read(self, seconds: float) -> Optional[bytes]:
        """Return what the pipe holds, b"" when all processes have closed it, None when nothing comes in this time."""
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        return os.read(self._pipe, 2**16) if ready else None

    def _has_ended(self) -> bool:
        """Return True when the process has ended; it is not reaped, so that no other gets its number or its group's."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            assert isinstance(self._process, subprocess.Popen)
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


def prepare_forks() -> None:
    """Have the process that children are forked off begin its import now; they wait for the rest of it."""
    forking.prepare(_server())


def _server() -> List[str]:
    return tied([sys.executable, "-m", forking.__name__])


def tied(command: Sequence[str]) -> List[str]:
    """Return the command as one that does not outlive the thread that starts it (harness.machine.tethered)."""
    return [sys.executable, "-I", "-S", str(tethered.__file__), str(os.getpid()), *command]


def to_parent() -> IO[str]:
    """Return, in a child, the file that it writes its messages to, a line each."""
    return os.fdopen(int(sys.argv[1]), "w", buffering=1)


def start_time() -> float:
    """Return, in a child, the time of its start on time.monotonic()'s clock, which all processes share."""
    return float(sys.argv[2])


def ask(
    what: str,
    module: str,
    question: str,
    seconds: float,
    hear: Callable[[str], None] = lambda message: None,
    may_fork: bool = False,
    stop: Optional[threading.Event] = None,
) -> str:
    """Run `python -m MODULE`, hand it the question, and return the last of its messages.

    Args:
        what: name of the task for error messages, such as "planning".
        seconds: longest time from one message to the next.
        hear: called with each message as it comes.
        may_fork: True for a module that uses no card, whose libraries bear no fork, and that nobody times.
        stop: the task is broken off once this is set.

    Raises:
        ChildFailedError: the process did not end well, or sent no message; ChildKilledError where a signal ended it,
            ChildSilentError where it took too long.
        RequirementError: the process could not import a package.
        KeyboardInterrupt: Ctrl-C, or `stop` was set.
    """
    descriptor, name = tempfile.mkstemp(prefix="stylebench-", suffix=".log")
    os.close(descriptor)
    log, reason, last = Path(name), "", None
    try:
        with Child([sys.executable, "-m", module], question, log, seconds, is_timed=not may_fork) as child:
            try:
                for last in child.messages(stop):
                    hear(last)
                    child.deadline = time.monotonic() + seconds
            except ChildTimeoutError:
                reason = f"nothing came of it in {seconds:g} s"
        kind = ChildSilentError if reason else ChildFailedError
        if not reason and (child.returncode or last is None):
            reason = raised(log)
            kind = ChildKilledError if not reason and (child.returncode or 0) < 0 else ChildFailedError
            reason = reason or f"its process {ended_by(child.returncode or 0)}"
    except BaseException:
        log.unlink()
        raise
    if reason.startswith(_IMPORT_FAILED):
        raise RequirementError(f"{what}: {reason} (pip install -r requirements.txt; log {log})")
    if reason or last is None:
        raise kind(f"{what} failed: {reason} (log {log})")
    log.unlink()
    return last


def raised(log: Path) -> str:
    """Return the last line of a log's last traceback, such as `ValueError: what is wrong`; empty when there is none."""
    found = _RAISED.findall(log.read_text(encoding="utf-8", errors="replace"))
    return re.sub(r"^[\w.]+\.(?=\w+(:|$))", "", found[-1].strip()) if found else ""


def ended_by(returncode: int) -> str:
    """Say how a process ended, such as `was killed by SIGKILL (out of memory?)` or `ended with exit status 3`."""
    if returncode >= 0:
        return f"ended with exit status {returncode}"
    number = -returncode
    try:
        name = signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        name = f"signal {number}"
    return f"was killed by {name}{' (out of memory?)' if number == signal.SIGKILL else ''}"
