"""Child processes that start with TensorFlow imported: forked off a server that has imported it, and nothing else.

An import takes seconds, most of what a short job takes. What a fork shares with its siblings, such as where things lie
in memory, can shift times by some percent (Mytkowicz et al., "Producing wrong data without doing anything obviously
wrong!", ASPLOS 2009), so that no process whose times are judged is forked.

The server is started by the first job, or ahead of it, and lives as long as the thread that started it. Run as a
program it is that server, and its argument is the descriptor of the socket that it is asked on: each message is JSON,
with three descriptors.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from array import array
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from harness.machine import claim
from harness.machine.git import ROOT
from harness.machine.importing import importing_tensorflow

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
"""From linux/prctl.h."""
_MESSAGE_BYTES = 65536
_READ_AT_START = (
    *("ABSL_", "ASCEND", "CUDA", "DNNL_", "GLIBC_", "GOMP_", "KMP_", "LD_", "MALLOC_", "MKL_", "NVIDIA_", "OMP_"),
    *("ONEDNN_", "PYTHON", "TF_", "XLA_"),
)
"""How the names of variables begin that the interpreter, TensorFlow or its libraries may read once and for all."""
WITHOUT_KERAS = {"TF_USE_LEGACY_KERAS": "1"}
"""TensorFlow 2 then imports tf_keras where that is installed, and else no Keras: nothing here uses one, and it takes a
fifth of the import's time and 50 MB."""
_PRELOADED = ("tensorflow.compat.v1", "harness.trial.worker", "harness.devices.host", "harness.plans.explain")


class ForkedProcess:
    """A forked process; like a subprocess.Popen, as far as harness.machine.child needs it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: Optional[int] = None

    def wait(self, timeout: float) -> int:
        """Reap the process and return its exit status, or minus the number of the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: it has not ended within so many seconds.
        """
        until = time.monotonic() + timeout
        while self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            elif time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            else:
                time.sleep(0.01)
        return self.returncode


class _Server:
    """The server's process, and the socket that it is asked on."""

    def __init__(self, command: Sequence[str]) -> None:
        self.environment = _read_at_start()
        """Variables that it was started with, and whose change it would not notice."""
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [*command, str(other.fileno())],
                cwd=str(ROOT),
                env={**WITHOUT_KERAS, **os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[other.fileno(), *claim.inherited()],
                start_new_session=True,
            )

    def fork(self, request: Dict[str, Any], descriptors: Sequence[int]) -> Optional[ForkedProcess]:
        """Return a process that does what is asked; None when the server has ended, as when its import failed."""
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))
        prctl = ctypes.CDLL(None).prctl
        # It becomes a child of this process once whoever forked it has ended; it says its number after that. Not for
        # longer: all other orphans below this process would stay as zombies.
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            self._socket.sendmsg([json.dumps(request).encode()], [rights])
            pid = self._socket.recv(_MESSAGE_BYTES)
        except OSError:
            return None
        finally:
            prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        return ForkedProcess(int(pid)) if pid else None

    def end(self) -> None:
        """End the server; what it has forked goes on."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


_server: Optional[_Server] = None
_asking = threading.Lock()


def start(module: str, question: int, output: int, pipe: int, command: Sequence[str]) -> Optional[ForkedProcess]:
    """Fork a process that does what `python -m MODULE PIPE TIME` does.

    Args:
        question: descriptor of its standard input.
        output: descriptor of its standard output and error.
        pipe: descriptor that the module writes its messages to.
        command: starts the server, so that it cannot outlive this process; the socket's descriptor is added.

    Returns:
        The process, a child of this one, which dies with its main thread, whichever thread asks for it; None when one
        has to be started instead: this system cannot fork so, or the server's import failed, which a process of its
        own will report.
    """
    if sys.platform != "linux":
        return None
    with _asking:
        return _start(module, [question, output, pipe], command)


def prepare(command: Sequence[str]) -> None:
    """Start the server, unless it is there, so that it imports while its parent does something else.

    Call it in the main thread: the server ends with the thread that started it.
    """
    if sys.platform == "linux":
        with _asking:
            _present(command)


def _present(command: Sequence[str]) -> _Server:
    """Return the server, a new one where there is none yet or the variables have changed that it was started with."""
    global _server
    if _server is not None and _server.environment != _read_at_start():
        _server.end()
        _server = None
    if _server is None:
        _server = _Server(command)
    return _server


def _start(module: str, descriptors: Sequence[int], command: Sequence[str]) -> Optional[ForkedProcess]:
    global _server
    server = _present(command)
    request = {"module": module, "time": time.monotonic(), "parent": os.getpid(), "environment": dict(os.environ)}
    try:
        process = server.fork(request, descriptors)
    except BaseException:  # Ctrl-C, while it still imports: the next answer would be this one's
        server.end()
        _server = None
        raise
    return process


def _read_at_start() -> Dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_READ_AT_START)}


def main() -> None:
    """Serve on the socket until the other side closes it."""
    import importlib

    channel = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with importing_tensorflow():
        for module in _PRELOADED:
            importlib.import_module(module)
    while True:
        request, descriptors = _receive(channel)
        if request is None:
            return
        middle = os.fork()
        if not middle:
            if os.fork():
                os._exit(0)  # so that the process is an orphan, which its subreaper takes for its own child
            _serve(channel, request, descriptors)
        os.waitpid(middle, 0)
        for descriptor in descriptors:
            os.close(descriptor)


def _receive(channel: socket.socket) -> Any:
    """Return a request and its descriptors, or None twice when the other side is gone."""
    rights = array("i")
    message, ancillary, _, _ = channel.recvmsg(_MESSAGE_BYTES, socket.CMSG_SPACE(3 * rights.itemsize))
    for _, _, data in ancillary:
        rights.frombytes(data[: len(data) - len(data) % rights.itemsize])
    return (json.loads(message.decode()), list(rights)) if message else (None, None)


def _serve(channel: socket.socket, request: Dict[str, Any], descriptors: List[int]) -> None:
    """Become the module's process: of a session of its own, and no longer alive than its parent. Does not return."""
    status = 1
    try:
        os.setsid()
        while os.getppid() != request["parent"]:  # until the process between them has ended
            if not _is_there(request["parent"]):
                os._exit(1)
            time.sleep(0.001)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != request["parent"]:
            os._exit(1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for name in set(os.environ) - set(request["environment"]):
            del os.environ[name]
        os.environ.update(request["environment"])
        question, output, pipe = descriptors
        for source, own in ((question, 0), (output, 1), (output, 2)):
            os.dup2(source, own)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.argv = [request["module"], str(pipe), str(request["time"])]
        channel.send(str(os.getpid()).encode())
        channel.close()
        status = _run(request["module"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)


def _run(module: str) -> int:
    """Do what the module does when it is run as a program; return the exit status."""
    import importlib

    try:
        return importlib.import_module(module).main() or 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


if __name__ == "__main__":
    main()
