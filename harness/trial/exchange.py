"""A trial as a job and its outcome as a result, for whatever place runs it; a result counts once, for its attempt."""

import functools
import json
import secrets
import threading
import time
from typing import Any, Optional

from pydantic import ValidationError

from harness.machine import environment
from harness.records import Status, Trial, TrialResult
from harness.records.base import Record
from harness.store.files import write_atomic
from harness.store.run_folder import RunFolder
from harness.trial.place import Hear, Local, LostError, Place
from harness.trial.supervisor import outcome, run_trial

BESIDE_TRIAL = 120.0
"""Seconds beside the trial's own time in which the result of another machine has to come."""

DROPPED = "dropped.jsonl"
"""File of a run's folder with a line for each result that came too late or twice."""


class Attempt(Record):
    """A trial that is to be run, once."""

    id: str
    """Random: tells this attempt from all others, of the same trial too."""
    trial: Trial
    timeout: float
    """Seconds that the worker may take."""


class Reply(Record):
    """What came of an attempt."""

    attempt: str
    """The attempt's id."""
    result: TrialResult


def here(folder: RunFolder) -> Local:
    """Return this machine as a place for trials whose files lie in `folder`."""
    return Local(functools.partial(_run_here, folder))


def _run_here(folder: RunFolder, job: bytes, hear: Hear, stop: Optional[threading.Event]) -> bytes:
    attempt = Attempt.model_validate_json(job)
    result = run_trial(attempt.trial, folder, attempt.timeout, hear, stop)
    return Reply(attempt=attempt.id, result=result).model_dump_json().encode()


def measure(
    place: Place, trial: Trial, folder: RunFolder, timeout: float, hear: Hear, stop: Optional[threading.Event] = None
) -> TrialResult:
    """Run the trial once, at the place, and return its outcome; it is `crashed` when the result was lost.

    Args:
        timeout: seconds that the worker may take.
        hear: called with each event as it comes, where the place tells them.
        stop: the trial is broken off once this is set.

    Raises:
        KeyboardInterrupt: Ctrl-C, or `stop` was set.
    """
    attempt = Attempt(id=secrets.token_hex(8), trial=trial, timeout=timeout)
    started, clock = environment.now(), time.monotonic()
    try:
        reply = read_reply(place.run(attempt.model_dump_json().encode(), timeout + BESIDE_TRIAL, hear, stop))
        if reply.attempt != attempt.id:
            drop(folder, reply)
            raise LostError(f"another result came in place of its own: of {reply.result.trial} (see {DROPPED})")
    except LostError as error:
        seconds = time.monotonic() - clock
        return unmeasured(trial, folder, "crashed", str(error), result_lost=True, started=started, wall_seconds=seconds)
    return reply.result


def read_reply(result: bytes) -> Reply:
    """Return what a result says; raises LostError when it cannot be read."""
    try:
        return Reply.model_validate_json(result)
    except ValidationError as error:
        raise LostError(f"its result cannot be read: {str(error).splitlines()[0]}") from error


def drop(folder: RunFolder, reply: Reply) -> None:
    """Note a result that came too late or twice, and that does not count, in the run's folder."""
    with open(folder.path / DROPPED, "ab") as file:
        line = {"dropped": environment.now(), "trial": reply.result.trial, "attempt": reply.attempt}
        file.write(json.dumps(line).encode() + b"\n")


def unmeasured(trial: Trial, folder: RunFolder, status: Status, reason: str, **fields: Any) -> TrialResult:
    """Return the outcome of a trial of which there is nothing but a reason, with files that say so.

    Args:
        fields: further ones of TrialResult.
    """
    home = folder.trial_folder(trial.id, trial.attempt)
    write_atomic(home / "log.txt", f"{reason}\n".encode())
    write_atomic(home / "samples.jsonl", b"")
    given = {"device": trial.device, "started": environment.now(), "wall_seconds": 0.0, **fields}
    return outcome(trial, home.relative_to(folder.path), status=status, reason=reason, **given)
