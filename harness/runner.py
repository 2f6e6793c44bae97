"""Order of trials, and watching over the workers that run them."""

import os
import queue
import signal
import statistics
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any, Callable, Dict, List, Optional, Sequence, Tuple

from pydantic import ValidationError

from harness import environment, inputs
from harness.explain import check_op_names
from harness.records import (
    Case,
    Diverged,
    Event,
    Failed,
    Finished,
    Health,
    Mode,
    Planned,
    Refused,
    Run,
    Sample,
    Started,
    Status,
    Suite,
    Trial,
    TrialResult,
    parse_event,
)
from harness.store import RunFolder, write_lines
from harness.summary import summarize

WORKER = (sys.executable, "-m", "harness.worker")
LOG_TAIL_LINES = 15
_KILL_HINTS = {signal.SIGKILL: " (out of memory?)"}


class Observer:
    """Hears of a run's progress; the base class stays silent."""

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """A worker is about to start; `number` counts from 1."""

    def event(self, trial: Trial, event: Event) -> None:
        """The worker reported something."""

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """The trial's outcome is in the journal."""


def balanced_order(suite: Suite) -> List[Tuple[Case, Mode, int]]:
    """Every case, mode and replicate; each other replicate in reverse, so that drift hits all modes alike."""
    order = []
    for replicate in range(1, suite.replicates + 1):
        pairs = [(case, mode, replicate) for case in suite.cases for mode in suite.modes]
        order += pairs if replicate % 2 else pairs[::-1]
    return order


def run_suite(
    suite: Suite,
    device: str,
    results: Path,
    cache: str,
    observer: Observer,
    command: Sequence[str] = (),
    health: bool = False,
) -> Tuple[Run, Path]:
    """Measure the suite; return the run and the path of its folder.

    With `health`, the first replicate of each mode also counts what float16 loses.

    A trial that fails is one result among the others. Ctrl-C ends the run early: it is returned with `complete` False,
    holding the trials that had finished.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: an input cannot be used; nothing has been written.
    """
    suite = suite.model_copy(update={"cases": tuple(inputs.resolve(case, cache) for case in suite.cases)})
    check_op_names(suite.cases, suite.modes, cache)
    started = _now()
    machine = environment.describe()
    folder = RunFolder.create(results, suite.name)
    order = balanced_order(suite)
    trials: List[TrialResult] = []
    complete = False
    try:
        for number, (case, mode, replicate) in enumerate(order, 1):
            trial_id = f"{case.id}.{mode.name}.{replicate}"
            trial = Trial(
                id=trial_id,
                case=case,
                mode=mode,
                device=device,
                replicate=replicate,
                warmup=suite.warmup,
                picture=str(folder.trial_folder(trial_id) / "picture.png"),
                cache=cache,
                health=health and replicate == 1,
            )
            observer.trial_started(trial, number, len(order))
            result = run_trial(trial, folder, suite.timeout, lambda event, trial=trial: observer.event(trial, event))
            folder.append_journal(result)
            trials.append(result)
            observer.trial_ended(trial, result)
        complete = True
    except KeyboardInterrupt:
        pass
    run = Run(
        id=folder.path.name,
        suite=suite.name,
        device=device,
        started=started,
        complete=complete,
        command=tuple(command),
        environment=machine,
        cases=suite.cases,
        modes=suite.modes,
        planned_trials=len(order),
        trials=trials,
        summaries=summarize(suite, trials),
    )
    folder.save(run)
    return run, folder.path


def run_trial(trial: Trial, folder: RunFolder, timeout: float, hear: Callable[[Event], None]) -> TrialResult:
    """Run one trial in a fresh worker and return its outcome, whatever happens to the worker."""
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

    started, clock = _now(), time.monotonic()
    try:
        with open(home / "log.txt", "wb") as log:
            status, reason = _watch(trial, log, timeout, on_event, outcome)
    finally:  # on Ctrl-C too: what was measured is kept
        write_lines(home / "samples.jsonl", samples)
    if health:
        write_lines(home / "health.jsonl", health)

    by_type = {type(event): event for event in outcome}
    begun: Optional[Started] = by_type.get(Started)  # type: ignore[assignment]
    planned: Optional[Planned] = by_type.get(Planned)  # type: ignore[assignment]
    done: Optional[Finished] = by_type.get(Finished) if status == "ok" else None  # type: ignore[assignment]
    relative = home.relative_to(folder.path)
    measured = _figures(samples)
    if done is not None:
        measured.update(done.model_dump(exclude={"event"}))
    return TrialResult(
        trial=trial.id,
        case=trial.case.id,
        mode=trial.mode.name,
        device=begun.environment.kind if begun else trial.device,
        replicate=trial.replicate,
        status=status,
        reason=reason,
        log=str(relative / "log.txt"),
        log_tail=() if status == "ok" else _tail(home / "log.txt"),
        samples=str(relative / "samples.jsonl"),
        picture=str(relative / "picture.png") if done is not None else None,
        health=str(relative / "health.jsonl") if health else None,
        lost=_sums(health),
        emulated=planned.emulated if planned else False,
        remarks=planned.remarks if planned else (),
        started=started,
        wall_seconds=time.monotonic() - clock,
        environment=begun.environment if begun else None,
        **measured,
    )


def _watch(
    trial: Trial, log: IO[bytes], timeout: float, on_event: Callable[[Event], None], outcome: List[Event]
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
                line = lines.get(timeout=max(deadline - time.monotonic(), 0))
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
    if process.poll() is None:
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
        return (
            "crashed",
            f"the worker was killed by {signal.Signals(-returncode).name}{_KILL_HINTS.get(-returncode, '')}",
        )
    return "crashed", f"the worker ended with exit status {returncode} before it had finished"


def _sums(health: Sequence[Health]) -> Dict[str, Tuple[int, int, int]]:
    sums: Dict[str, Tuple[int, int, int]] = {}
    for event in health:
        for op, counts in event.counts.items():
            before = sums.get(op, (0, 0, 0))
            sums[op] = (before[0] + counts[0], before[1] + counts[1], before[2] + counts[2])
    return sums


def _figures(samples: Sequence[Sample]) -> Dict[str, Any]:
    timed = [sample.seconds for sample in samples if sample.phase == "timed"]
    return {
        "first_step_seconds": samples[0].seconds if samples else None,
        "step_seconds": statistics.median(timed) if timed else None,
        "timed_steps": len(timed),
    }


def _tail(path: Path) -> Tuple[str, ...]:
    with open(path, "rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(log.tell() - 8192, 0))
        return tuple(log.read().decode("utf-8", "replace").splitlines()[-LOG_TAIL_LINES:])


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
