"""One trial's process: start it, hear it out, end it, and say how it went."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, Callable, Dict, List, Optional, Sequence, Tuple

from pydantic import ValidationError

from harness.machine import environment
from harness.records import Status, Trial, TrialResult
from harness.records.events import (
    Diverged,
    Event,
    Failed,
    Finished,
    Health,
    Planned,
    Refused,
    Sample,
    Started,
    parse_event,
)
from harness.step.steady_state import timing
from harness.store.files import write_lines
from harness.store.run_folder import RunFolder
from harness.trial.log import BoundedLog

WORKER = (sys.executable, "-m", "harness.trial.worker")
LOG_TAIL_LINES = 15
_STOP_SECONDS = 0.2
"""How soon a trial notices that it is to stop."""
_KILL_HINTS = {signal.SIGKILL: " (out of memory?)"}
_FATAL = re.compile(r"^.*: F [^\]\n]*\] ?(.+)$", re.MULTILINE)
"""What TensorFlow, and the card's adapter through it, logs before it aborts."""


def run_trial(
    trial: Trial,
    folder: RunFolder,
    timeout: float,
    hear: Callable[[Event], None],
    stop: Optional[threading.Event] = None,
) -> TrialResult:
    """Run one trial in a fresh worker and return its outcome, whatever happens to the worker.

    Raises:
        KeyboardInterrupt: Ctrl-C, or `stop` was set; the worker is dead.
    """
    home = folder.trial_folder(trial.id)
    samples: List[Sample] = []
    health: List[Health] = []
    outcome: List[Event] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Sample):
            samples.append(event)
        elif isinstance(event, Health):
            health.append(event)
        else:
            outcome.append(event)
        hear(event)

    started, clock = environment.now(), time.monotonic()
    try:
        with BoundedLog(home / "log.txt") as log:
            status, reason = _watch(trial, log.descriptor, timeout, on_event, outcome, stop)
    finally:  # on Ctrl-C too: what was measured is kept
        write_lines(home / "samples.jsonl", samples)
    if health:
        write_lines(home / "health.jsonl", health)
    if reason == _killed_by(signal.SIGABRT) and trial.device.startswith("npu"):
        # So the adapter ends the process when it cannot have the card (ge_plugin.cc).
        said = _FATAL.findall((home / "log.txt").read_text(errors="replace"))
        if said:
            status, reason = "refused", f"{trial.device}: the adapter gave up: {said[-1]}"

    by_type = {type(event): event for event in outcome}
    begun: Optional[Started] = by_type.get(Started)  # type: ignore[assignment]
    planned: Optional[Planned] = by_type.get(Planned)  # type: ignore[assignment]
    done: Optional[Finished] = by_type.get(Finished) if status == "ok" else None  # type: ignore[assignment]
    relative = home.relative_to(folder.path)
    measured: Dict[str, Any] = {"first_step_seconds": samples[0].seconds if samples else None}
    if done is not None:
        # All but the first, which compiles. A trial that broke off has samples, and no step time.
        seconds = [sample.seconds for sample in samples if sample.phase in ("step", "extra")]
        delayed = timing([sample.seconds for sample in samples if sample.phase == "delayed"])
        measured.update(
            timing(seconds, samples[0].steps if samples else 1)._asdict(),
            **done.model_dump(exclude={"event", "remarks"}),
        )
        measured["delayed_step_seconds"] = delayed.step_seconds if delayed.steady else None
    return TrialResult(
        trial=trial.id,
        case=trial.case.id,
        mode=trial.mode.name,
        device=begun.environment.kind if begun else trial.device,
        replicate=trial.replicate,
        confirmation=trial.confirmation,
        status=status,
        reason=reason,
        log=str(relative / "log.txt"),
        log_tail=() if status == "ok" else _tail(home / "log.txt"),
        samples=str(relative / "samples.jsonl"),
        picture=str(relative / "picture.png") if done is not None and trial.delay is None else None,
        health=str(relative / "health.jsonl") if health else None,
        lost=_sums(health),
        emulated=planned.emulated if planned else False,
        remarks=(planned.remarks if planned else ()) + (done.remarks if done else ()),
        started=started,
        wall_seconds=time.monotonic() - clock,
        environment=begun.environment if begun else None,
        **measured,
    )


