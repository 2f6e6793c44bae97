"""What asks a command to end, ends it as Ctrl-C does: with what was measured kept, and its children gone."""

import signal
import time
from types import FrameType
from typing import Optional

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Ctrl-C; `timeout`, `docker stop` and CI; a terminal that closes; Ctrl-backslash."""
_AGAIN_SECONDS = 10.0
"""For so long after one of them, others change nothing: impatience must not break off the keeping of what there is."""


def end_as_interrupts() -> None:
    """From now on, raise KeyboardInterrupt at each of ENDING, but for those that follow another closely.

    To be called in the main thread of a program of its own. A signal that is ignored already, as under nohup, stays so.
    """
    last: Optional[float] = None

    def interrupt(number: int, frame: Optional[FrameType]) -> None:
        nonlocal last
        if last is None or time.monotonic() - last > _AGAIN_SECONDS:
            last = time.monotonic()
            raise KeyboardInterrupt

    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)
