"""What a history consists of: the figures of one run after the other, of one case and mode on one kind of machine."""

import hashlib
from datetime import datetime
from itertools import groupby
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from harness.records import Mode, Run, Summary

_UNKNOWN = "1970-01-01T00:00:00+00:00"


class Entry(NamedTuple):
    """What one run has to say of one case in one mode. What was not measured is None."""

    suite: str
    case: str
    mode: str
    device: str
    """Kind of device that ran the steps: `cpu`, `gpu` or `npu`; empty where none was run."""
    machine: str
    """Environment.machine_key; of records without one the processor."""
    job: str
    """Hash of all that decides the numbers of the case and mode: what differs in it is never compared."""
    committed: str
    """When the revision was committed, ISO 8601; the start of the run where nobody knows, _UNKNOWN without one."""
    started: str
    run: str
    """Id of the run."""
    revision: Optional[str]
    """Environment.revision."""
    commit: Optional[str]
    branch: Optional[str]
    processor: str
    op_table: str
    """Environment.op_table, which decides the plan."""
    emulated: bool
    steady: Optional[bool]
    step_seconds: Optional[float]
    step_low: Optional[float]
    """Lower end of the step time's 95 % interval."""
    step_high: Optional[float]
    """Upper end of the step time's 95 % interval."""
    ratio: Optional[float]
    """Step time over that of the reference mode."""
    casts: Optional[int]
    bytes_cast: Optional[int]
    ssim: Optional[float]
    """To the reference mode of the same run."""
    final_loss: Optional[float]
    true_loss: Optional[float]
    peak_memory_bytes: Optional[int]

    @property
    def version(self) -> str:
        """What is measured: the revision, or the run itself where there is none."""
        return self.revision or self.run


Key = Tuple[str, str, str, str, str, str]


class Series(NamedTuple):
    """Entries that compare with each other, in the order of their revisions."""

    entries: List[Entry]
    """One or more, of one suite, case, mode, device, machine and job."""

    @property
    def key(self) -> Key:
        """Suite, case, mode, device, machine and job."""
        return key(self.entries[0])

    @property
    def head(self) -> Entry:
        """The entry of the latest revision."""
        return self.entries[-1]


def key(entry: Entry) -> Key:
    """Return what entries of one series have in common."""
    return entry[:6]


def order(entry: Entry) -> Tuple[str, ...]:
    """Return what entries are sorted by: their key, then the revision."""
    return (*key(entry), *by_revision(entry))


def by_revision(entry: Entry) -> Tuple[str, ...]:
    """Return what the entries of a series are sorted by."""
    return (entry.committed, entry.revision or "", entry.started, entry.run)


def series(entries: Iterable[Entry]) -> List[Series]:
    """Return the series of entries that are sorted by `order`."""
    return [Series(list(found)) for _, found in groupby(entries, key)]


def entries_of(run: Run, committed: Optional[str] = None) -> List[Entry]:
    """Return what the run says of each case and mode that it measured, planned or judged.

    Args:
        committed: when the revision was committed, where the record does not say it.
    """
    summaries = {(found.case, found.mode): found for found in run.summaries}
    plans = {(found.case, found.mode): found.figures for found in run.plans}
    judged = {(found.case, found.mode): found.to_reference for found in run.fidelity}
    devices = {(trial.case, trial.mode): trial.environment.kind for trial in run.trials if trial.environment}
    machine = run.environment
    digests = {case.id: case.digest() for case in run.suite.cases}
    found: Dict[Tuple[str, str], Entry] = {}
    for case, mode in run.pairs:
        pair = (case.id, mode.name)
        if not any(pair in figures for figures in (summaries, plans, judged)):
            continue
        plan, distance = plans.get(pair), judged.get(pair)
        summary = summaries.get(pair) or Summary(case=case.id, mode=mode.name, replicates=0, ok=0)
        found[pair] = Entry(
            suite=run.suite.name,
            case=case.id,
            mode=mode.name,
            device=devices.get(pair, ""),
            machine=machine.machine_key or machine.processor,
            job=_job(digests[case.id], mode),
            committed=machine.committed or committed or _time(run.started),
            started=run.started,
            run=run.id,
            revision=machine.revision,
            commit=machine.commit,
            branch=machine.branch,
            processor=machine.processor,
            op_table=machine.op_table,
            emulated=summary.emulated,
            steady=summary.steady,
            step_seconds=summary.step_seconds,
            step_low=summary.step_seconds_low,
            step_high=summary.step_seconds_high,
            ratio=summary.ratio_to_reference,
            casts=plan.casts if plan else None,
            bytes_cast=plan.bytes_cast if plan else None,
            ssim=distance.ssim if distance else None,
            final_loss=summary.final_loss,
            true_loss=summary.true_loss,
            peak_memory_bytes=summary.peak_memory_bytes,
        )
    return list(found.values())


def _time(text: str) -> str:
    try:
        return text if datetime.fromisoformat(text).tzinfo else _UNKNOWN
    except ValueError:
        return _UNKNOWN


def _job(case_digest: str, mode: Mode) -> str:
    """Return twelve hexadecimal digits that tell one job from others: its numbers depend on nothing else."""
    return hashlib.sha256(f"{case_digest} {mode.model_dump_json()}".encode()).hexdigest()[:12]
