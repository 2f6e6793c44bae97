"""Runs one trial in a worker process: starts it, reads its events, ends it, and returns its outcome."""

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from pydantic import ValidationError

from harness.devices import naming
from harness.machine import environment
from harness.machine.child import Child, ChildTimeoutError, ended_by, raised
from harness.precision.number_formats import FLOAT32
from harness.records import Mode, PhaseName, Status, Trial, TrialResult
from harness.records.events import (
    Diverged,
    Event,
    Finished,
    Health,
    Phase,
    Planned,
    Refused,
    Sample,
    Started,
    parse_event,
)
from harness.step.steady_state import timing
from harness.store.files import write_lines
from harness.store.run_folder import RunFolder

WORKER = (sys.executable, "-m", "harness.trial.worker")
LOG_TAIL_LINES = 15
"""Lines from the end of a failed trial's log that its result holds."""
_FATAL = re.compile(r"^.*: F [^\]\n]*\] ?(.+)$", re.MULTILINE)
"""Line that TensorFlow, and the card's adapter through it, logs before it aborts; the group is its message."""


class Phases:
    """How long each part of a trial took, from when this is made, as the events arrive."""

    def __init__(self) -> None:
        self.seconds: Dict[PhaseName, float] = {}
        self._name: PhaseName = "interpreter"
        self._begun = time.monotonic()

    def take(self, event: Event) -> None:
        """End the present part where the event begins another."""
        if isinstance(event, Phase):
            self._begin(event.name)
        elif isinstance(event, Sample) and self._name == "first_step":
            self._begin("steps")
        elif isinstance(event, (Finished, Diverged, Refused)):
            self._begin("shutdown")

    def end(self) -> Dict[PhaseName, float]:
        """End the last part; return the seconds of each."""
        self._begin("shutdown")
        return self.seconds

    def _begin(self, name: PhaseName) -> None:
        now = time.monotonic()
        self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._begun
        self._name, self._begun = name, now


class Reports:
    """The events that a worker has reported, by kind."""

    def __init__(self) -> None:
        self.samples: List[Sample] = []
        self.health: List[Health] = []
        self.started: Optional[Started] = None
        self.planned: Optional[Planned] = None
        self.finished: Optional[Finished] = None
        self.last: Optional[Event] = None
        self.phases = Phases()

    def take(self, event: Event) -> None:
        """Keep the event, and as the last one."""
        self.last = event
        self.phases.take(event)
        if isinstance(event, Sample):
            self.samples.append(event)
        elif isinstance(event, Health):
            self.health.append(event)
        elif isinstance(event, Started):
            self.started = event
        elif isinstance(event, Planned):
            self.planned = event
        elif isinstance(event, Finished):
            self.finished = event

    def lost(self) -> Dict[str, Tuple[int, int, int]]:
        """Return by op, summed over the steps: values saturated, values that became zero, NaN made 0."""
        sums: Dict[str, Tuple[int, int, int]] = {}
        for event in self.health:
            for op, counts in event.counts.items():
                before = sums.get(op, (0, 0, 0))
                sums[op] = (before[0] + counts[0], before[1] + counts[1], before[2] + counts[2])
        return sums

    def measured(self, status: Status) -> Dict[str, Any]:
        """Return the fields of TrialResult that the reports give; a trial that broke off has no step time."""
        first = self.samples[0] if self.samples else None
        fields: Dict[str, Any] = {"first_step_seconds": first.seconds if first else None}
        if status != "ok" or self.finished is None:
            return fields
        # All but the first, which compiles.
        seconds = [sample.seconds for sample in self.samples if sample.phase in ("step", "extra")]
        delayed = timing([sample.delayed_seconds for sample in self.samples[1:] if sample.delayed_seconds is not None])
        return {
            **fields,
            **timing(seconds, first.steps if first else 1)._asdict(),
            **self.finished.model_dump(exclude={"event", "remarks"}),
            "delayed_step_seconds": delayed.step_seconds if delayed.steady else None,
        }


