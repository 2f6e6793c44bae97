"""A load beside a measurement: a loop on one core that starts and stops, as another job of a shared machine does."""

import contextlib
import os
import random
import subprocess
import sys
import time

from harness.machine.child import tied
from harness.machine.git import ROOT

SECONDS = (0.5, 8.0)
"""Shortest and longest time that the loop runs, and that it rests; drawn evenly, with a seed, in between."""


class Disturbance:
    """Runs the load while its context is open; the load ends with this process."""

    def __enter__(self) -> "Disturbance":
        self._process = subprocess.Popen(tied([sys.executable, "-m", __name__]), cwd=str(ROOT))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Run and rest in turn until killed, on the first core that this process may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    drawn = random.Random(0)
    while True:
        end = time.monotonic() + drawn.uniform(*SECONDS)
        while time.monotonic() < end:
            pass
        time.sleep(drawn.uniform(*SECONDS))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
