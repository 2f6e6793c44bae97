import subprocess
import sys

import pytest

from harness.machine.git import ROOT
from harness.machine.signals import ENDING

pytestmark = pytest.mark.any_tensorflow

PROGRAM = """
import os, signal, sys, threading
from harness.machine.signals import end_as_interrupts

end_as_interrupts()
try:
    print("ready", flush=True)
    threading.Event().wait()
except KeyboardInterrupt:
    # What is kept takes its time, and whoever is impatient asks again.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
    print("kept", flush=True)
    sys.exit(130)
"""


@pytest.mark.parametrize("number", ENDING)
def test_each_signal_ends_as_ctrl_c_does_and_only_once(signals_heeded, number):
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=str(ROOT), stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    assert process.communicate()[0] == b"kept\n"
    assert process.returncode == 130


def test_a_signal_that_is_ignored_stays_so():
    code = (
        "import os, signal; from harness.machine.signals import end_as_interrupts; "
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); end_as_interrupts(); os.kill(os.getpid(), signal.SIGHUP); "
        "print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=str(ROOT)) == b"True\n"
