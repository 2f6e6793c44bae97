"""Children that behave badly, each a real process: none holds its parent, and none outlives it."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from harness.errors import ChildFailedError, ChildKilledError, RequirementError
from harness.machine import child, log
from harness.machine.child import Child, ChildTimeoutError
from harness.machine.git import ROOT
from tests.trial.processes import is_gone

pytestmark = pytest.mark.any_tensorflow

OPENING = "import os, sys, time, signal, subprocess; pipe = os.fdopen(int(sys.argv[1]), 'w', buffering=1); "
DAEMON = (
    "daemon = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'], start_new_session=True, "
    "close_fds=False); print(daemon.pid, file=pipe); "
)
"""Holds the log and the pipe open, in a session of its own."""
HANG_GUARD = 3600.0


@pytest.fixture
def run(tmp_path):
    """Runs a child with this code; returns its messages, its return code and its log."""

    def run(code, question="", late_after=None):
        """With `late_after`, its time is up when it has said so many messages."""
        path, said = tmp_path / "log.txt", []
        process = Child([sys.executable, "-c", OPENING + code], question, path, HANG_GUARD)
        try:
            with process:
                for message in process.messages():
                    said.append(message)
                    if len(said) == late_after:
                        process.deadline = time.monotonic()
        finally:
            run.said = said
        return said, process.returncode, path.read_text(errors="replace")

    return run


def test_a_child_reads_its_question_and_is_heard(run):
    said, status, text = run("print(sys.stdin.read()[::-1], file=pipe); print('talk'); sys.exit(3)", "question")
    assert (said, status, text) == (["noitseuq"], 3, "talk\n")


def test_a_question_that_nobody_reads_holds_nobody(run):
    assert run("print('done', file=pipe)", "x" * 10**7)[:2] == (["done"], 0)
    assert run("os._exit(4)", "x" * 10**7)[:2] == ([], 4)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_child_that_babbles_is_heard(run, stream):
    code = f"[sys.{stream}.write('x' * 99 + chr(10)) for i in range(10**5)]; print('done', file=pipe)"
    said, status, text = run(code)
    assert (said, status) == (["done"], 0)
    assert "bytes left out" in text and len(text) < 2 * (log.HEAD_BYTES + log.TAIL_BYTES)


def test_a_child_that_babbles_on_its_pipe_is_heard_whole(run):
    said, status, _ = run("[print(i, file=pipe) for i in range(10**5)]")
    assert (said, status) == ([str(i) for i in range(10**5)], 0)


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(3600)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', file=pipe); time.sleep(3600)",
        "pipe.close(); time.sleep(3600)",
        "[print('on and on', file=pipe) for i in iter(int, 1)]",
    ],
    ids=["hangs", "is deaf to SIGTERM", "closes its pipe", "never ends"],
)
def test_a_child_whose_time_is_up_is_ended(run, code):
    with pytest.raises(ChildTimeoutError):
        run("print(os.getpid(), file=pipe); " + code, late_after=2 if "deaf" in code else 1)
    assert is_gone(int(run.said[0]))


def test_a_child_that_is_stopped_is_ended(tmp_path):
    code, said = OPENING + "print(os.getpid(), file=pipe); os.kill(os.getpid(), signal.SIGSTOP)", []
    command = [sys.executable, "-c", code]
    with pytest.raises(ChildTimeoutError), Child(command, "", tmp_path / "log", HANG_GUARD) as stopped:
        for message in stopped.messages():
            said.append(int(message))
            while psutil.Process(said[0]).status() != psutil.STATUS_STOPPED:
                time.sleep(0.01)
            stopped.deadline = time.monotonic()
    assert is_gone(said[0])


def test_a_child_is_asked_to_end_before_it_is_killed(run, tmp_path):
    marker = tmp_path / "marker"
    code = (
        f"signal.signal(signal.SIGTERM, lambda *_: (open({str(marker)!r}, 'w').close(), os._exit(0))); "
        "print('ready', file=pipe); time.sleep(3600)"
    )
    with pytest.raises(ChildTimeoutError):
        run(code, late_after=1)
    assert marker.exists()


@pytest.mark.parametrize("end", ["os._exit(0)", "time.sleep(3600)"], ids=["ends", "hangs"])
def test_a_daemon_that_holds_log_and_pipe_holds_nobody(run, end):
    try:
        if end == "os._exit(0)":
            said, status, text = run(DAEMON + "print('last word', flush=True); " + end)
            assert status == 0 and text.startswith("last word\n\n[another process still holds this log open")
        else:
            with pytest.raises(ChildTimeoutError):
                run(DAEMON + end, late_after=1)
    finally:
        os.kill(int(run.said[0]), signal.SIGKILL)


def test_what_it_leaves_in_its_group_is_ended_with_it(run):
    code = "print(subprocess.Popen(['sleep', '3600']).pid, file=pipe); os._exit(0)"
    said, status, text = run(code)
    assert status == 0 and text == ""
    assert is_gone(int(said[0]))


def test_a_torn_last_line_is_no_message(run):
    assert run("pipe.write('whole\\ntorn'); pipe.flush(); os.kill(os.getpid(), 9)")[:2] == (["whole"], -9)


def test_a_child_is_ended_when_told_to_stop(tmp_path):
    stop, said = threading.Event(), []
    code = OPENING + "print(os.getpid(), file=pipe); time.sleep(3600)"
    with pytest.raises(KeyboardInterrupt), Child([sys.executable, "-c", code], "", tmp_path / "log", HANG_GUARD) as one:
        for message in one.messages(stop):
            said.append(message)
            stop.set()
    assert is_gone(int(said[0]))


PARENT = """
import sys
from pathlib import Path
from harness.machine.child import Child

