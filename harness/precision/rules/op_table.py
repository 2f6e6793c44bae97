"""The Ascend 910 operator table: the vendor's facts, our own beside them, and a CANN installation's over both."""

import functools
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Dict, Mapping

from pydantic import ValidationError

from harness.precision.rules import ops_info
from harness.precision.rules.kernels import OpKernel, OpTable

DATA = Path(__file__).parent.parent / "data"
VENDOR_FILE = DATA / "ascend910_ops.json"
"""What the vendor's table and the compiler's sources say."""
OWN_FILE = DATA / "own_facts.json"
"""What no source says, and we assign."""


@functools.lru_cache(maxsize=1)
def load_op_table() -> OpTable:
    """Read the packaged table, whose sources are stated in its files; over it the one that was given, or CANN's own.

    The other table decides the rows and lists of the types that both know, and adds those that it alone knows. What it
    does not say, such as units, AI CPU kernels, costs, bounds and the rows of kernels that choose them in Python, stays
    as packaged.

    Raises:
        OpsInfoError: a table cannot be read.
    """
    table = read_packaged()
    path = ops_info.find()
    return table if path is None else with_cann(table, path)


def use_table(path: str) -> None:
    """Let the table of this file decide here, and in every process that is started; raises OpsInfoError."""
    os.environ[ops_info.TABLE_VARIABLE] = os.path.abspath(path)
    load_op_table.cache_clear()
    load_op_table()


def read_packaged(vendor: Path = VENDOR_FILE, own: Path = OWN_FILE) -> OpTable:
    """Read and check the two files of the package; raises OpsInfoError."""
    facts, ours = read_json(vendor), read_json(own)
    where = vendor
    try:
        cube_types = frozenset(facts["cube_types"])
        ops = {name: dict(facts["ops"].get(name, {})) for name in sorted({*facts["ops"], *ours["ops"]})}
        where = own
        tensorflow = dict(facts["tensorflow"])
        for name, columns in ours["ops"].items():
            columns = dict(columns)
            tensorflow.update((tf_op, name) for tf_op in columns.pop("tensorflow", ()))
            ops[name].update(columns)
        forms = {**facts["attribute_forms"], **ours["attribute_forms"]}
        return OpTable.model_validate(
            {
                "ops": {name: _columns(name, entry, cube_types) for name, entry in ops.items()},
                "cube_types": cube_types,
                "attribute_forms": {
                    name: {"type": form, "attributes": inputs} for name, (form, inputs) in forms.items()
                },
                "tensorflow": tensorflow,
                "host": ours["host"],
                "date": facts["source"]["date"],
            }
        )
    except ValidationError as error:
        problem = error.errors()[0]
        place = ": ".join(map(str, problem["loc"]))
        raise ops_info.OpsInfoError(f"{where}: {place}: {problem['msg']}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ops_info.OpsInfoError(f"{where}: {error} (expected an operator table)") from error


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; raises OpsInfoError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ops_info.OpsInfoError(f"{path}: {error} (expected an operator table)") from error


def with_cann(table: OpTable, path: Path) -> OpTable:
    """Return the table with the types of CANN's own, replaced where both know them and added where it alone does."""
    text = ops_info.read(path)
    ops = dict(table.ops)
    for name, entry in ops_info.parse(path, text).items():
        columns = ops_info.columns(entry)
        if name in ops:
            ops[name] = _updated(ops[name], entry, columns)
        elif columns.get("rows") or columns.get("no_kernel"):
            ops[name] = OpKernel.model_validate(_columns(name, columns, table.cube_types))
    source = f"{path}, SHA-256 {hashlib.sha256(text).hexdigest()}"
    return table.model_copy(update={"ops": ops, "source": source})


def _columns(name: str, entry: Mapping[str, Any], cube_types: Any) -> Dict[str, Any]:
    """Return the columns of OpKernel for an entry of the files."""
    columns = {"mixlist" if key == "list" else key: value for key, value in entry.items()}
    rows = [ops_info.row_of(row) for row in entry.get("rows", ())]
    columns["rows"] = [{"inputs": inputs, "outputs": outputs} for inputs, outputs in rows]
    unit = "cube" if name in cube_types else "vector" if columns["rows"] else "host"
    return {"type": name, "unit": unit, **columns}


def _updated(kernel: OpKernel, entry: ops_info.Entry, columns: Dict[str, Any]) -> OpKernel:
    if kernel.unit == "host" or not kernel.rows:
        return kernel
    changes: Dict[str, object] = {"mixlist": columns.get("list", "gray")}
    rows = ops_info.rows(entry, len(kernel.rows[0].inputs), len(kernel.rows[0].outputs))
    if rows is not None:
        found = [{"inputs": inputs, "outputs": outputs} for inputs, outputs in rows]
        changes.update(rows=found, assumed=False, disputed="")
    return OpKernel.model_validate({**kernel.model_dump(), **changes})
