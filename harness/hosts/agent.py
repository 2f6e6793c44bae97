"""The agent: runs jobs on a host, each as a process of the host's own interpreter, and hands back what they leave.

It is sent to hosts by value and runs in the engine's Python, which need not be the trials': it imports the standard
library, and two modules that do the same and are sent with it.

A job is an archive: `order.json`, `question`, `trees/DIGEST.zip` with the code, `files/`. The order may set variables
to paths of the files. The job's module is run in the first tree with its folder as argument; it finds `question`,
`files` and `trees.json` there, and writes `answer`, and below `out` whatever is to come back. Its result is an archive
of `answer` and `out/`, or of `error`, one line.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Set

from harness.hosts.parcel import below, packed, read_files, unpacked, write_files
from harness.machine.claim import CLAIM_VARIABLE, ClaimError, claimed

PYTHON_VARIABLE = "STYLEBENCH_PYTHON"
"""Variable of a host that names the interpreter of its trials."""
CLAIMS_VARIABLE = "STYLEBENCH_CLAIMS"
"""Variable of a host that names the folder of its lock files, the same for all who measure on it."""
CLAIM_SECONDS = 10.0
"""Seconds in which a job that is about to end may let go of its device."""
_LOOK_SECONDS = 0.1
_MONITOR = "RAY_memory_monitor_refresh_ms"
_ENGINE = ("RAY_", "OMP_NUM_THREADS", "ASCEND_RT_VISIBLE_DEVICES")
"""Beginnings of variables that the engine sets for its workers."""


class Agent:
    """Runs jobs on this host, side by side where they have different devices."""

    def __init__(self, cards: Optional[List[str]] = None) -> None:
        """Note the numbers of the cards that the engine granted."""
        self._home = Path(tempfile.mkdtemp(prefix="stylebench-host-"))
        self._node = node_environment()
        self._cards = cards or []
        self._running: Dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._stopped: Set[str] = set()

    def state(self) -> Dict[str, List[str]]:
        """Return the names of the `cards`, such as `npu:0`, and the `complaints`: what would spoil a timing."""
        visible = self._node.get("ASCEND_RT_VISIBLE_DEVICES", "")
        order = visible.split(",") if visible else None
        # Cards that a variable of the node names are counted from 0 within it.
        numbers = [str(order.index(card)) if order and card in order else card for card in self._cards]
        return {"cards": [f"npu:{number}" for number in numbers], "complaints": complaints(self._node)}

    def run(self, job: bytes, device: str, claim_seconds: float = CLAIM_SECONDS) -> bytes:
        """Run a job that has `device` for itself, within so many seconds of its start, and return its result."""
        entries = unpacked(job)
        order = json.loads(entries["order.json"])
        home = self._home / order["attempt"]
        try:
            home.mkdir()
        except FileExistsError:
            return packed({"error": b"this attempt has run already"})
        try:
            trees = [self._tree(digest, entries[f"trees/{digest}.zip"]) for digest in order["trees"]]
            (home / "out").mkdir()
            (home / "question").write_bytes(entries["question"])
            (home / "trees.json").write_text(json.dumps([str(tree) for tree in trees]))
            write_files(home / "files", below(entries, "files"))
            with claimed(self._claims, device, claim_seconds) as claim:
                error = self._execute(order, home, trees[0], claim)
            if error:
                return packed({"error": error.encode()})
            out = {f"out/{name}": data for name, data in read_files(home / "out").items()}
            return packed({"answer": (home / "answer").read_bytes(), **out})
        except ClaimError as error:
            return packed({"error": str(error).encode()})
        finally:
            # The folder itself stays, empty: by it an attempt is known that has run.
            for path in home.iterdir():
                shutil.rmtree(str(path), ignore_errors=True) if path.is_dir() else path.unlink()

    def stop(self, attempt: str) -> None:
        """Break off an attempt that runs, with all of its processes."""
        with self._lock:
            self._stopped.add(attempt)
            process = self._running.get(attempt)
        if process is not None:
            end_group(process)

    def leave(self) -> None:
        """Break off whatever runs and remove this agent's files."""
        for attempt in list(self._running):
            self.stop(attempt)
        shutil.rmtree(str(self._home), ignore_errors=True)

    @property
    def _python(self) -> str:
        return self._node.get(PYTHON_VARIABLE) or sys.executable

    @property
    def _claims(self) -> Path:
        return Path(self._node.get(CLAIMS_VARIABLE) or tempfile.gettempdir())

    def _tree(self, digest: str, archive: bytes) -> Path:
        """Return the folder with the code of this digest, unpacked once."""
        if hashlib.sha256(archive).hexdigest() != digest:
            raise ValueError(f"code {digest}: what came is {hashlib.sha256(archive).hexdigest()}")
        tree = self._home / "trees" / digest
        with self._lock:
            if not tree.exists():
                unfinished = tree.with_suffix(".unfinished")
                write_files(unfinished, unpacked(archive))
                unfinished.rename(tree)
        return tree

    def _execute(self, order: Mapping[str, Any], home: Path, tree: Path, claim: int) -> str:
        """Run the job's module to its end; return why it has no answer, empty when it has one."""
        attempt, seconds = order["attempt"], float(order["seconds"])
        variables = {name: str(home / "files" / file) for name, file in order.get("variables", {}).items()}
        tether = [sys.executable, "-I", "-S", str(tree / "harness/machine/tethered.py"), str(os.getpid())]
        with open(home / "log.txt", "wb") as log, self._lock:
            if attempt in self._stopped:
                return "it was broken off"
            process = subprocess.Popen(
                [*tether, self._python, "-m", order["module"], str(home)],
                cwd=str(tree),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self._node, **variables, CLAIM_VARIABLE: str(claim)},
                pass_fds=[claim],
                start_new_session=True,
            )
            self._running[attempt] = process
        deadline = time.monotonic() + seconds
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    return f"not finished after {seconds:g} s"
                time.sleep(_LOOK_SECONDS)
        finally:
            end_group(process)
            del self._running[attempt]
        if attempt in self._stopped:
            return "it was broken off"
        if process.returncode or not (home / "answer").exists():
            lines = (home / "log.txt").read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else f"its process ended with status {process.returncode}"
        return ""


