"""The record of one stylization, for programs to read."""

from typing import Dict, List, Optional

from harness.mission.loop import LOSSES, Outcome
from harness.records import Losses, Record, WorkerEnvironment
from harness.remark import Remark
from harness.step.sampling import DivergedError

SCHEMA_VERSION = 1


class MissionRecord(Record):
    """The JSON document that `--record` writes."""

    schema_version: int = SCHEMA_VERSION
    status: str
    """How the stylization ended: `ok`, `diverged` or `interrupted`."""
    reason: str = ""
    """Which loss is not finite, after how many updates; empty unless the status is `diverged`."""
    output: str
    """Path of the batch's first picture; further ones are beside it, named by harness.store.files.numbered."""
    mode: str
    emulated: bool
    """True when the mode's arithmetic is reproduced in float32 storage: step times say nothing about the card."""
    remarks: List[Remark]
    environment: WorkerEnvironment
    case: Dict[str, object]
    """The harness.records.Case of the stylization, as JSON."""
    case_sha256: str
    """Case.digest() of the case."""
    updates: int
    """Updates that were made, those before a resume included."""
    losses: List[Losses]
    """Losses of the picture after 0, 1, 2 ... updates, summed over the batch; all are finite."""
    step_seconds: List[float]
    """Seconds of each update; the first includes its compilation."""
    total_seconds: float
    """Seconds that this process took, reading and writing included."""


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
