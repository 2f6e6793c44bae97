"""What it is measured on, as the worker and as the parent see it."""

from typing import Dict, Optional, Tuple

from harness.precision.rules.op_table import PACKAGED
from harness.records.base import Record


class WorkerEnvironment(Record):
    """What the worker ran on, as seen from inside it."""

    tensorflow: str
    kind: str
    """`cpu` or `gpu`."""
    device: str
    """The device's own name."""
    slot: str = ""
    """Which of several devices of a kind, such as `npu:2`; empty when there is no choice."""
    intra_op_threads: int
    inter_op_threads: int
    """As configured; 0 is TensorFlow's own choice."""
    effective_threads: int
    """That one op may use: as configured, else TF_NUM_INTRAOP_THREADS, else as many as this process may use cores."""
    usable_cores: int
    """That this process may run on (its affinity)."""
    load_average: Optional[float]
    """Of the last minute, when the worker started."""
    variables: Dict[str, str]
    """Environment variables that change TensorFlow's speed or numbers."""


class Environment(Record):
    """The machine and software of a run, as seen by the parent."""

    machine: str
    processor: str
    cores: int
    logical_cores: int
    memory_bytes: int
    system: str
    python: str
    packages: Dict[str, str]
    """Versions of the installed distributions that matter here."""
    cpu_quota: Optional[float] = None
    """CPU time that the process is granted, in cores; None: all that its affinity allows."""
    accelerators: Tuple[str, ...] = ()
    """Model of each card in the machine."""
    drivers: Dict[str, str] = {}
    """Versions of the cards' drivers, by maker."""
    variables: Dict[str, str] = {}
    """Environment variables that change TensorFlow's speed or numbers."""
    conditions: Dict[str, str] = {}
    """What must be equal for two step times to be compared, by name; see harness.machine.environment.conditions."""
    machine_key: str = ""
    """Short hash of the conditions."""
    revision: Optional[str]
    """Of this project's git checkout, with `-dirty` for uncommitted changes."""
    op_table: str = PACKAGED
    """Where the operator table comes from: `packaged`, or the path of CANN's and its SHA-256."""
    load_average: Optional[float]
    """Of the last minute, at the start."""
