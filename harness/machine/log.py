"""A process's log: the beginning and the end of whatever it prints, in bounded space."""

import os
import select
import threading
import time
from pathlib import Path
from typing import Optional

HEAD_BYTES = TAIL_BYTES = 2**20
"""Bytes that are kept from the beginning of a log, and from its end."""
_LAST_SECONDS = 1.0
"""Longest wait for the end of the log: processes that die close their copies of the descriptor at once."""
_PIPE_BYTES = 2**20
"""Largest pipe of an unprivileged process on Linux: bytes that may still be in it when the wait is over."""
_STILL_OPEN = b"\n[another process still holds this log open; what it goes on to write is not here]\n"


class BoundedLog:
    """A file that takes any amount of output on `descriptor` and keeps the first and the last of it.

    The first bytes are in the file as soon as they come, the last when the context is left, with the number of those
    left out between them. Whoever writes never waits for a disk. Leaving the context waits for all that was written,
    not for a daemon that keeps a copy of the descriptor, and raises OSError when the file could not be written.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(str(path), "wb", buffering=0)  # noqa: SIM115 - closed with the context
        self._reading, self.descriptor = os.pipe()
        self._leaving, self._leave = os.pipe()
        self._error: Optional[OSError] = None
        self._until: Optional[float] = None
        """Time at which the wait for the log's end is over, on time.monotonic()'s clock; None in the context."""
        self._late_bytes = _PIPE_BYTES
        """Bytes that are still read once the wait is over."""
        self._copier = threading.Thread(target=self._copy, daemon=True)

    def __enter__(self) -> "BoundedLog":
        self._copier.start()
        return self

    def __exit__(self, kind: Optional[type], *error: object) -> None:
        os.close(self.descriptor)
        os.close(self._leave)
        self._copier.join()
        os.close(self._reading)
        os.close(self._leaving)
        self._file.close()
        if self._error is not None and kind is None:
            raise self._error

    def _copy(self) -> None:
        head_left, left_out, tail = HEAD_BYTES, 0, bytearray()
        while True:
            chunk = self._read()
            if not chunk:
                break
            self._write(chunk[:head_left])
            tail += chunk[head_left:]
            head_left -= min(len(chunk), head_left)
            if len(tail) >= 2 * TAIL_BYTES:
                left_out += len(tail) - TAIL_BYTES
                del tail[:-TAIL_BYTES]
        if left_out:
            self._write(f"\n[{left_out} bytes left out]\n".encode())
        self._write(bytes(tail))
        if chunk is None:
            self._write(_STILL_OPEN)

    def _read(self) -> Optional[bytes]:
        """Return the next bytes, b"" at the end; None when the wait is over and a process still holds the log open."""
        while True:
            sources, wait = [self._reading, self._leaving], None
            if self._until is not None:
                sources, wait = [self._reading], max(self._until - time.monotonic(), 0)
            ready, _, _ = select.select(sources, [], [], wait)
            if self._leaving in ready:
                self._until = time.monotonic() + _LAST_SECONDS
            is_late = self._until is not None and time.monotonic() >= self._until
            if self._reading in ready and self._late_bytes > 0:
                chunk = os.read(self._reading, 2**16)
                self._late_bytes -= len(chunk) if is_late else 0
                return chunk
            if is_late:
                return None

    def _write(self, data: bytes) -> None:
        """Write all data to the file; after an error keep that error and write nothing more."""
        try:
            while data and self._error is None:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._error = error
