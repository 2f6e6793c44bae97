"""What asks a command to end, ends it as Ctrl-C does: with what was measured kept, and its children gone."""

import signal
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import Iterator, Optional

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Ctrl-C; `timeout`, `docker stop` and CI; a terminal that closes; Ctrl-backslash."""
_AGAIN_SECONDS = 10.0
"""For so long after one of them, others change nothing: impatience must not break off the keeping of what there is."""


@contextmanager
def ending_as_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread at each of ENDING, but for those that follow another closely.

    A signal that is ignored already, as under nohup, stays so. Outside the main thread this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last: Optional[float] = None

    def interrupt(number: int, frame: Optional[FrameType]) -> None:
        nonlocal last
        if last is None or time.monotonic() - last > _AGAIN_SECONDS:
            last = time.monotonic()
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in ENDING}
    handled = [number for number in ENDING if before[number] not in (signal.SIG_IGN, None)]
    for number in handled:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
