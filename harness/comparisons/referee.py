"""The parent's side of two trials in turns: one step of base, one of head, one of head, one of base, and so on."""

import itertools
import os
import select
import shutil
import socket
import tempfile
import threading
from typing import Dict, Iterator, List, Optional, Tuple

from harness.step.turns import GO

_POLL_SECONDS = 0.2
"""Seconds between two looks of a wait at whether it has been called off."""


class Referee:
    """Lets two workers step in turns, on a thread of its own, from both being ready until one makes no further step.

    Used as a context: `paths` names the socket of each side; leaving it lets whoever still waits go on alone.
    """

    def __init__(self, first: str, second: str) -> None:
        """Name the side that steps first, and the other; later each steps twice in a row, so that a drift hits both."""
        self.rounds: List[int] = []
        """Steps that each side made in turns, for each pair of trials so far."""
        self._order: Tuple[str, str] = (first, second)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listeners: Dict[str, socket.socket] = {}
        self._workers: Dict[str, socket.socket] = {}

    def __enter__(self) -> "Referee":
        self._folder = tempfile.mkdtemp(prefix="stylebench-")  # short: a socket's path has at most 107 bytes
        self.paths = {side: os.path.join(self._folder, side) for side in self._order}
        for side, path in self.paths.items():
            self._listeners[side] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listeners[side].bind(path)
            self._listeners[side].listen(1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def call_off(self) -> None:
        """Let whoever waits, now or later, go on alone: the other side will not come any more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():  # one pair of trials after the other, where a suite has several cases
            for side in self._order:
                worker = self._accept(side)
                if worker is not None:
                    self._workers[side] = worker
            if len(self._workers) == 2 and all(self._is_ready(side) for side in self._order):
                self.rounds.append(self._take_turns())
            # Whoever still waits reads the end of the file, and needs no leave from then on.
            for worker in self._workers.values():
                worker.close()
            self._workers.clear()
        for listener in self._listeners.values():  # for those who came and were not let in
            listener.close()

    def _take_turns(self) -> int:
        granted: List[str] = []
        for side in self._turns():
            try:
                self._workers[side].sendall(GO)
            except OSError:
                break
            granted.append(side)
            if not self._is_ready(side):  # it makes no further step
                break
        return min(granted.count(side) for side in self._order)

    def _turns(self) -> Iterator[str]:
        first, second = self._order
        return itertools.cycle([first, second, second, first])

    def _accept(self, side: str) -> Optional[socket.socket]:
        return self._listeners[side].accept()[0] if self._wait(self._listeners[side]) else None

    def _is_ready(self, side: str) -> bool:
        """Wait until the side asks for its next step; False when it never will."""
        try:
            return self._wait(self._workers[side]) and bool(self._workers[side].recv(1))
        except OSError:
            return False

    def _wait(self, source: socket.socket) -> bool:
        while not self._over.is_set():
            if select.select([source], [], [], _POLL_SECONDS)[0]:
                return True
        return False
