"""What stand-in workers say, and whether a process is gone."""

import os
import time

import psutil

PHASE = '{"event": "phase", "name": "graph"}'
SAMPLE = '{"event": "sample", "updates": 0, "phase": "step", "seconds": 0.5, "losses": {"total": 1.0}}'
FINISHED = (
    '{"event": "finished", "startup_seconds": 1.0, "final_losses": {"total": 1.0}, "true_losses": {"total": 1.0},'
    ' "step_flop": 10, "matmul_tflops": 0.1, "peak_memory_bytes": 100}'
)


def is_gone(pid):
    """Wait up to five seconds for a process to end; end it otherwise."""
    for _ in range(50):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    os.kill(pid, 9)
    return False
