"""CANN's own operator table: where it is installed, and what in it replaces the packaged one.

The file is aic-ascend910-ops-info.json: by op type `input0`, `output0` and so on, each with its dtypes column by
column (one column is one kernel row), and `precision_reduce`, the op's place on the mixed-precision lists.
"""

import json
import os
import re
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from harness.errors import UsageError

ROOT_VARIABLE = "STYLEBENCH_ROOT"
"""Environment variable with a folder that is looked at instead of /, for tests."""

_FILE = "ai_core/tbe/config/ascend910/aic-ascend910-ops-info.json"
_FOLDERS = ("built-in/op_impl", "op_impl/built-in")
"""Folders under opp that may hold it: in later releases, and up to CANN 5.0."""
_DTYPES = {"float": "float32", "double": "float64"}
_PARTS = re.compile(r"(input|output)[0-9]+|precision_reduce|dynamicFormat")
"""Names of the parts of an operator's entry that are read here."""
_FLAGS = {"true": "white", "false": "black"}

Entry = Dict[str, Dict[str, str]]
"""What is read of an operator: by tensor, its `dtype`; by property, its `flag`."""
Row = Tuple[Tuple[str, ...], Tuple[str, ...]]


class OpsInfoError(UsageError):
    """An operator table cannot be read; the message is one line naming the file."""


def root() -> Path:
    """Return the folder that stands for /."""
    return Path(os.environ.get(ROOT_VARIABLE, "/"))


def toolkits() -> List[Path]:
    """Return the folders where CANN may be installed."""
    home = os.environ.get("ASCEND_HOME_PATH") or os.environ.get("ASCEND_TOOLKIT_HOME")
    usual = [root() / "usr/local/Ascend/ascend-toolkit/latest", root() / "usr/local/Ascend/cann"]
    return ([Path(home)] if home else []) + usual


def candidates() -> List[Path]:
    """Return the paths where the table may be."""
    opp = os.environ.get("ASCEND_OPP_PATH")
    folders = [Path(opp)] if opp else [toolkit / "opp" for toolkit in toolkits()] + [root() / "usr/local/Ascend/opp"]
    return [folder / inner / _FILE for folder in folders for inner in _FOLDERS]


def find() -> Optional[Path]:
    """Return the path of CANN's table; None where CANN is not installed."""
    return next((path for path in candidates() if path.is_file()), None)


def parse(path: Path, text: bytes) -> Dict[str, Entry]:
    """Return what is read of the table, by op type; raises OpsInfoError."""
    try:
        entries = json.loads(text.decode("utf-8"))
    except ValueError as error:
        raise OpsInfoError(f"{path}: {error} (expected CANN's operator table as JSON)") from error
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise OpsInfoError(f"{path}: expected an object of operators by type")
    return {
        op_type: {
            name: _texts(part, f"{path}: {op_type}: {name}") for name, part in entry.items() if _PARTS.fullmatch(name)
        }
        for op_type, entry in entries.items()
    }


def _texts(part: object, where: str) -> Dict[str, str]:
    texts = {key: part[key] for key in ("dtype", "flag") if key in part} if isinstance(part, dict) else None
    if texts is None or not all(isinstance(text, str) for text in texts.values()):
        raise OpsInfoError(f"{where}: expected an object, its dtype or flag a text")
    return texts


def mixlist(entry: Entry) -> str:
    """Return the list that an op is on: white, gray or black."""
    return _FLAGS.get(entry.get("precision_reduce", {}).get("flag", ""), "gray")


def rows(entry: Entry, inputs: int, outputs: int) -> Optional[Tuple[Row, ...]]:
    """Return the float rows of an op's kernel, in the file's order, over its first inputs and outputs.

    Returns:
        None when the file does not list them: kernels with `dynamicFormat` say their rows in Python.
    """
    if entry.get("dynamicFormat", {}).get("flag") == "true":
        return None
    columns = [_dtypes(entry.get(f"input{i}", {})) for i in range(inputs)]
    columns += [_dtypes(entry.get(f"output{i}", {})) for i in range(outputs)]
    if not columns or not columns[0] or any(len(column) != len(columns[0]) for column in columns):
        return None
    float_rows = [(row[:inputs], row[inputs:]) for row in zip(*columns) if {"float16", "float32"} & set(row)]
    # Rows that differ in format alone are one row here.
    return tuple(dict.fromkeys(float_rows)) or None


def _dtypes(tensor: Dict[str, str]) -> List[str]:
    names = [name.strip() for name in tensor.get("dtype", "").split(",")]
    return [_DTYPES.get(name, name) for name in names if name]
