"""The record of one stylization, for programs to read."""

from typing import Dict, List, Optional

from harness.mission.loop import LOSSES, Outcome
from harness.records import Losses, Record, WorkerEnvironment
from harness.remark import Remark
from harness.step.sampling import DivergedError

SCHEMA_VERSION = 1


class MissionRecord(Record):
    """What `--record` writes."""

    schema_version: int = SCHEMA_VERSION
    status: str
    """`ok`, `diverged` or `interrupted`."""
    reason: str = ""
    output: str
    """Of the first picture; those of a batch are beside it, as harness.store.files.numbered names them."""
    mode: str
    emulated: bool
    """The mode's arithmetic is reproduced in float32 storage: step times say nothing about the card."""
    remarks: List[Remark]
    environment: WorkerEnvironment
    case: Dict[str, object]
    """A harness.records.Case."""
    case_sha256: str
    updates: int
    losses: List[Losses]
    """By updates made, from 0 on; all finite; the sums over a batch."""
    step_seconds: List[float]
    """Of each update, the first with its compilation."""
    total_seconds: float
    """Of this process, reading and writing included."""


def record(outcome: Outcome) -> MissionRecord:
    """Return the record of a stylization."""
    error: Optional[DivergedError] = outcome.diverged
    status = "diverged" if error else "interrupted" if outcome.interrupted else "ok"
    return MissionRecord(
        status=status,
        reason=str(error) if error else "",
        output=outcome.job.output,
        mode=outcome.job.mode.name,
        emulated=outcome.planned.emulated,
        remarks=list(outcome.planned.remarks),
        environment=outcome.environment,
        case=outcome.job.case.model_dump(mode="json"),
        case_sha256=outcome.job.case.digest(),
        updates=len(outcome.seconds),
        losses=[dict(zip(LOSSES, map(float, row))) for row in outcome.rows],
        step_seconds=outcome.seconds.tolist(),
        total_seconds=outcome.total_seconds,
    )
