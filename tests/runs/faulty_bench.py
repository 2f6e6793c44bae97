"""bench.py's command line to which something happens: run as a program, by tests.runs.test_faults.

usage: faulty_bench.py FAULT STAGES bench.py's arguments

FAULT is what happens: kill-worker, hang-worker (and its time is up), kill-parent, fill-disk, or the numbers of signals
that this process gets, with `+` between them. STAGES has one word per replicate, separated by
commas: what the worker has just reported then, a phase or `sample`; `-` for none. The worker's process id goes to the
file `worker` in the current folder first.
"""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
import bench  # noqa: E402
from harness.machine.child import Child  # noqa: E402
from harness.machine.signals import ENDING, end_as_interrupts  # noqa: E402
from harness.trial import supervisor  # noqa: E402
from reports.terminal.progress import Progress  # noqa: E402
from tests.trial.processes import fill  # noqa: E402

fault, stages, *arguments = sys.argv[1:]
hear = Progress.event
running = []


def event(self, trial, reported):
    hear(self, trial, reported)
    if stages.split(",")[trial.replicate - 1] not in (reported.event, getattr(reported, "name", "")):
        return
    worker = running[-1]
    with open("worker", "w") as file:
        file.write(str(worker.pid))
    if fault == "fill-disk":
        fill(arguments[arguments.index("--output") + 1])
    elif fault == "hang-worker":
        os.kill(worker.pid, signal.SIGSTOP)
        running[-1].deadline = time.monotonic()
    elif fault == "kill-worker":
        os.kill(worker.pid, signal.SIGKILL)
    else:
        numbers = [signal.SIGKILL] if fault == "kill-parent" else map(int, fault.split("+"))
        # At once, as from a shell: none is handled before all have come.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        for number in numbers:
            os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


class NotedChild(Child):
    """Is in `running` once it runs."""

    def __enter__(self):
        running.append(self)
        return super().__enter__()


Progress.event = event
supervisor.Child = NotedChild
sys.argv = ["bench.py", *arguments]
end_as_interrupts()
sys.exit(bench.main())
