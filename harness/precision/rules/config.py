"""What the user asks of the compiler: a precision mode with its op lists and dtype overrides."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, NoReturn, Optional, Tuple, Union

from harness.precision.number_formats import BFLOAT16, FLOAT16, NUMBERS
from harness.precision.rules.fusion_switch import FusionSwitch, from_json, from_lines, passes_off
from harness.precision.rules.kernels import BLACK, GRAY, WHITE
from harness.precision.rules.op_table import DATA, load_op_table
from harness.reading import UnreadableError, parse_json, read_file

FORCE_FP16 = "force_fp16"
ALLOW_FP32_TO_FP16 = "allow_fp32_to_fp16"
MUST_KEEP = "must_keep_origin_dtype"
ALLOW_MIX = "allow_mix_precision"
MODES = (ALLOW_FP32_TO_FP16, FORCE_FP16, MUST_KEEP, ALLOW_MIX)
FORCE_FP32 = "force_fp32"
ALLOW_MIX_BF16 = "allow_mix_precision_bf16"
ALLOW_FP32_TO_BF16 = "allow_fp32_to_bf16"
FURTHER_MODES = (FORCE_FP32, ALLOW_MIX_BF16, ALLOW_FP32_TO_BF16)
"""Modes of the compiler that no suite runs unless asked to; the 910 has no bfloat16."""
ALIASES = {"cube_fp16in_fp32out": FORCE_FP32, "allow_mix_precision_fp16": ALLOW_MIX}
"""The mode that another name stands for."""
_BF16_RULES = {ALLOW_MIX_BF16: ALLOW_MIX, ALLOW_FP32_TO_BF16: ALLOW_FP32_TO_FP16}
PROFILES = ("current", "early_2022")

MATMUL32_FILE = DATA / "matmul32.cfg"
MATMUL32 = ALLOW_MIX + "+matmul32"

LIST_KEYS = {"black-list": BLACK, "white-list": WHITE, "gray-list": GRAY}
_LINE_LIMIT = 1023
_SIZE_LIMIT = 2**24
_BYTE_ORDER_MARK = "\ufeff"
_LINE_FORM = "expected 'Opname::InputDtype:...,OutputDtype:...' or 'OpType::Type:InputDtype:...,OutputDtype:...'"


class PrecisionConfigError(ValueError):
    """A precision configuration the compiler would refuse; the message is one line naming file and entry."""


@dataclass(frozen=True)
class MixList:
    """Changes to the built-in white, gray and black lists: pairs of (list, Ascend op type)."""

    added: Tuple[Tuple[str, str], ...] = ()
    removed: Tuple[Tuple[str, str], ...] = ()

    def flag(self, op_type: str, built_in: str) -> str:
        """Return the list an op type is on after these changes.

        A removal that matches the built-in flag makes the op gray; then black, else white, additions win. An
        addition to gray alone has no effect (GE modify_mixlist_config_parser.cc).
        """
        flag = GRAY if (built_in, op_type) in self.removed else built_in
        for wanted in (BLACK, WHITE):
            if (wanted, op_type) in self.added:
                return wanted
        return flag


@dataclass(frozen=True)
class CustomDtypes:
    """One customize_dtypes line: the dtypes that an op (by name) or op type must take; "" is free."""

    key: str
    by_type: bool
    inputs: Tuple[str, ...] = ()
    outputs: Tuple[str, ...] = ()
    source: str = field(default="", compare=False)
    """File and line, for messages."""


@dataclass(frozen=True)
class PrecisionConfig:
    """A precision mode with its options, as the compiler would receive them.

    `profile` chooses the compiler's age: "early_2022" has no cube_list, so allow_fp32_to_fp16 leaves
    MatMulV2 in float32 on the vector unit, and divides by constants where "current" multiplies by their
    reciprocals. Raises PrecisionConfigError for a combination the TensorFlow adapter refuses
    (Ascend/tensorflow, tf_adapter/util/npu_attrs.cc).
    """

    mode: str
    mixlist: Optional[MixList] = None
    custom_dtypes: Tuple[CustomDtypes, ...] = ()
    profile: str = "current"
    fusion_switches: Tuple[FusionSwitch, ...] = ()
    """What a fusion_switch file says."""

    def __post_init__(self) -> None:
        known = MODES + FURTHER_MODES
        if self.mode not in known:
            raise PrecisionConfigError(f"precision mode '{self.mode}': expected one of {', '.join(known)}")
        if self.profile not in PROFILES:
            raise PrecisionConfigError(f"profile '{self.profile}': expected one of {', '.join(PROFILES)}")
        if self.mixlist is not None and self.rule != ALLOW_MIX:
            raise PrecisionConfigError(f"modify_mixlist with mode '{self.mode}': expected mode {ALLOW_MIX}")

    @property
    def fusions_off(self) -> Tuple[str, ...]:
        """The fusion passes known here that are switched off."""
        return passes_off(self.fusion_switches)

    @property
    def rule(self) -> str:
        """The mode whose rules decide; a bf16 mode has the rules of its float16 twin, as each strategy has in GE."""
        return _BF16_RULES.get(self.mode, self.mode)

    @property
    def is_bf16(self) -> bool:
        """Say whether it is one of the modes that the adapter refuses on the 910."""
        return self.mode in _BF16_RULES

    @property
    def low(self) -> str:
        """Name of the number format that the mode narrows to."""
        return BFLOAT16.name if self.is_bf16 else FLOAT16.name


def load_config(
    mode: str,
    mixlist: Optional[Union[str, Path]] = None,
    custom_dtypes: Optional[Union[str, Path]] = None,
    profile: str = "current",
    fusion_switch: Optional[Union[str, Path]] = None,
) -> PrecisionConfig:
    """Build a configuration from a mode name and the paths of its files.

    Besides the modes and their aliases, "allow_mix_precision+matmul32" names the mode with the packaged
    customize_dtypes file that keeps the outputs of matrix products in float32; a file given with it comes on top.
    Raises PrecisionConfigError.
    """
    mode = ALIASES.get(mode, mode)
    entries: List[CustomDtypes] = []
    if mode == MATMUL32:
        mode = ALLOW_MIX
        entries.extend(parse_customize_dtypes(MATMUL32_FILE))
    if custom_dtypes is not None:
        overrides = parse_customize_dtypes(custom_dtypes)
        keys = {(entry.by_type, entry.key) for entry in overrides}
        entries = [entry for entry in entries if (entry.by_type, entry.key) not in keys] + list(overrides)
    lists = None if mixlist is None else parse_modify_mixlist(mixlist)
    switches = () if fusion_switch is None else parse_fusion_switch(fusion_switch)
    return PrecisionConfig(mode, lists, tuple(entries), profile, switches)


def parse_fusion_switch(path: Union[str, Path]) -> Tuple[FusionSwitch, ...]:
    """Read a fusion_switch file, as JSON or in its old form of lines; raises PrecisionConfigError."""
    text = _read(path)
    if not text.strip():
        _fail(path, "", "the file is empty, expected fusion passes, each on or off")
    try:
        return from_json(parse_json(text)) if text.lstrip()[0] == "{" else from_lines(text)
    except UnreadableError as error:
        raise PrecisionConfigError(f"{path}: expected JSON, {error}") from error
    except ValueError as error:
        raise PrecisionConfigError(f"{path}: {error}") from error


def parse_modify_mixlist(path: Union[str, Path]) -> MixList:
    """Read a modify_mixlist JSON file.

    The rules are those of GE modify_mixlist_config_parser.cc: `black-list`, `white-list` and `gray-list`,
    each with `to-add` and `to-remove`; per op one addition alone, one removal alone (not from gray), or an
    addition to one list with a removal from another. Raises PrecisionConfigError.
    """
    raw = _read_json_object(path)
    changes: Dict[str, List[Tuple[str, str]]] = {"to-add": [], "to-remove": []}
    for list_name, entry in raw.items():
        if list_name not in LIST_KEYS:
            _fail(path, list_name, "expected black-list, white-list or gray-list")
        if not isinstance(entry, dict):
            _fail(path, list_name, "expected an object with to-add and to-remove")
        for action, op_types in entry.items():
            where = f"{list_name} {action}"
            if action not in changes:
                _fail(path, where, "expected to-add or to-remove")
            for op_type in _op_types(path, where, op_types):
                changes[action].append((LIST_KEYS[list_name], op_type))
    mixlist = MixList(added=tuple(changes["to-add"]), removed=tuple(changes["to-remove"]))
    _check_combinations(path, mixlist)
    return mixlist


def _read_json_object(path: Union[str, Path]) -> Dict[str, Any]:
    text = _read(path)
    if text.startswith(_BYTE_ORDER_MARK):  # from Windows' editors; nlohmann::json, the compiler's reader, skips it
        text = text[1:]
    if not text.strip():
        _fail(path, "", "the file is empty, expected a JSON object")

    def unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
        found: Dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                _fail(path, key, "expected one entry of this name")
            found[key] = value
        return found

    try:
        raw = parse_json(text, unique)
    except UnreadableError as error:
        place = error.__cause__
        if isinstance(place, json.JSONDecodeError):
            _fail(path, f"line {place.lineno}", f"expected JSON, {place.msg}")
        _fail(path, "", f"expected JSON, {error}")
    if not isinstance(raw, dict):
        _fail(path, "", "expected a JSON object")
    return raw


def _op_types(path: Union[str, Path], where: str, op_types: Any) -> List[str]:
    if not isinstance(op_types, list) or not all(isinstance(item, str) for item in op_types):
        _fail(path, where, "expected an array of Ascend op types")
    return op_types


def _check_combinations(path: Union[str, Path], mixlist: MixList) -> None:
    for op_type in sorted({op_type for _, op_type in mixlist.added + mixlist.removed}):
        added = [flag for flag, name in mixlist.added if name == op_type]
        removed = [flag for flag, name in mixlist.removed if name == op_type]
        where = f"'{op_type}'"
        if len(added) > 1 or len(removed) > 1:
            _fail(path, where, "expected at most one to-add and one to-remove")
        if added and added == removed:
            _fail(path, where, "expected to-add and to-remove on different lists, both are on " + added[0])
        if removed == [GRAY] and not added:
            _fail(path, where, "expected a to-add beside the removal from the gray list")


def parse_customize_dtypes(path: Union[str, Path]) -> Tuple[CustomDtypes, ...]:
    """Read a customize_dtypes file: one op per line, by TensorFlow name or by Ascend type.

    `Opname::InputDtype:dtype1,dtype2,...OutputDtype:dtype1,...` and
    `OpType::TypeName:InputDtype:dtype1,...OutputDtype:dtype1,...` (TF Adapter documentation, section
    customize_dtypes). A comma before OutputDtype is usual; either half may be left out, and an empty dtype
    leaves its tensor free. GE op_cust_dtypes_config_parser.cc also refuses blank lines and comments, takes
    lines below 1024 bytes, and ignores a second entry for an op; here contradicting entries are an error.
    Names are checked when a graph is planned. Raises PrecisionConfigError.
    """
    text = _read(path)
    if not text.strip():
        _fail(path, "", "the file is empty, " + _LINE_FORM)
    if text.startswith(_BYTE_ORDER_MARK):
        _fail(path, "line 1", "expected no byte order mark, which the compiler takes for the beginning of a name")
    entries: Dict[Tuple[bool, str], CustomDtypes] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        entry = _parse_line(path, f"line {number}", line)
        earlier = entries.setdefault((entry.by_type, entry.key), entry)
        if earlier != entry:
            _fail(path, f"line {number} '{entry.key}'", "expected one entry, an earlier line contradicts it")
    return tuple(entries.values())


def _parse_line(path: Union[str, Path], where: str, line: str) -> CustomDtypes:
    if len(line.encode("utf-8")) > _LINE_LIMIT:
        _fail(path, where, f"expected at most {_LINE_LIMIT} bytes")
    by_type = line.startswith("OpType::")
    body = line[len("OpType::") :].strip() if by_type else line.strip()
    key, separator, rest = body.partition(":")  # "::" after a name is usual; the compiler looks for one
    key = key.strip()
    inputs, outputs = _split_dtypes(rest)
    if not (key and separator and inputs is not None and outputs is not None):
        _fail(path, f"{where} '{line.strip()}'", _LINE_FORM)
    where = f"{where} '{key}'"
    for dtype in inputs + outputs:
        if dtype and dtype not in NUMBERS:
            _fail(path, where, f"expected a dtype such as float16 or float32, found '{dtype}'")
    if by_type:
        _check_type_entry(path, where, key, inputs, outputs)
    return CustomDtypes(key, by_type, inputs, outputs, source=f"{os.path.basename(path)}: {where}")


def _split_dtypes(rest: str) -> Tuple[Optional[Tuple[str, ...]], Optional[Tuple[str, ...]]]:
    """Split "InputDtype:a,b,OutputDtype:c" into halves; (None, None) when it has neither."""
    head, found_outputs, outputs = rest.partition("OutputDtype:")
    # What stands before the halves is passed over, as by the compiler.
    _, found_inputs, inputs = head.partition("InputDtype:")
    inputs = inputs.strip().rstrip(",")
    if not (found_inputs or found_outputs) or (not inputs and not outputs.strip()):
        return None, None
    return _dtypes(inputs), _dtypes(outputs)


def _dtypes(text: str) -> Tuple[str, ...]:
    names = [dtype.strip().lower() for dtype in text.split(",")] if text.strip() else []
    return tuple("float32" if name == "float" else name for name in names)


def _check_type_entry(
    path: Union[str, Path], where: str, op_type: str, inputs: Tuple[str, ...], outputs: Tuple[str, ...]
) -> None:
    kernel = load_op_table().ops.get(op_type)
    if kernel is None or kernel.variadic or not kernel.rows:
        return
    row = kernel.rows[0]
    if len(inputs) > len(row.inputs) or len(outputs) > len(row.outputs):
        _fail(path, where, f"expected at most {len(row.inputs)} input and {len(row.outputs)} output dtypes")


def _read(path: Union[str, Path]) -> str:
    try:
        return read_file(path, _SIZE_LIMIT).decode("utf-8")
    except UnreadableError as error:
        raise PrecisionConfigError(f"{path}: {error}, expected a readable file") from error
    except UnicodeDecodeError as error:
        raise PrecisionConfigError(f"{path}: expected UTF-8 text") from error


def _fail(path: Union[str, Path], entry: str, expected: str) -> NoReturn:
    where = f"{path}: {entry}" if entry else str(path)
    raise PrecisionConfigError(f"{where}: {expected}")
