"""A pair of processes: the same case and mode, run by two trees of this project.

Each tree runs by its own command line, and only a few fields of its run.json are read, so that the trees' records may
differ. Both run at once and step in turns; a tree that knows nothing of turns runs before or after the other.
"""

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from harness.comparisons.referee import Referee
from harness.gates.exit_status import TRIAL_FAILED
from harness.machine import claim
from harness.machine.child import tied
from harness.records import Pair
from harness.runs.observer import PairObserver
from harness.statistics import twin_log_ratio
from harness.step.turns import VARIABLE, WARM_UP_STEPS

_FEWEST_STEPS = 5
"""Least number of paired steps of two processes from which their ratio is taken."""
_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 10.0
"""Seconds from the request to end until a tree's process is killed; its worker ends with it."""


class IncomparableError(ValueError):
    """One side's result cannot be read, or is of another case; the message says which and why."""


class TreeFailedError(IncomparableError):
    """One side's trial crashed, timed out, diverged or was refused."""


class Tree(NamedTuple):
    """One side of the comparison."""

    name: str
    path: Path


class Meter:
    """Measures pairs of processes of two trees: in turns, unless one of them turns out not to know how."""

    def __init__(
        self,
        base: Tree,
        head: Tree,
        options: Sequence[str],
        folder: Path,
        observer: PairObserver,
        in_turns: bool = True,
        timeout: Optional[float] = None,
    ) -> None:
        """Set what both trees run.

        Args:
            options: of their command lines.
            folder: gets their runs.
            timeout: seconds that one pair may take; None: no limit.
        """
        self.base, self.head, self.options, self.folder, self.observer = base, head, options, folder, observer
        self.timeout = timeout
        self.in_turns = in_turns
        """True while pairs are to step in turns; False for good once a tree did not."""

    def measure(self, number: int, mode: str, stop: Optional[threading.Event] = None) -> List[Pair]:
        """Measure pair `number`, from 1, in a mode, and return what it says of each case; the first side alternates.

        Args:
            stop: is for meters that work side by side with others; this one is alone.

        Raises:
            IncomparableError: a tree's result cannot be read, or the trees ran different cases.
        """
        order = (self.base, self.head) if number % 2 else (self.head, self.base)
        homes = {tree.name: self.folder / f"{number}-{tree.name}-{mode}" for tree in order}
        rounds: List[int] = []
        statuses: Dict[str, int] = {}
        if self.in_turns:
            self.observer.measuring(number, " and ".join(tree.name for tree in order), mode)
            statuses, rounds = self._run_in_turns(order, mode, homes)
            self.in_turns = any(statuses.values()) or min(rounds, default=0) >= WARM_UP_STEPS + _FEWEST_STEPS
        if not self.in_turns:
            rounds = []
            for tree in order:
                self.observer.measuring(number, tree.name, mode)
                statuses[tree.name] = self._run_alone(tree, mode, homes[tree.name])
        sides = {tree.name: _read(tree, mode, homes[tree.name], statuses[tree.name]) for tree in order}
        return list(_paired(mode, number, sides["base"], sides["head"], rounds))

    def _run_in_turns(
        self, order: Sequence[Tree], mode: str, homes: Dict[str, Path]
    ) -> Tuple[Dict[str, int], List[int]]:
        """Run both trees to their ends.

        Returns:
            Their exit statuses, and by case how many steps each side made in turn with the other.
        """
        running: Dict[str, subprocess.Popen[bytes]] = {}
        with Referee(order[0].name, order[1].name) as referee:
            try:
                for tree in order:
                    variables = {VARIABLE: referee.paths[tree.name]}
                    running[tree.name] = self._start(tree, mode, homes[tree.name], variables)
                deadline = self._deadline()
                while any(process.poll() is None for process in running.values()):
                    if time.monotonic() > deadline:
                        raise self._timed_out(order[0], homes[order[0].name])
                    if any(process.poll() is not None for process in running.values()):
                        referee.call_off()
                    time.sleep(_LOOK_SECONDS)
            finally:
                for process in running.values():
                    _end(process)
        return {name: process.returncode for name, process in running.items()}, referee.rounds

    def _run_alone(self, tree: Tree, mode: str, home: Path) -> int:
        process = self._start(tree, mode, home, {})
        try:
            return process.wait(self.timeout)
        except subprocess.TimeoutExpired as error:
            raise self._timed_out(tree, home) from error
        finally:
            _end(process)

    def _deadline(self) -> float:
        return math.inf if self.timeout is None else time.monotonic() + self.timeout

    def _timed_out(self, tree: Tree, home: Path) -> TreeFailedError:
        return TreeFailedError(f"{tree.name}: bench.py took more than {self.timeout:g} s; log {home / 'log.txt'}")

    def _start(self, tree: Tree, mode: str, home: Path, variables: Dict[str, str]) -> "subprocess.Popen[bytes]":
        shutil.rmtree(home, ignore_errors=True)  # of a pair that was interrupted, or did not step in turns
        home.mkdir(parents=True)
        command = [sys.executable, "bench.py", *self.options, "--modes", mode, "--replicates", "1"]
        with open(home / "log.txt", "wb") as log:
            return subprocess.Popen(
                tied([*command, "--report", "none", "--output", str(home)]),
                cwd=str(tree.path),
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables},
                pass_fds=claim.inherited(),
            )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process that may still run: with a request that lets it end its worker, and then by force."""
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Reading(NamedTuple):
    """What the record of a tree's run says of one case."""

    identity: Dict[str, Any]
    """Fields of the case that decide its numbers; equal in two trees that ran the same case."""
    seconds: Optional[float]
    """Step time of the case; None where the steps never settled."""
    emulated: bool
    steps: List[float]
    """Seconds of each step, the first included; empty where they cannot be read."""


