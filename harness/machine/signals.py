"""Makes signals that ask a command to end act as Ctrl-C: what was measured is kept, and its children are ended."""

import signal
import time
from types import FrameType
from typing import Optional

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end a command: of Ctrl-C; of `timeout`, `docker stop` and CI; a closing terminal; Ctrl-backslash."""
_AGAIN_SECONDS = 10.0
"""Seconds after a signal of ENDING in which further ones are ignored, so that they do not break off the saving."""


def end_as_interrupts() -> None:
    """From now on, raise KeyboardInterrupt at each signal of ENDING, except within _AGAIN_SECONDS of the last one.

    Call this in the main thread of a program. Signals that are ignored already, as under nohup, stay ignored.
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