def _watch(
    trial: Trial,
    log: int,
    timeout: float,
    on_event: Callable[[Event], None],
    outcome: List[Event],
    stop: Optional[threading.Event],
) -> Tuple[Status, str]:
    """Start the worker and hear it out; it is dead when this returns or raises."""
    deadline = time.monotonic() + timeout
    reading, writing = os.pipe()
    lines: queue.Queue[Optional[bytes]] = queue.Queue()
    with open(reading, "rb") as pipe:
        try:
            process = subprocess.Popen(
                [*WORKER, str(writing)],
                cwd=str(environment.ROOT),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[writing],
                start_new_session=True,  # so that Ctrl-C reaches the parent alone, and a kill its whole group
            )
        finally:
            os.close(writing)
        reader = threading.Thread(target=_read_lines, args=(pipe, lines), daemon=True)
        reader.start()
        try:
            _send(process, trial)
            while True:
                line = _next_line(lines, deadline, stop)
                if line is None:
                    break
                on_event(parse_event(line.decode("utf-8", "replace")))
            process.wait(timeout=max(deadline - time.monotonic(), 0))
        except (queue.Empty, subprocess.TimeoutExpired):
            return "timed_out", f"not finished after {timeout:g} s (see --timeout)"
        except ValidationError as error:
            return "crashed", f"the worker reported something unreadable: {str(error).splitlines()[0]}"
        finally:
            _kill(process)
            reader.join()
    return _verdict(process.returncode, outcome)


def _next_line(
    lines: "queue.Queue[Optional[bytes]]", deadline: float, stop: Optional[threading.Event]
) -> Optional[bytes]:
    while True:
        remaining = max(deadline - time.monotonic(), 0)
        try:
            return lines.get(timeout=min(remaining, _STOP_SECONDS) if stop else remaining)
        except queue.Empty:
            if stop and stop.is_set():
                raise KeyboardInterrupt from None
            if time.monotonic() >= deadline:
                raise


def _send(process: "subprocess.Popen[bytes]", trial: Trial) -> None:
    assert process.stdin is not None
    try:
        with process.stdin as stdin:
            stdin.write(trial.model_dump_json().encode())
    except BrokenPipeError:
        pass  # it died at once; its exit status says more


def _read_lines(pipe: IO[bytes], lines: "queue.Queue[Optional[bytes]]") -> None:
    for line in pipe:
        if line.endswith(b"\n"):  # a worker killed while it wrote leaves a torn line
            lines.put(line)
    lines.put(None)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End the worker and whatever it has started, which would keep its log open."""
    with contextlib.suppress(ProcessLookupError):  # none of them is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _verdict(returncode: int, outcome: List[Event]) -> Tuple[Status, str]:
    last = outcome[-1] if outcome else None
    if isinstance(last, Finished) and returncode == 0:
        return "ok", ""
    if isinstance(last, Diverged):
        terms = ", ".join(f"{name} {value}" for name, value in last.losses.items())
        return "diverged", f"the loss is not finite after {last.updates} updates: {terms}"
    if isinstance(last, Refused):
        return "refused", last.reason
    if isinstance(last, Failed):
        return "crashed", last.reason
    if returncode < 0:
        return "crashed", _killed_by(-returncode)
    return "crashed", f"the worker ended with exit status {returncode} before it had finished"


def _killed_by(number: int) -> str:
    return f"the worker was killed by {signal.Signals(number).name}{_KILL_HINTS.get(number, '')}"


def _sums(health: Sequence[Health]) -> Dict[str, Tuple[int, int, int]]:
    sums: Dict[str, Tuple[int, int, int]] = {}
    for event in health:
        for op, counts in event.counts.items():
            before = sums.get(op, (0, 0, 0))
            sums[op] = (before[0] + counts[0], before[1] + counts[1], before[2] + counts[2])
    return sums


def _tail(path: Path) -> Tuple[str, ...]:
    with open(path, "rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(log.tell() - 8192, 0))
        return tuple(log.read().decode("utf-8", "replace").splitlines()[-LOG_TAIL_LINES:])
