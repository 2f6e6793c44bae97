"""Suites of the user's own: a TOML file with the fields of a suite, wherever it lies; its paths are relative to it."""

import os
import sys
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Type

from pydantic import BaseModel, ValidationError
from typing_extensions import Literal

from harness import modes
from harness.errors import UsageError, nearest
from harness.reading import UnreadableError, read_file
from harness.records import Case, FidelityPlan, Limit, Mode, Record, Suite
from harness.store.files import slug
from model import vgg
from model.settings import StyleSettings

SUFFIX = ".toml"
_SIZE_LIMIT = 2**20
"""Bytes; a suite of a thousand cases takes a quarter of it."""
_BASELINES = "baselines"
"""Folder of approved results, beside the file, unless it names another."""
_REPLICATES = 3
"""Processes of each case and mode unless the file says how many; one where pictures are judged, which is all alike."""


NOT_GIVEN = ("inputs", "own_cases")
"""Fields of a suite or case that a run decides."""


class _ModeEntry(Record):
    """A mode of the file with its options, which are those of the command line."""

    name: str
    mixlist: Optional[str] = None
    customize_dtypes: Optional[str] = None
    fusion_switch: Optional[str] = None
    cann: Optional[str] = None
    loss_scale: Optional[str] = None
    overflow: Optional[Literal["saturate", "ieee"]] = None
    emit: Optional[Literal["rounded", "native"]] = None


_RECORDS: Dict[Any, Type[BaseModel]] = {
    "suite": Suite,
    "cases": Case,
    "settings": StyleSettings,
    "modes": _ModeEntry,
    "limits": Limit,
    "fidelity": FidelityPlan,
}
"""By the field that holds them: what a table of the file is read as."""


def load(path: str) -> Suite:
    """Read a suite's file; every path in the suite is absolute.

    Raises:
        UsageError: the file cannot be read, or a field has a value that cannot be used.
    """
    what, folder = f"suite {path}", Path(path).absolute().parent
    document = _read(what, Path(path))
    _refuse_what_is_not_given(f"{what}:", document)
    fields = {
        "name": slug(Path(path).stem),
        "purpose": "",
        "replicates": 1 if "fidelity" in document else _REPLICATES,
        "modes": list(modes.NAMES),
        **document,
        "baselines": _beside(folder, document.get("baselines", _BASELINES)),
    }
    if isinstance(fields["name"], str) and slug(fields["name"]) != fields["name"]:
        raise UsageError(f"{what}: name {fields['name']!r}: expected letters, digits and . _ + - alone")
    if isinstance(fields["modes"], list):
        fields["modes"] = [
            _mode(f"{what}: modes {index}", item, folder) for index, item in enumerate(fields["modes"], 1)
        ]
    if isinstance(fields.get("cases"), list):
        fields["cases"] = [
            _case(f"{what}: cases {index}", item, folder) for index, item in enumerate(fields["cases"], 1)
        ]
    try:
        suite = Suite.model_validate(fields)
    except ValidationError as error:
        raise UsageError(f"{what}: {_problem(error)}") from error
    _check_limits(what, suite)
    return suite


def _read(what: str, path: Path) -> Dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document: Dict[str, Any] = tomllib.loads(read_file(path, _SIZE_LIMIT).decode("utf-8"))
    except UnreadableError as error:
        raise UsageError(f"{what}: {error} (expected a TOML file with a suite)") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{what}: not UTF-8 (expected a TOML file with a suite)") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{what}: not TOML: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{what}: nested too deep") from error
    return document


def _case(what: str, item: Any, folder: Path) -> Any:
    """Return the case's fields with absolute paths; what is no table is left to the suite's own check."""
    if not isinstance(item, dict):
        return item
    _refuse_what_is_not_given(what, item)
    case = dict(item)
    for name, words in (("content", ()), ("initial", ("content", "noise")), ("network", vgg.BUILT_IN)):
        if name in case and case[name] not in words:
            case[name] = _beside(folder, case[name])
    for name in ("styles", "further_contents"):
        if isinstance(case.get(name), list):
            case[name] = [_beside(folder, path) for path in case[name]]
    if isinstance(case.get("further_contents"), list):
        case.setdefault("batch", 1 + len(case["further_contents"]))
    return case


def _refuse_what_is_not_given(what: str, table: Dict[str, Any]) -> None:
    for name in NOT_GIVEN:
        if name in table:
            raise UsageError(f"{what} {name}: this is decided by the run (leave it out)")


def _beside(folder: Path, path: Any) -> Any:
    """Return a path relative to the folder as an absolute one; what is no text is left to the suite's own check."""
    return os.path.normpath(str(folder / path)) if isinstance(path, str) and "\0" not in path else path


def _mode(what: str, item: Any, folder: Path) -> Mode:
    try:
        entry = _ModeEntry.model_validate({"name": item} if isinstance(item, str) else item)
        (mode,) = modes.with_options(
            [modes.get(entry.name)],
            mixlist=_beside(folder, entry.mixlist),
            customize_dtypes=_beside(folder, entry.customize_dtypes),
            fusion_switch=_beside(folder, entry.fusion_switch),
            profile=entry.cann,
        )
        loss_scale = modes.parse_loss_scale(entry.loss_scale or "none")
        (mode,) = modes.on_chip([mode], loss_scale, entry.overflow, entry.emit)
    except ValidationError as error:
        raise UsageError(f"{what}: {_problem(error)}") from error
    except UsageError as error:
        raise UsageError(f"{what}: {error}") from error
    return mode


def _problem(error: ValidationError) -> str:
    """Return what is first wrong: in which field, counted from 1 in lists, with which value, and what was expected."""
    problems = error.errors(include_url=False)
    # A misspelt field is told before the one that is missing for it.
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    where = " ".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
    if first["type"] == "extra_forbidden":
        *above, name = first["loc"]
        record = _RECORDS[next((part for part in reversed(above) if part in _RECORDS), "suite")]
        known = [field for field in record.model_fields if field not in NOT_GIVEN]
        return f"{where}: no such field{nearest(str(name), known)} (expected some of {', '.join(known)})"
    reason = first["msg"].replace("Value error, ", "")
    value = first["input"] if isinstance(first["input"], (str, int, float)) else None
    found = f" {value!r}" if value is not None and first["type"] != "missing" else ""
    return f"{where}{found}: {reason[:1].lower()}{reason[1:]}"


def _check_limits(what: str, suite: Suite) -> None:
    known = {"case": [case.id for case in suite.cases], "mode": [mode.name for mode in suite.modes]}
    for index, limit in enumerate(suite.limits, 1):
        for field, names in known.items():
            _check_known(f"{what}: limits {index} {field}", getattr(limit, field), names)


def _check_known(what: str, name: Optional[str], names: Sequence[str]) -> None:
    if name is not None and name not in names:
        raise UsageError(f"{what} {name!r}: not of this suite (expected one of {', '.join(names)})")
