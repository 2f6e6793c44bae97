"""CANN's own operator table: where it is, and what in it replaces the packaged one.

The file is aic-ascend910-ops-info, as JSON where CANN is installed and as ini among its sources: by op type `input0`,
`output0` and so on, each with its dtypes column by column (one column is one kernel row), and `precision_reduce`, the
op's place on the mixed-precision lists.
"""

import configparser
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from harness.errors import UsageError
from harness.precision.number_formats import short_names
from harness.reading import UnreadableError, parse_json, read_file

ROOT_VARIABLE = "STYLEBENCH_ROOT"
"""Environment variable with a folder that is looked at instead of /, for tests."""
TABLE_VARIABLE = "STYLEBENCH_OP_TABLE"
"""Environment variable with the path of the table to use, which --op-table sets: processes that plan inherit it."""

_FILE = "ai_core/tbe/config/ascend910/aic-ascend910-ops-info.json"
_FOLDERS = ("built-in/op_impl", "op_impl/built-in")
"""Folders under opp that may hold it: in later releases, and up to CANN 5.0."""
_DTYPES = {"float": "float32", "double": "float64"}
_SHORT = {"16": "float16", "32": "float32"}
_PARTS = re.compile(r"(input|output)[0-9]+|precision_reduce|dynamicFormat|opFile")
"""Names of the parts of an operator's entry that are read here."""
_KEYS = ("dtype", "flag", "paramType", "value")
_FLAGS = {"true": "white", "false": "black"}
_NO_FILE = "null"
"""Value of opFile, in lower case, for an op without a kernel of its own."""

Entry = Dict[str, Dict[str, str]]
"""What is read of an operator: by tensor, its `dtype` and `paramType`; by property, its `flag` or `value`."""
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
    """Return the path of the table that was given, else of CANN's; None where there is neither."""
    given = os.environ.get(TABLE_VARIABLE)
    if given:
        return Path(given)
    return next((path for path in candidates() if path.is_file()), None)


def read(path: Path) -> bytes:
    """Return the bytes of a table; raises OpsInfoError."""
    try:
        return read_file(path)
    except UnreadableError as error:
        raise OpsInfoError(f"{path}: {error} (expected CANN's operator table, ini or JSON)") from error


def parse(path: Path, text: bytes) -> Dict[str, Entry]:
    """Return what is read of the table, by op type; raises OpsInfoError."""
    try:
        decoded = text.decode("utf-8-sig")
        entries = _ini(decoded) if _is_ini(decoded) else parse_json(decoded)
    except (UnicodeDecodeError, UnreadableError, configparser.Error) as error:
        reason = str(error).splitlines()[0]
        raise OpsInfoError(f"{path}: {reason} (expected CANN's operator table, ini or JSON)") from error
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise OpsInfoError(f"{path}: expected an object of operators by type")
    return {
        op_type: {
            name: _texts(part, f"{path}: {op_type}: {name}") for name, part in entry.items() if _PARTS.fullmatch(name)
        }
        for op_type, entry in entries.items()
    }


def _is_ini(text: str) -> bool:
    return re.match(r"\s*([#;].*\n\s*)*\[[A-Za-z_]\w*\]\s*\n", text) is not None


def _ini(text: str) -> Dict[str, Dict[str, Dict[str, str]]]:
    """Return the operators of an ini file, whose lines are PART.KEY=VALUE."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    entries: Dict[str, Dict[str, Dict[str, str]]] = {}
    for op_type in parser.sections():
        parts = entries.setdefault(op_type, {})
        for name, value in parser.items(op_type):
            part, _, key = name.partition(".")
            parts.setdefault(part, {})[key] = value
    return entries


def _texts(part: Any, where: str) -> Dict[str, str]:
    texts = {key: part[key] for key in _KEYS if key in part} if isinstance(part, dict) else None
    if texts is None or not all(isinstance(text, str) for text in texts.values()):
        raise OpsInfoError(f"{where}: expected an object, its dtype or flag a text")
    return texts


def mixlist(entry: Entry) -> str:
    """Return the list that an op is on: white, gray or black."""
    return _FLAGS.get(entry.get("precision_reduce", {}).get("flag", ""), "gray")


def columns(entry: Entry) -> Dict[str, Any]:
    """Return the columns of the packaged file that an operator's entry says, those of their usual value left out."""
    found: Dict[str, Any] = {}
    if mixlist(entry) != "gray":
        found["list"] = mixlist(entry)
    if entry.get("opFile", {}).get("value", "").lower() == _NO_FILE:
        found["no_kernel"] = True
    sides = [_tensors(entry, side) for side in ("input", "output")]
    for side, tensors in zip(("inputs", "outputs"), sides):
        if any(tensor.get("paramType") == "dynamic" for tensor in tensors):
            found["variadic"] = side
    optional = [index for index, tensor in enumerate(sides[0]) if tensor.get("paramType") == "optional"]
    if optional:
        found["optional"] = optional
    listed = rows(entry, *map(len, sides))
    if listed is not None:
        found["rows"] = [row_text(row) for row in listed]
    return found


def _tensors(entry: Entry, side: str) -> List[Dict[str, str]]:
    count = 0
    while f"{side}{count}" in entry:
        count += 1
    return [entry[f"{side}{index}"] for index in range(count)]


def rows(entry: Entry, inputs: int, outputs: int) -> Optional[Tuple[Row, ...]]:
    """Return the float rows of an op's kernel, in the file's order, over its first inputs and outputs.

    Returns:
        None when the file does not list them: kernels with `dynamicFormat` say their rows in Python.
    """
    if entry.get("dynamicFormat", {}).get("flag") == "true":
        return None
    tensors = [_dtypes(entry.get(f"input{i}", {})) for i in range(inputs)]
    tensors += [_dtypes(entry.get(f"output{i}", {})) for i in range(outputs)]
    if not tensors or not tensors[0] or any(len(tensor) != len(tensors[0]) for tensor in tensors):
        return None
    float_rows = [(row[:inputs], row[inputs:]) for row in zip(*tensors) if {"float16", "float32"} & set(row)]
    # Rows that differ in format alone are one row here.
    return tuple(dict.fromkeys(float_rows)) or None


def _dtypes(tensor: Dict[str, str]) -> List[str]:
    names = [name.strip() for name in tensor.get("dtype", "").split(",")]
    return [_DTYPES.get(name, name) for name in names if name]


def row_text(row: Row) -> str:
    """Write a kernel row in short, such as "16,16,32>32"."""
    return f"{short_names(row[0])}>{short_names(row[1])}"


def row_of(text: str) -> Row:
    """Read a kernel row that `row_text` wrote; raises ValueError."""
    sides = text.split(">")
    if len(sides) != 2:
        raise ValueError(f"row '{text}': expected INPUTS>OUTPUTS")
    inputs, outputs = (tuple(_SHORT.get(name, name) for name in side.split(",") if name) for side in sides)
    return inputs, outputs
