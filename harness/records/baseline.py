"""What is stored to compare later runs with: dtype plans, timings, fidelity."""

from typing import Dict, Optional, Tuple

from harness.records.base import SCHEMA_VERSION, Count, Figure, Record, Seconds
from harness.records.case import Mode
from harness.records.fidelity import TrialFidelity

PLAN_DEVICE = "ascend910"
"""Device that dtype plans are stored under: always the card, whichever machine planned."""


class PlanFigures(Record):
    """A dtype plan as far as a gate compares it; see harness.precision.DtypePlan for the whole."""

    casts: Count
    """Number of casts that the plan adds to one step."""
    bytes_cast: Count
    """Bytes that these casts read and write in one step."""
    units: Dict[str, Count]
    """Number of ops by unit and dtype, such as `cube float16`."""
    ai_cpu: Tuple[str, ...]
    """Names of the ops that would fall to the AI CPU."""
    refused: Tuple[str, ...]
    """Names of the ops that the card's compiler would refuse."""
    unknown_types: Tuple[str, ...]
    """Op types that the operator table lacks; such ops keep their dtype."""
    flop: Count
    """Floating-point operations of one step."""
    roofline_seconds: Figure
    """Least time of a step on a 910, with the assumed bandwidth."""
    layers: Dict[str, str]
    """Name, Ascend type and dtypes of each op, by the name of its layer."""


class CasePlan(Record):
    """The plan of one case's step in one mode."""

    case: str
    mode: str
    figures: PlanFigures


class TimingFigures(Record):
    """What one case in one mode took on one machine: a value per process, in the order they ran."""

    machine_key: str
    """Environment.machine_key of the machine; absolute times compare only where the keys are equal."""
    conditions: Dict[str, str] = {}
    """The conditions that the machine key is the hash of, by name."""
    emulated: bool
    """True when the mode was emulated, so that its times say nothing about the card."""
    steps: Count
    """Fewest timed steps of any of the processes."""
    step_seconds: Tuple[Seconds, ...]
    """Median step time of each process."""
    first_stage: Optional[Count] = None
    """How many first processes decided the number of all by their spread, which alone is used; None: all processes."""
    first_step_seconds: Tuple[Seconds, ...]
    """Seconds of each process's first step, which compiles."""
    peak_memory_bytes: Tuple[Count, ...]
    """Peak memory of each process."""


class FidelityFigures(Record):
    """A mode's fidelity as far as a gate compares it; the picture is a PNG beside the file."""

    tensorflow: str
    """TensorFlow version that drew the picture; a baseline is valid for that major version."""
    picture_sha256: str
    """model.images.digest of the picture's pixels, however they are packed into the file."""
    headroom: Dict[str, Figure]
    """Error of the mode over that of the reference mode, by probe, as ModeFidelity.headroom."""
    measured: TrialFidelity


class Baseline(Record):
    """What was approved for one case and mode on one device. A section that is None was not approved."""

    schema_version: int = SCHEMA_VERSION
    checksum: str = ""
    """SHA-256 over all other fields, as harness.store.baselines.sealed computes it."""
    suite: str
    case: str
    case_digest: str
    """Case.digest() of the case; a run of a case with another digest is incomparable."""
    mode: Mode
    device: str = PLAN_DEVICE
    """PLAN_DEVICE for a plan, `cpu`, `gpu` or `npu` for timings, harness.fidelity.subject.variant for a picture."""
    plan: Optional[PlanFigures] = None
    timing: Optional[TimingFigures] = None
    fidelity: Optional[FidelityFigures] = None
    run: str
    """Id of the run that was approved."""
    revision: Optional[str]
    """Environment.revision of the run that was approved."""
    packages: Dict[str, str]
    """Environment.packages of the run that was approved."""
    reason: str
    """Why the run was approved, in the words of the person who approved it."""
    date: str
    """Time of the approval: ISO 8601, UTC."""