def node_environment() -> Dict[str, str]:
    """Return the environment that the host's node was started with: the engine changes that of its workers."""
    try:
        text = Path(f"/proc/{os.getppid()}/environ").read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return {name: value for name, value in os.environ.items() if not name.startswith(_ENGINE)}
    return without_allocator(dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry))


def without_allocator(node: Mapping[str, str]) -> Dict[str, str]:
    """Return the environment without the allocator that Ray gives its node's process, as its own workers have it.

    A step takes a fifth longer with it, measured at 64 pixels.
    """
    preloads = node.get("RAY_LD_PRELOAD_ON_WORKERS", "1") == "1"
    return {name: value for name, value in node.items() if preloads or name not in ("LD_PRELOAD", "MALLOC_CONF")}


def complaints(node: Mapping[str, str]) -> List[str]:
    """Return what the engine does to its workers that would spoil a timing."""
    found = []
    parent = os.getppid()
    own, given = os.getpriority(os.PRIO_PROCESS, 0), os.getpriority(os.PRIO_PROCESS, parent)
    if own != given:
        found.append(f"Ray runs its workers at niceness {own} (start the node with RAY_worker_niceness=0)")
    if node.get(_MONITOR) != "0":
        found.append(f"Ray's memory monitor may kill a trial (start the node with {_MONITOR}=0)")
    if hasattr(os, "sched_getaffinity") and os.sched_getaffinity(0) != os.sched_getaffinity(parent):
        found.append("Ray's workers may not run on all of the node's processors (start the node anew)")
    return found


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process with all of its group: with a request first, then by force."""
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        if number == signal.SIGTERM and process.poll() is not None:
            continue
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
