"""The Ascend 910 operator table: which dtypes each kernel takes, and which mixed-precision list it is on."""

import functools
import hashlib
import json
from pathlib import Path
from typing import Any, Dict, FrozenSet, Tuple

from pydantic import BaseModel, ConfigDict

from harness.precision.rules import ops_info

DATA = Path(__file__).parent.parent / "data"

PACKAGED = "packaged"

WHITE, GRAY, BLACK = "white", "gray", "black"


class KernelRow(BaseModel):
    """One dtype combination a kernel was built for: a dtype for every input and output, in position order."""

    model_config = ConfigDict(frozen=True)

    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]


class OpKernel(BaseModel):
    """One Ascend op type: its ordered kernel rows, the unit that runs it, and its built-in mixlist flag."""

    model_config = ConfigDict(frozen=True)

    type: str
    tf_ops: Tuple[str, ...]
    unit: str
    mixlist: str
    ai_cpu: str
    rows: Tuple[KernelRow, ...]
    exact: bool = False
    variadic: bool = False
    no_kernel: bool = False
    assumed: bool = False

    def rows_for(self, inputs: int) -> Tuple[KernelRow, ...]:
        """Return the rows of an op with this many inputs; a variadic row repeats its one input dtype."""
        if not self.variadic:
            return self.rows
        return tuple(KernelRow(inputs=row.inputs * inputs, outputs=row.outputs) for row in self.rows)


class OpTable(BaseModel):
    """Every op type known here, by Ascend type; cube types have their float32 lowered first (GE fe.ini)."""

    model_config = ConfigDict(frozen=True)

    ops: Dict[str, OpKernel]
    cube_types: FrozenSet[str]
    source: str = PACKAGED
    """PACKAGED, or the path of CANN's own table and its SHA-256."""

    def known_type(self, op_type: str) -> bool:
        """Say whether a mixlist or customize_dtypes entry may name this Ascend type."""
        return op_type in self.ops or op_type in self.cube_types


@functools.lru_cache(maxsize=1)
def load_op_table() -> OpTable:
    """Read the packaged table, whose sources are stated in the file itself; where CANN is installed, its own over it.

    CANN's table decides the rows and lists of the ops that both know. What it does not say, such as units, AI CPU
    kernels and the rows of kernels that choose them in Python, stays as packaged.

    Raises:
        OpsInfoError: CANN's table cannot be read.
    """
    raw = json.loads((DATA / "ascend910_ops.json").read_text(encoding="utf-8"))
    ops = {}
    for op_type, entry in raw["ops"].items():
        rows = tuple(KernelRow(inputs=inputs, outputs=outputs) for inputs, outputs in entry.pop("rows"))
        ops[op_type] = OpKernel(type=op_type, rows=rows, **entry)
    table = OpTable(ops=ops, cube_types=frozenset(raw["cube_types"]))
    path = ops_info.find()
    return table if path is None else _with_cann(table, path)


def _with_cann(table: OpTable, path: Path) -> OpTable:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ops_info.OpsInfoError(f"{path}: {error.strerror}, expected a readable file") from error
    entries = ops_info.parse(path, text)
    known = {name: _updated(kernel, entries[name]) for name, kernel in table.ops.items() if name in entries}
    source = f"{path}, SHA-256 {hashlib.sha256(text).hexdigest()}"
    return table.model_copy(update={"ops": {**table.ops, **known}, "source": source})


def _updated(kernel: OpKernel, entry: Dict[str, Any]) -> OpKernel:
    if kernel.unit == "host" or not kernel.rows:
        return kernel
    changes: Dict[str, Any] = {"mixlist": ops_info.mixlist(entry)}
    rows = ops_info.rows(entry, len(kernel.rows[0].inputs), len(kernel.rows[0].outputs))
    if rows is not None:
        changes["rows"] = tuple(KernelRow(inputs=inputs, outputs=outputs) for inputs, outputs in rows)
    return kernel.model_copy(update=changes)
