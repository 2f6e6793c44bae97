"""Children forked off a process that has imported TensorFlow: all that tests.machine.test_child says of others."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from harness.machine import forking
from harness.machine.child import Child, ChildTimeoutError, prepare_forks, raised
from tests.trial.processes import is_gone

PROGRAM = [sys.executable, "-m", "tests.machine.forked_program"]
HANG_GUARD = 3600.0
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone lets a process take orphans for its own")


@pytest.fixture
def run(tmp_path):
    """Runs the code in a forked child; returns its messages, its return code and its log's path."""

    def run(code, late_after=None, stop=None, is_timed=False):
        path, run.said = tmp_path / "log.txt", []
        child = Child(PROGRAM, code, path, HANG_GUARD, is_timed=is_timed)
        with child:
            run.pid = child.pid
            for message in child.messages(stop):
                run.said.append(message)
                if len(run.said) == late_after:
                    child.deadline = time.monotonic()
        return run.said, child.returncode, path

    return run


def test_it_has_tensorflow_and_is_a_child_of_its_own(run):
    code = (
        "say('tensorflow' in sys.modules); say(os.getpid()); say(os.getppid()); say(os.getsid(0)); "
        "say(os.environ['PATH']); say(os.getcwd()); print('talk', flush=True); os.write(2, b'error'); sys.exit(3)"
    )
    started = time.monotonic()
    said, status, log = run(code)
    assert said[:4] == ["True", str(run.pid), str(os.getpid()), str(run.pid)]
    assert said[4:] == [os.environ["PATH"], str(forking.ROOT)]
    assert (status, log.read_text()) == (3, "talk\nerror")
    assert started <= float(run("say(start_time())")[0][0]) <= time.monotonic()
    assert run("say('tensorflow' in sys.modules)", is_timed=True)[0] == ["False"]


def test_each_starts_alike_whatever_one_before_it_did(run):
    assert run("import tensorflow; tensorflow.left = 1; os.environ['LEFT'] = '1'; say('done')")[:2] == (["done"], 0)
    said, _, _ = run("import tensorflow; say(hasattr(tensorflow, 'left')); say('LEFT' in os.environ)")
    assert said == ["False", "False"]


def test_its_sessions_compute(run):
    code = """
import tensorflow.compat.v1 as tf
with tf.Graph().as_default(), tf.Session() as session:
    x = tf.random.stateless_normal((256, 256), (1, 2))
    say(float(session.run(tf.reduce_sum(tf.matmul(x, x) - tf.matmul(x, x)))))
"""
    assert [run(code)[0] for _ in range(3)] == [["0.0"]] * 3


def test_what_it_raises_is_in_its_log(run):
    _, status, log = run("raise ValueError('what is wrong')")
    assert (status, raised(log)) == (1, "ValueError: what is wrong")


def test_a_signal_that_ends_it_is_known(run):
    assert run("os.kill(os.getpid(), 9)")[1] == -9


@pytest.mark.parametrize("deaf", ["", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "])
def test_it_is_ended_with_its_group_when_its_time_is_up(run, deaf):
    code = f"{deaf}import subprocess; say(subprocess.Popen(['sleep', '3600']).pid); import time; time.sleep(3600)"
    with pytest.raises(ChildTimeoutError):
        run(code, late_after=1)
    assert is_gone(run.pid) and is_gone(int(run.said[0]))


def test_it_is_ended_when_told_to_stop(run):
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        run("import time; say('up'); time.sleep(3600)", stop=stop)
    assert is_gone(run.pid)


@pytest.mark.parametrize("name, is_read_at_start", [("TF_CPP_MIN_LOG_LEVEL", True), ("LANGUAGE", False)])
def test_variables_that_changed_since_the_import_are_there(run, monkeypatch, name, is_read_at_start):
    monkeypatch.delenv("COLUMNS", raising=False)
    run("say('up')")
    server = forking._server
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("COLUMNS", "99")
    assert run(f"say(os.environ[{name!r}]); say(os.environ['COLUMNS'])")[0] == ["1", "99"]
    assert (forking._server is not server) == is_read_at_start
    monkeypatch.delenv("COLUMNS")
    assert run("say('COLUMNS' in os.environ)")[0] == ["False"]


def test_the_server_that_was_prepared_is_the_one_that_forks_and_no_keras_is_imported(run, monkeypatch):
    monkeypatch.setattr(forking, "_server", None)
    prepare_forks()
    prepared = forking._server
    assert run("say('tensorflow' in sys.modules); say('keras' in sys.modules)")[0] == ["True", "False"]
    assert prepared is not None and forking._server is prepared
    prepared.end()


def test_where_nothing_can_be_forked_it_is_started(run, monkeypatch):
    monkeypatch.setattr(forking, "_server", None)
    monkeypatch.setattr(forking, "_PRELOADED", ())
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/nowhere", os.environ.get("PYTHONPATH", "")]))
    forking.start(PROGRAM[2], 0, 1, 2, [sys.executable, "-c", "import no_such_package"])
    assert forking._server is not None
    said, status, _ = run("say('tensorflow' in sys.modules)")
    assert (said, status) == (["False"], 0)


def test_threads_that_ask_at_once_have_a_process_each(tmp_path):
    said = []

    def ask(number):
        code = "say('tensorflow' in sys.modules); say(os.getpid())"
        with Child(PROGRAM, code, tmp_path / f"{number}.log", HANG_GUARD, is_timed=False) as child:
            said.append((*child.messages(), str(child.pid)))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [imported for imported, *_ in said] == ["True"] * 4
    assert all(told == pid for _, told, pid in said) and len({pid for *_, pid in said}) == 4


PARENT = """
import sys
from pathlib import Path
from harness.machine.child import Child

with Child([sys.executable, "-m", "tests.machine.forked_program"], {code!r}, Path({log!r}), 3600, is_timed=False) as child:
    for message in child.messages():
        print(message, flush=True)
"""  # noqa: E501


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_neither_it_nor_the_server_outlives_the_parent(tmp_path, number):
    code = "import time; say(os.getpid()); time.sleep(3600)"
    program = PARENT.format(code=code, log=str(tmp_path / "log"))
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=str(forking.ROOT), stdout=subprocess.PIPE, universal_newlines=True
    ) as parent:
        forked = int(parent.stdout.readline())
        family = psutil.Process(parent.pid).children()
        assert len(family) == 2 and forked in {process.pid for process in family}
        parent.send_signal(number)
        parent.wait()
    assert all(is_gone(process.pid) for process in family)
