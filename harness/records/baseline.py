"""What is stored to compare later runs with: dtype plans, timings, fidelity."""

from typing import Dict, Optional, Tuple

from harness.records.base import SCHEMA_VERSION, Count, Figure, Record, Seconds
from harness.records.case import Mode
from harness.records.fidelity import TrialFidelity

PLAN_DEVICE = "ascend910"
"""Whose dtype plans are: the card's, whatever machine decided them."""


class PlanFigures(Record):
    """A dtype plan as far as a gate compares it; see harness.precision.DtypePlan for the whole."""

    casts: Count
    bytes_cast: Count
    units: Dict[str, Count]
    """Ops by unit and dtype, such as `cube float16`."""
    ai_cpu: Tuple[str, ...]
    """Ops that would fall to the AI CPU."""
    refused: Tuple[str, ...]
    """Ops that would not compile."""
    unknown_types: Tuple[str, ...]
    flop: Count
    roofline_seconds: Figure
    """Least time of a step on a 910, with the assumed bandwidth."""
    layers: Dict[str, str]
    """By layer: Ascend type and dtypes of each op."""


class CasePlan(Record):
    """The plan of one case's step in one mode."""

    case: str
    mode: str
    figures: PlanFigures


class TimingFigures(Record):
    """What one case in one mode took on one machine: a value per process, in the order they ran."""

    machine_key: str
    """Absolute times compare only where this is equal."""
    conditions: Dict[str, str] = {}
    """What the key is the hash of, by name."""
    emulated: bool
    steps: Count
    """Timed ones of a process."""
    step_seconds: Tuple[Seconds, ...]
    """Medians of the timed steps."""
    first_stage: Optional[Count] = None
    """Processes, the first ones, whose spread decided how many there are, and which alone may tell it; None: all."""
    first_step_seconds: Tuple[Seconds, ...]
    peak_memory_bytes: Tuple[Count, ...]


class FidelityFigures(Record):
    """A mode's fidelity as far as a gate compares it; the picture is a PNG beside the file."""

    tensorflow: str
    """The version it was made with; a baseline is of its major one."""
    picture_sha256: str
    """model.images.digest of the picture: of its pixels, however they are packed into the file."""
    headroom: Dict[str, Figure]
    measured: TrialFidelity


class Baseline(Record):
    """What was approved for one case and mode on one device. A section that is None was not approved."""

    schema_version: int = SCHEMA_VERSION
    checksum: str = ""
    """SHA-256 over everything else, as harness.store.baselines seals it."""
    suite: str
    case: str
    case_digest: str
    mode: Mode
    device: str = PLAN_DEVICE
    """`cpu`, `gpu` or `npu` for what was measured there."""
    plan: Optional[PlanFigures] = None
    timing: Optional[TimingFigures] = None
    fidelity: Optional[FidelityFigures] = None
    run: str
    revision: Optional[str]
    packages: Dict[str, str]
    reason: str
    """Why it was approved, in the words of who did."""
    date: str
