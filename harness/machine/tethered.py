"""Becomes another program that cannot outlive its parent: run as `python tethered.py PARENT PROGRAM [ARGUMENT ...]`.

PARENT is the parent's process id. Linux then kills the program when the thread that started it ends, however it does.
Elsewhere a program learns that its parent is gone when it next reports something. Imports the standard library alone.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h; kept across execve."""


def main() -> None:
    """Tie this process to its parent and become the program, as the arguments say."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before prctl took effect, so that no signal will come
        os.kill(os.getpid(), signal.SIGKILL)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