with Child([sys.executable, "-c", {code!r}], "", Path({log!r}), 3600) as child:
    for message in child.messages():
        print(message, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone ends what has lost its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_child_does_not_outlive_its_parent(signals_heeded, tmp_path, number):
    code = OPENING + "print(os.getpid(), file=pipe); time.sleep(3600)"
    program = PARENT.format(code=code, log=str(tmp_path / "log"))
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=str(ROOT), stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    parent.send_signal(number)
    parent.communicate()
    assert is_gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone ends what has lost its parent")
def test_a_child_whose_parent_is_gone_before_it_starts_does_not_start(tmp_path):
    marker = tmp_path / "marker"
    command = child.tied([sys.executable, "-c", f"open({str(marker)!r}, 'w')"])
    command[command.index(str(os.getpid()))] = "1000000000"
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert not marker.exists()


@pytest.mark.parametrize(
    "status, told",
    [
        (3, "ended with exit status 3"),
        (-9, "was killed by SIGKILL (out of memory?)"),
        (-6, "was killed by SIGABRT"),
        (-40, "was killed by signal 40"),
    ],
)
def test_how_a_process_ended_is_told(status, told):
    assert child.ended_by(status) == told


@pytest.mark.parametrize(
    "raising, told",
    [
        ("raise ValueError('first\\nsecond')", "ValueError: first"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import json; json.loads('{')", "JSONDecodeError: Expecting property name"),
        (
            "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise OSError('while handling it')",
            "OSError: while handling",
        ),
        (
            "import traceback\ntry:\n    import nowhere\nexcept ImportError:\n"
            "    raise ImportError(traceback.format_exc() + '\\n\\nFailed to load the runtime.\\nSee elsewhere.')",
            "ModuleNotFoundError: No module named 'nowhere'",
        ),
        ("print('nothing')", ""),
    ],
)
def test_what_was_raised_is_read_from_the_log(tmp_path, raising, told):
    program = tmp_path / "program.py"
    program.write_text(raising + "\n")
    ended = subprocess.run([sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    (tmp_path / "log").write_bytes(b"noise\n" + ended.stdout + b"noise after it\n")
    assert child.raised(tmp_path / "log").startswith(told) and bool(told) == bool(child.raised(tmp_path / "log"))


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a module that a child can be asked to run; returns its name."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(code):
        (tmp_path / "stand_in_child.py").write_text(
            f"import os, sys, time\nfrom harness.machine.child import to_parent\n{code}\n"
        )
        return "stand_in_child"

    write.left = lambda: list(temporary.iterdir())
    return write


def test_the_last_message_is_the_answer_and_no_log_is_left(module):
    heard = []
    name = module("with to_parent() as parent:\n    parent.write('one\\ntwo ' + sys.stdin.read() + '\\n')")
    assert child.ask("asking", name, "question", HANG_GUARD, heard.append) == "two question"
    assert heard == ["one", "two question"] and module.left() == []


@pytest.mark.parametrize(
    "code, error, told",
    [
        ("import nowhere", RequirementError, "asking: ModuleNotFoundError: No module named 'nowhere' (pip install -r"),
        ("raise TypeError('broken')", ChildFailedError, "asking failed: TypeError: broken (log "),
        ("os.kill(os.getpid(), 9)", ChildKilledError, "asking failed: its process was killed by SIGKILL (out of"),
        ("os.kill(os.getpid(), 40)", ChildKilledError, "asking failed: its process was killed by signal 40 (log "),
        ("sys.exit(0)", ChildFailedError, "asking failed: its process ended with exit status 0 (log "),
    ],
)
def test_a_failure_is_one_line_that_says_where_the_log_is(module, code, error, told):
    with pytest.raises(error) as raised:
        child.ask("asking", module(code), "", HANG_GUARD)
    (kept,) = module.left()
    line = str(raised.value)
    assert line.startswith(told) and line.endswith(f"log {kept})") and "\n" not in line


def test_a_child_that_says_nothing_in_its_time_fails(module):
    with pytest.raises(ChildFailedError, match="asking failed: nothing came of it in 0.1 s"):
        child.ask("asking", module("time.sleep(3600)"), "", 0.1)


def test_an_error_of_the_listener_ends_the_child_and_its_log(module):
    name = module("with to_parent() as parent:\n    parent.write(f'{os.getpid()}\\n'); time.sleep(3600)")
    pids = []

    def hear(message):
        pids.append(int(message))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        child.ask("asking", name, "", HANG_GUARD, hear)
    assert is_gone(pids[0]) and module.left() == []
