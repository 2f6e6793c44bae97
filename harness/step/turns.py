"""Steps of two processes in turns, so that whatever the machine does meanwhile happens to both.

Known as duet benchmarking (Bulej et al., Duet Benchmarking: Improving Measurement Accuracy in the Cloud, ICPE 2020),
here with one process at work at a time: a step wants all cores.
"""

import socket
from typing import Optional

VARIABLE = "STYLEBENCH_TURNS"
"""Environment variable with the path of the referee's socket, for a trial that is to take turns with another."""
READY, GO = b"r", b"g"
"""Message of a worker that asks for its next step, and the referee's answer that lets it begin."""
WARM_UP_STEPS = 2
"""Steps of a process before the paired ones: the first compiles, the second finds caches cold."""
PAIRED_STEPS = 40
"""Steps of each process that are paired with the other's."""


class Turns:
    """A worker's connection to the referee, which it asks for leave before each step, outside of the step's time.

    Without a referee, or once it is gone, steps begin at once.
    """

    def __init__(self, path: str) -> None:
        """Connect to the referee's socket at this path; an empty path means that there is no referee."""
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
        """Return when the next step may begin, with the other process at rest."""
        try:
            if self._socket is not None:
                self._socket.sendall(READY)
                if not self._socket.recv(1):
                    self.close()
        except OSError:
            self.close()

    def close(self) -> None:
        """Tell the referee that no further step will come, so that the other process may go on alone."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
