"""The machine and software of a measurement, as the worker and as the parent see them."""

from typing import Dict, Optional, Tuple

from harness.precision.rules.kernels import PACKAGED
from harness.records.base import Record, Time


class WorkerEnvironment(Record):
    """What the worker ran on, as seen from inside it."""

    tensorflow: str
    kind: str
    """Kind of device that ran the trial: `cpu`, `gpu` or `npu`."""
    device: str
    """Description of the device: of a card with its driver, of a GPU by TensorFlow; `CPU` for the processor."""
    slot: str = ""
    """Which of several devices of a kind the worker used, such as `npu:2`; empty when there is no choice."""
    intra_op_threads: int
    """Threads for one op in the session's options; 0 is TensorFlow's own choice."""
    inter_op_threads: int
    """Ops run side by side in the session's options; 0 is TensorFlow's own choice."""
    effective_threads: int
    """Threads that one op may use: as configured, else TF_NUM_INTRAOP_THREADS, else usable_cores."""
    usable_cores: int
    """Processors that the worker's affinity lets it run on."""
    load_average: Optional[float]
    """Load average of the last minute when the worker started; None where the system has none."""
    variables: Dict[str, str]
    """Environment variables that change TensorFlow's speed or numbers."""


class Environment(Record):
    """The machine and software of a run, as seen by the parent."""

    machine: str
    """Architecture of the processor, such as `x86_64`."""
    processor: str
    """Model of the processor."""
    cores: int
    """Physical cores of the machine; its logical ones where the system does not tell."""
    logical_cores: int
    """Processors that this process's affinity lets it run on, hardware threads counted."""
    memory_bytes: int
    """Memory of the machine."""
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
    """Revision of this project's git checkout, with `-dirty` for uncommitted changes; None where git tells none."""
    commit: Optional[str] = None
    """Hash of the commit that was checked out; None where git tells none."""
    committed: Optional[Time] = None
    """When that commit was made: ISO 8601, UTC."""
    branch: Optional[str] = None
    """Branch that the checkout was on, or that CI named; None where neither said one."""
    op_table: str = PACKAGED
    """Where the operator table comes from: `packaged`, or the path of CANN's and its SHA-256."""
    load_average: Optional[float]
    """Load average of the last minute when the run started; None where the system has none."""


class HostRecord(Record):
    """A machine that trials were spread over."""

    name: str
    devices: Tuple[str, ...]
    """Names of its devices that trials ran on, side by side."""
    environment: Environment
