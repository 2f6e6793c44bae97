"""A device claimed by a lock file, which all processes that use the device hold. Imports the standard library alone."""

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Iterator, List

CLAIM_VARIABLE = "STYLEBENCH_CLAIM"
"""Variable with the descriptor of the lock: a process that has it passes both on to its children."""
_LOOK_SECONDS = 0.1


class ClaimError(Exception):
    """A device is held by another process; the message says by which."""


@contextlib.contextmanager
def claimed(folder: Path, device: str, seconds: float) -> Iterator[int]:
    """Yield the descriptor of a file that is locked for the device, for the processes that use it to inherit.

    The lock is free once all who have the descriptor are gone, whatever anybody believes of them.

    Args:
        seconds: time in which whoever is about to end may let go of the device.

    Raises:
        ClaimError: the lock was not free by then.
    """
    path = folder / f"stylebench-{device.replace(':', '-')}.lock"
    descriptor = os.open(str(path), os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        until = time.monotonic() + seconds
        while not _is_locked(descriptor):
            if time.monotonic() > until:
                holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip() or "?"
                raise ClaimError(f"{device} is held by process {holder} ({path}; end it if it is left over)")
            time.sleep(_LOOK_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def inherited() -> List[int]:
    """Return the descriptor of the lock that this process was given, to pass it on; empty when it has none."""
    text = os.environ.get(CLAIM_VARIABLE, "")
    if not text.isdigit():
        return []
    try:
        os.fstat(int(text))
    except OSError:  # a process in between closed it
        return []
    return [int(text)]


def _is_locked(descriptor: int) -> bool:
    """Try to lock the file; return True when it is ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True
