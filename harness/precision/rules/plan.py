"""The record of the compiler's decisions: what a plan says, its totals, and how two plans differ."""

from typing import Dict, List, NamedTuple, Optional, Tuple

from pydantic import BaseModel, ConfigDict

from harness.precision.number_formats import FORMATS, NARROW, short_names
from harness.precision.rules.config import PrecisionConfig
from harness.precision.rules.op_table import load_op_table
from harness.remark import Remark

PEAK_FLOPS = 256e12
"""float16 operations per second of the cube units (Hot Chips 2019 coverage, AnandTech 14756)."""
ASSUMED_BANDWIDTH = 1.2e12
"""Bytes per second of HBM; widely quoted, confirmed by no source: assumed."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedOp(_Record):
    """One op as the compiler decided it."""

    name: str
    nodes: Tuple[str, ...]
    """TensorFlow nodes it stands for; several after a fusion."""
    result: Optional[str] = None
    """TensorFlow's tensor that its first output is; None where TensorFlow has none, as for an update."""
    type: str
    unit: str
    """cube, vector, move, or host for whatever is not on AI Core."""
    engine: str
    """ai_core, ai_cpu_fp32, host for what never reaches the card, compile_error, or unknown for unknown types."""
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    rule: str
    flops: int
    bytes_moved: int
    """Bytes when each input is read and each output written once, in the planned dtypes."""
    is_sized: bool = True
    """False when the size of a tensor is unknown; flops and bytes_moved are then the least that they can be."""

    @property
    def is_narrow(self) -> bool:
        """Say whether it reads or writes float16 or bfloat16."""
        return any(dtype in NARROW for dtype in self.inputs + self.outputs)

    @property
    def dtypes(self) -> str:
        """Short form, such as "16,16>32"."""
        return f"{short_names(self.inputs)}>{short_names(self.outputs)}"


class PlannedCast(_Record):
    """One conversion on an edge whose two ends differ."""

    producer: str
    """TensorFlow node, or "constant": TensorFlow versions name folded constants differently."""
    consumer: str
    """Op, or the node of a fetch or variable."""
    position: int
    """Position among the consumer's inputs; -1 for a fetch or variable."""
    source: str
    target: str
    elements: int
    bytes: int
    """Bytes read and written; 0 for a constant, which is converted at compile time (assumed)."""


class ConstantRange(_Record):
    """A constant with values that float16 cannot hold."""

    consumer: str
    position: int
    elements: int
    saturated: int
    """Values beyond 65504 after rounding."""
    flushed: int
    """Values other than zero that become zero."""


class UnitTotals(NamedTuple):
    """Sums over the ops that one unit runs in one dtype."""

    ops: int
    flops: int
    bytes_moved: int


class Totals(NamedTuple):
    """Sums over a plan."""

    units: Dict[Tuple[str, str], UnitTotals]
    """Sums by unit and dtype of the first float output."""
    flops: int
    bytes_moved: int
    casts: int
    bytes_cast: int
    roofline_seconds: float
    """Least time on a 910, op after op: at peak arithmetic (cube) or at the assumed bandwidth."""


class DtypePlan(_Record):
    """Every dtype decision for one graph, its fetches and a configuration; ops are in topological order."""

    config: PrecisionConfig
    fetches: Tuple[str, ...]
    ops: Tuple[PlannedOp, ...]
    casts: Tuple[PlannedCast, ...]
    constants: Tuple[ConstantRange, ...]
    remarks: Tuple[Remark, ...]
    unsized: Tuple[str, ...] = ()
    """Where unknown sizes begin: placeholders with their shape, such as `image=?,224,224,3` or `x=…`, else nodes."""

    @property
    def unknown_types(self) -> Tuple[str, ...]:
        """Op types outside the table, sorted."""
        return tuple(sorted({op.type for op in self.ops if op.engine == "unknown"}))

    @property
    def assumed_types(self) -> Tuple[str, ...]:
        """Types of ops on AI Core whose kernel rows are inferred and stand in no source, sorted."""
        table = load_op_table().ops
        return tuple(name for name in self._types_on_ai_core if name in table and table[name].assumed)

    @property
    def disputed_types(self) -> Tuple[str, ...]:
        """Types of ops on AI Core on whose kernel rows sources disagree, with what the other one says, sorted."""
        table = load_op_table().ops
        disputed = [name for name in self._types_on_ai_core if name in table and table[name].disputed]
        return tuple(f"{name} ({table[name].disputed})" for name in disputed)

    @property
    def _types_on_ai_core(self) -> List[str]:
        return sorted({op.type for op in self.ops if op.engine == "ai_core"})

    @property
    def failures(self) -> Tuple[PlannedOp, ...]:
        """Ops that the card would refuse to compile."""
        return tuple(op for op in self.ops if op.engine == "compile_error")

    @property
    def all_float32(self) -> bool:
        """Say whether no op computes in float16 or bfloat16."""
        return not self.casts and all(not op.is_narrow for op in self.ops)

    def totals(self) -> Totals:
        """Sum the ops and casts; ops that are not on AI Core take no part in the roofline."""
        units: Dict[Tuple[str, str], UnitTotals] = {}
        for op in self.ops:
            key = (op.unit, _output_dtype(op))
            ops, flops, moved = units.get(key, UnitTotals(0, 0, 0))
            units[key] = UnitTotals(ops + 1, flops + op.flops, moved + op.bytes_moved)
        bytes_cast = sum(cast.bytes for cast in self.casts)
        seconds = bytes_cast / ASSUMED_BANDWIDTH
        for op in self.ops:
            if op.engine == "ai_core":
                cube = op.flops / PEAK_FLOPS if op.unit == "cube" else 0.0
                seconds += max(cube, op.bytes_moved / ASSUMED_BANDWIDTH)
        flops, moved = sum(op.flops for op in self.ops), sum(op.bytes_moved for op in self.ops)
        return Totals(units, flops, moved, len(self.casts), bytes_cast, seconds)


class OpDifference(NamedTuple):
    """An op that two plans decide differently; None where a plan lacks it."""

    name: str
    first: Optional[PlannedOp]
    second: Optional[PlannedOp]


def diff_plans(first: DtypePlan, second: DtypePlan) -> Tuple[OpDifference, ...]:
    """Return the ops whose type, unit, engine or dtypes differ, in the order of the first plan."""
    firsts = {op.name: op for op in first.ops}
    seconds = {op.name: op for op in second.ops}
    names = list(firsts) + [name for name in seconds if name not in firsts]
    differences = []
    for name in names:
        one, other = firsts.get(name), seconds.get(name)
        if one is None or other is None or _decision(one) != _decision(other):
            differences.append(OpDifference(name, one, other))
    return tuple(differences)


def _decision(op: PlannedOp) -> Tuple[str, str, str, Tuple[str, ...], Tuple[str, ...]]:
    return op.type, op.unit, op.engine, op.inputs, op.outputs


def _output_dtype(op: PlannedOp) -> str:
    floats: List[str] = [dtype for dtype in op.outputs if dtype in FORMATS]
    return (floats or list(op.outputs) or ["none"])[0]
