"""What stand-in workers say, whether a process is gone, and a disk that fills up."""

import contextlib
import os
import time

import psutil

PHASE = '{"event": "phase", "name": "graph"}'
SAMPLE = '{"event": "sample", "updates": 0, "phase": "step", "seconds": 0.5, "losses": {"total": 1.0}}'
FINISHED = (
    '{"event": "finished", "startup_seconds": 1.0, "final_losses": {"total": 1.0}, "true_losses": {"total": 1.0},'
    ' "step_flop": 10, "matmul_tflops": 0.1, "peak_memory_bytes": 100}'
)


def is_gone(pid, seconds=120):
    """Wait for a process to end, long enough for a machine with other things to do; end it when it takes longer."""
    for _ in range(10 * seconds):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    os.kill(pid, 9)
    return False


def fill(folder):
    """Leave no byte free on the folder's disk; return the path of the file that holds them."""
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as filler:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while filler.write(b"x" * size):
                    pass
    return path