def _read(tree: Tree, mode: str, home: Path, status: int) -> Dict[str, _Reading]:
    """Return what the tree's run says of each case, by case id.

    Raises:
        IncomparableError: the tree's bench.py failed, or its record has another form.
    """
    records = list(home.glob("*/run.json"))
    if status or len(records) != 1:
        kind = TreeFailedError if status == TRIAL_FAILED else IncomparableError
        raise kind(f"{tree.name}: bench.py ended with status {status} in mode {mode}; log {home / 'log.txt'}")
    try:
        return dict(_readings(json.loads(records[0].read_bytes()), records[0].parent))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__} {error}"
        raise IncomparableError(f"{tree.name}: its record has another form ({reason}): {records[0]}") from error


def _readings(record: Dict[str, Any], folder: Path) -> Iterator[Tuple[str, _Reading]]:
    # Older records have the cases at the top.
    cases = record["suite"]["cases"] if isinstance(record["suite"], dict) else record["cases"]
    for trial in record["trials"]:
        (case,) = [case for case in cases if case["id"] == trial["case"]]
        identity = {name: case[name] for name in ("steps", "settings", "seed", "inputs")}
        seconds = None if trial.get("steady") is False else float(trial["step_seconds"])
        steps = _steps(folder / trial["samples"]) if "samples" in trial else []
        yield trial["case"], _Reading(identity, seconds, bool(trial.get("emulated", False)), steps)


def _steps(path: Path) -> List[float]:
    """Seconds of each step of a trial's samples.jsonl, in order."""
    if not path.exists():
        return []
    return [float(json.loads(line)["seconds"]) for line in path.read_text().splitlines()]


def _paired(
    mode: str, number: int, base: Dict[str, _Reading], head: Dict[str, _Reading], rounds: Sequence[int]
) -> Iterator[Pair]:
    if set(base) != set(head):
        raise IncomparableError(f"base ran the cases {sorted(base)}, head {sorted(head)}")
    for index, (case, reading) in enumerate(head.items()):
        other = base[case]
        if other.identity != reading.identity:
            changed = [name for name in reading.identity if reading.identity[name] != other.identity[name]]
            raise IncomparableError(f"case {case} is another one in base: {', '.join(changed)} differ")
        pair = Pair(
            case=case,
            mode=mode,
            number=number,
            base_seconds=other.seconds,
            head_seconds=reading.seconds,
            emulated=reading.emulated,
        )
        yield in_turns(pair, other.steps, reading.steps, rounds[index]) if rounds else pair


def in_turns(pair: Pair, base: Sequence[float], head: Sequence[float], steps: int) -> Pair:
    """Return the pair with what its first `steps` steps say, which were made in turns."""
    one, other = (list(seconds[WARM_UP_STEPS:steps]) for seconds in (base, head))
    return pair.model_copy(
        update={
            "base_seconds": statistics.median(one),
            "head_seconds": statistics.median(other),
            "log_ratio": twin_log_ratio(one, other),
        }
    )
