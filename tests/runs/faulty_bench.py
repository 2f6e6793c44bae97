"""bench.py's command line to which something happens: run as a program, by tests.runs.test_faults.

usage: faulty_bench.py FAULT STAGES bench.py's arguments

FAULT is what happens: kill-worker, hang-worker, kill-parent, fill-disk. STAGES has one word per replicate, separated by
commas: what the worker has just reported then, a phase or `sample`; `-` for none. The worker's process id goes to the
file `worker` in the current folder first.
"""

import os
import signal
import sys

import psutil

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
import bench  # noqa: E402
from reports.terminal.progress import Progress  # noqa: E402
from tests.trial.processes import fill  # noqa: E402

fault, stages, *arguments = sys.argv[1:]
hear = Progress.event


def event(self, trial, reported):
    hear(self, trial, reported)
    if stages.split(",")[trial.replicate - 1] not in (reported.event, getattr(reported, "name", "")):
        return
    (worker,) = psutil.Process().children()
    with open("worker", "w") as file:
        file.write(str(worker.pid))
    if fault == "fill-disk":
        fill(arguments[arguments.index("--output") + 1])
    else:
        number = signal.SIGSTOP if fault == "hang-worker" else signal.SIGKILL
        os.kill(os.getpid() if fault == "kill-parent" else worker.pid, number)


Progress.event = event
sys.argv = ["bench.py", *arguments]
sys.exit(bench.main())
