"""A worker's log: the beginning and the end of whatever it prints, in bounded space."""

import os
import threading
from pathlib import Path
from typing import Optional

HEAD_BYTES = TAIL_BYTES = 2**20


class BoundedLog:
    """A file that takes any amount of output on `descriptor` and keeps the first and the last of it.

    The first bytes are in the file as soon as they come, the last when the context is left, with the number of those
    left out between them. Whoever writes never waits for a disk. Leaving the context waits until every copy of the
    descriptor is closed, and raises OSError when the file could not be written.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(str(path), "wb", buffering=0)  # noqa: SIM115 - closed with the context
        self._reading, self.descriptor = os.pipe()
        self._error: Optional[OSError] = None
        self._copier = threading.Thread(target=self._copy, daemon=True)

    def __enter__(self) -> "BoundedLog":
        self._copier.start()
        return self

    def __exit__(self, kind: Optional[type], *error: object) -> None:
        os.close(self.descriptor)
        self._copier.join()
        os.close(self._reading)
        self._file.close()
        if self._error is not None and kind is None:
            raise self._error

    def _copy(self) -> None:
        head_left, left_out, tail = HEAD_BYTES, 0, bytearray()
        while True:
            chunk = os.read(self._reading, 2**16)
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

    def _write(self, data: bytes) -> None:
        """Write all of it, or keep the error and go on reading."""
        try:
            while data and self._error is None:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._error = error
