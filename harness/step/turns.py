"""Steps of two processes in turns, so that whatever the machine does meanwhile happens to both.

Known as duet benchmarking (Bulej et al., Duet Benchmarking: Improving Measurement Accuracy in the Cloud, ICPE 2020),
here with one process at work at a time: a step wants all cores.
"""

import socket
from typing import Optional

VARIABLE = "STYLEBENCH_TURNS"
"""Environment variable: path of the referee's socket, for a trial that is to take turns with another."""
READY, GO = b"r", b"g"
WARM_UP_STEPS = 2
"""Steps of a process before the paired ones: the first compiles, the second finds caches cold."""
PAIRED_STEPS = 20
"""Steps of each process that are paired with the other's."""


class Turns:
    """A worker's side: asks for leave before each step, and steps at once where there is no referee, or none any more.

    A step that waits does so outside of its time.
    """

    def __init__(self, path: str) -> None:
        """Take the path of the referee's socket; where it is empty nobody is asked."""
        self._socket: Optional[socket.socket] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError:
            self.close()

    def __enter__(self) -> "Turns":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self) -> None:
        """Return when the next step may begin: nobody else is stepping."""
        try:
            if self._socket is not None:
                self._socket.sendall(READY)
                if not self._socket.recv(1):
                    self.close()
        except OSError:
            self.close()

    def close(self) -> None:
        """Make no further step: the other process may go on alone."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
