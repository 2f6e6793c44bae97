"""The Ascend 910 operator table: which dtypes each kernel takes, which mixed-precision list it is on, what it does."""

import functools
import hashlib
import json
from pathlib import Path
from typing import Dict, FrozenSet, Tuple

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from typing_extensions import Literal

from harness.precision.rules import ops_info

DATA = Path(__file__).parent.parent / "data"
PACKAGED_FILE = DATA / "ascend910_ops.json"

PACKAGED = "packaged"

WHITE, GRAY, BLACK = "white", "gray", "black"

Unit = Literal["cube", "vector", "move", "host"]
Cost = Literal[
    "none", "elements", "convolution", "input_gradient", "filter_gradient", "product", "window", "addition", "adam"
]
"""How an op's arithmetic is counted; rules.costs has the formula of each."""
Bound = Literal[
    "unknown", "selected", "scattered", "sum", "product", "quotient", "inner_product", "reduction", "squares"
]
"""How the largest magnitude of an op's first output follows from its operands; emission.bounds has the formulas."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KernelRow(_Row):
    """One dtype combination a kernel was built for: a dtype for every input and output, in position order."""

    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]

    @model_validator(mode="before")
    @classmethod
    def _name(cls, columns: object) -> object:
        """Accept the pair that the table's file has for a row."""
        if isinstance(columns, list) and len(columns) == 2:
            return {"inputs": columns[0], "outputs": columns[1]}
        return columns


class OpKernel(_Row):
    """One Ascend op type: its ordered kernel rows, the unit that runs it, its built-in mixlist flag, and what it does.

    The table's file says what each column means.
    """

    type: str
    tf_ops: Tuple[str, ...]
    unit: Unit
    mixlist: Literal["white", "gray", "black"]
    ai_cpu: Literal["yes", "no", "unknown"]
    rows: Tuple[KernelRow, ...]
    exact: bool = False
    variadic: bool = False
    no_kernel: bool = False
    assumed: bool = False
    cost: Cost
    bound: Bound
    writes: int = 0

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, columns: Dict[str, object]) -> Dict[str, object]:
        """Give the columns that may be left out the value that most ops have."""
        computes = columns.get("unit") in ("cube", "vector")
        defaults: Dict[str, object] = {
            "cost": "elements" if computes else "none",
            "bound": "selected" if columns.get("exact") else "unknown",
        }
        return {**defaults, **columns}

    @model_validator(mode="after")
    def _check_rows(self) -> "OpKernel":
        if len({(len(row.inputs), len(row.outputs)) for row in self.rows}) > 1:
            raise ValueError("rows: expected as many inputs and outputs in each")
        inputs = len(self.rows[0].inputs) if self.rows else 0
        if not 0 <= self.writes <= inputs:
            raise ValueError(f"writes: expected 0 to {inputs}, the number of inputs")
        return self

    def rows_for(self, inputs: int) -> Tuple[KernelRow, ...]:
        """Return the rows of an op with this many inputs; a variadic row repeats its one input dtype."""
        if not self.variadic:
            return self.rows
        return tuple(KernelRow(inputs=row.inputs * inputs, outputs=row.outputs) for row in self.rows)


class OpTable(_Row):
    """Every op type known here, by Ascend type; cube types have their float32 lowered first (GE fe.ini)."""

    ops: Dict[str, OpKernel]
    cube_types: FrozenSet[str]
    costs: Dict[str, Cost]
    """Cost of types that are not in `ops`."""
    source: str = PACKAGED
    """PACKAGED, or the path of CANN's own table and its SHA-256."""

    def known_type(self, op_type: str) -> bool:
        """Say whether a mixlist or customize_dtypes entry may name this Ascend type."""
        return op_type in self.ops or op_type in self.cube_types

    def cost(self, op_type: str) -> Cost:
        """Return how the arithmetic of a type is counted; "none" for types that are known nowhere."""
        kernel = self.ops.get(op_type)
        return self.costs.get(op_type, "none") if kernel is None else kernel.cost


@functools.lru_cache(maxsize=1)
def load_op_table() -> OpTable:
    """Read the packaged table, whose sources are stated in the file itself; where CANN is installed, its own over it.

    CANN's table decides the rows and lists of the ops that both know. What it does not say, such as units, AI CPU
    kernels, costs, bounds and the rows of kernels that choose them in Python, stays as packaged.

    Raises:
        OpsInfoError: a table cannot be read.
    """
    table = read_op_table(PACKAGED_FILE)
    path = ops_info.find()
    return table if path is None else _with_cann(table, path)


def read_op_table(path: Path) -> OpTable:
    """Read and check a table in the packaged form; raises OpsInfoError."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        ops = {op_type: {"type": op_type, **entry} for op_type, entry in raw["ops"].items()}
        return OpTable.model_validate({"ops": ops, "cube_types": raw["cube_types"], "costs": raw["costs"]})
    except ValidationError as error:
        problem = error.errors()[0]
        where = ": ".join(map(str, problem["loc"]))
        raise ops_info.OpsInfoError(f"{path}: {where}: {problem['msg']}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ops_info.OpsInfoError(f"{path}: {error} (expected an operator table)") from error


def _with_cann(table: OpTable, path: Path) -> OpTable:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ops_info.OpsInfoError(f"{path}: {error.strerror}, expected a readable file") from error
    entries = ops_info.parse(path, text)
    known = {name: _updated(kernel, entries[name]) for name, kernel in table.ops.items() if name in entries}
    source = f"{path}, SHA-256 {hashlib.sha256(text).hexdigest()}"
    return table.model_copy(update={"ops": {**table.ops, **known}, "source": source})


def _updated(kernel: OpKernel, entry: ops_info.Entry) -> OpKernel:
    if kernel.unit == "host" or not kernel.rows:
        return kernel
    changes: Dict[str, object] = {"mixlist": ops_info.mixlist(entry)}
    rows = ops_info.rows(entry, len(kernel.rows[0].inputs), len(kernel.rows[0].outputs))
    if rows is not None:
        changes["rows"] = tuple(KernelRow(inputs=inputs, outputs=outputs) for inputs, outputs in rows)
        changes["assumed"] = False
    return kernel.model_copy(update=changes)