def run_trial(
    trial: Trial,
    folder: RunFolder,
    timeout: float,
    hear: Callable[[Event], None],
    stop: Optional[threading.Event] = None,
) -> TrialResult:
    """Run one trial in a fresh worker and return its outcome, whatever happens to the worker.

    Args:
        timeout: seconds that the worker may take.
        hear: called with each event as it comes.
        stop: the trial is broken off once this is set.

    Raises:
        KeyboardInterrupt: Ctrl-C, or `stop` was set; the worker is dead.
    """
    home = folder.trial_folder(trial.id, trial.attempt)
    reports = Reports()
    started, clock = environment.now(), time.monotonic()
    try:
        status, reason = _watch(trial, home / "log.txt", timeout, reports, hear, stop)
    finally:  # on Ctrl-C too: what was measured is kept
        write_lines(home / "samples.jsonl", reports.samples)
    if reports.health:
        write_lines(home / "health.jsonl", reports.health)
    begun, planned, finished = reports.started, reports.planned, reports.finished if status == "ok" else None
    relative = home.relative_to(folder.path)
    return outcome(
        trial,
        relative,
        device=begun.environment.kind if begun else trial.device,
        status=status,
        reason=reason,
        log_tail=() if status == "ok" else _tail(home / "log.txt"),
        picture=str(relative / "picture.png") if finished and not trial.turns else None,
        health=str(relative / "health.jsonl") if reports.health else None,
        lost=reports.lost(),
        emulated=planned.emulated if planned else False,
        remarks=(planned.remarks if planned else ()) + (finished.remarks if finished else ()),
        started=started,
        wall_seconds=time.monotonic() - clock,
        phases=reports.phases.end(),
        environment=begun.environment if begun else None,
        **reports.measured(status),
    )


def outcome(trial: Trial, home: Path, **fields: Any) -> TrialResult:
    """Return the trial's result with these fields beside those that say whose it is and where its files lie.

    Args:
        home: the attempt's folder, relative to the run's.
    """
    return TrialResult(
        trial=trial.id,
        case=trial.case.id,
        mode=trial.mode.name,
        replicate=trial.replicate,
        confirmation=trial.confirmation,
        attempt=trial.attempt,
        log=str(home / "log.txt"),
        samples=str(home / "samples.jsonl"),
        **fields,
    )


def _watch(
    trial: Trial,
    log: Path,
    timeout: float,
    reports: Reports,
    hear: Callable[[Event], None],
    stop: Optional[threading.Event],
) -> Tuple[Status, str]:
    """Start the worker and take its events until it ends; return the status and the reason for it.

    The worker is dead when this returns or raises.
    """
    try:
        with Child(WORKER, trial.model_dump_json(), log, timeout, is_timed=is_timed(trial)) as worker:
            for message in worker.messages(stop):
                event = parse_event(message)
                reports.take(event)
                hear(event)
    except ChildTimeoutError:
        return "timed_out", f"not finished after {timeout:g} s (see --timeout)"
    except ValidationError as error:
        return "crashed", f"the worker reported something unreadable: {str(error).splitlines()[0]}"
    assert worker.returncode is not None  # it ended by itself
    return _verdict(worker.returncode, reports.last, log, trial.device)


def is_timed(trial: Trial) -> bool:
    """Return False where no figure rests on the trial's times: of an emulated mode, and of a suite of fidelity.

    One that steps in turns with another is there for its times alone. A card's trial counts as timed, for its libraries
    bear no fork, and so does one that is pinned to a core, which TensorFlow has to find when it starts.
    """
    (device,) = naming.parse(trial.device)  # `auto` is left where there is no card
    if device.kind == "npu" or device.number is not None or trial.turns:
        return True
    return trial.fidelity is None and not is_emulated(trial.mode)


def is_emulated(mode: Mode) -> bool:
    """Return True for a mode whose arithmetic is reproduced on a host, at another speed than the card's."""
    return mode.emit == "rounded" and mode.format != FLOAT32.name


def _verdict(returncode: int, last: Optional[Event], log: Path, device: str) -> Tuple[Status, str]:
    if isinstance(last, Finished) and returncode == 0:
        return "ok", ""
    if isinstance(last, Diverged):
        terms = ", ".join(f"{name} {value}" for name, value in last.losses.items())
        return "diverged", f"the loss is not finite after {last.updates} updates: {terms}"
    if isinstance(last, Refused):
        return "refused", last.reason
    if returncode == -signal.SIGABRT and device.startswith("npu"):
        # So the adapter ends the process when it cannot have the card (ge_plugin.cc).
        said = _FATAL.findall(log.read_text(errors="replace"))
        if said:
            return "refused", f"{device}: the adapter gave up: {said[-1]}"
    if returncode < 0:
        return "crashed", f"the worker {ended_by(returncode)}"
    when = "after its last report" if isinstance(last, Finished) else "before it had finished"
    return "crashed", raised(log) or f"the worker {ended_by(returncode)} {when}"


def _tail(path: Path) -> Tuple[str, ...]:
    with open(path, "rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(log.tell() - 8192, 0))
        return tuple(log.read().decode("utf-8", "replace").splitlines()[-LOG_TAIL_LINES:])
