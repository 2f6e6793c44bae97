"""Looks for Huawei's hardware and software on this machine, by files and npu-smi alone, without TensorFlow.

Paths: driver and toolkit as CANN installs them under /usr/local/Ascend; cards as the driver's device files.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

from harness.errors import UsageError
from harness.precision.rules import ops_info
from harness.precision.rules.ops_info import root, toolkits

VISIBLE = "ASCEND_RT_VISIBLE_DEVICES"
"""Variable that names the cards that a process may use, ascending; they are then counted anew from 0."""
_VARIABLES = (
    "ASCEND_DEVICE_ID",
    "ASCEND_GLOBAL_LOG_LEVEL",
    "ASCEND_HOME_PATH",
    "ASCEND_LAUNCH_BLOCKING",
    "ASCEND_OPP_PATH",
    VISIBLE,
    "ASCEND_SLOG_PRINT_TO_STDOUT",
    "DEVICE_ID",
    "DUMP_GE_GRAPH",
    "INF_NAN_MODE_ENABLE",
    "JOB_ID",
    "RANK_ID",
    "RANK_SIZE",
)
OP_TABLE = "Ascend op table"
"""Name of the finding on CANN's operator table."""


class Finding(NamedTuple):
    """A part of the card's software or hardware that was looked for."""

    name: str
    detail: Optional[str]
    """What was found, such as a version or a path; None: nothing."""
    looked_for: str
    """Paths or names that were looked for."""


def device_files() -> List[Path]:
    """Return the driver's device file of each card, in the order of the numbers in their names."""
    found = [path for path in root().glob("dev/davinci*") if re.fullmatch("davinci[0-9]+", path.name)]
    return sorted(found, key=lambda path: int(path.name[len("davinci") :]))


def cards() -> range:
    """Return the cards' numbers as ASCEND_DEVICE_ID counts them: from 0, though a container may hold davinci3 alone.

    Raises:
        UsageError: ASCEND_RT_VISIBLE_DEVICES is no list of cards.
    """
    return range(len(visible_files()))


def visible_files() -> List[Path]:
    """Return the device file of each card that this process may use, in the order of the cards' numbers.

    ASCEND_RT_VISIBLE_DEVICES, where it is set, names some of them by their numbers without it.

    Raises:
        UsageError: it names no card of this machine, one twice, or is not ascending, which the driver refuses.
    """
    files, text = device_files(), os.environ.get(VISIBLE)
    if text is None:
        return files
    parts = text.split(",") if text else []
    numbers = [int(part) for part in parts if part.isdigit() and int(part) < len(files)]
    if len(numbers) < len(parts) or numbers != sorted(set(numbers)):
        raise UsageError(
            f"{VISIBLE} is {text!r} (expected ascending numbers of this machine's {len(files)} cards, such as 0,1)"
        )
    return [files[number] for number in numbers]


def models() -> List[str]:
    """Return each card's model as the driver's npu-smi tells it, such as `Ascend 910B4`; else `Ascend` alone."""
    count = len(device_files())
    if not count:
        return []
    try:
        answer = subprocess.run(["npu-smi", "info"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10)
        text = answer.stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        text = ""
    # npu-smi prints two rows for a chip; the first has its number and name, then its health in a word.
    names = re.findall(r"^\|\s*[0-9]+\s+(\S+)\s*\|\s*[A-Za-z]+\s*\|", text, re.MULTILINE)
    found = ["Ascend " + name.replace("Ascend", "") for name in names]
    return found if len(found) == count else ["Ascend"] * count


def driver_version() -> Optional[str]:
    """Return the version of the cards' driver; None where there is none, or where its file states none."""
    version = _stated_version(_driver())
    return version or None


def has_bridge() -> bool:
    """Return True when Python finds npu_bridge, without importing it."""
    return importlib.util.find_spec("npu_bridge") is not None


def is_usable() -> bool:
    """Return True when there is a card, and npu_bridge to drive it."""
    return bool(cards()) and has_bridge()


def check_card(number: int) -> None:
    """Raise UsageError, naming what was looked for, unless the card exists and npu_bridge can be imported."""
    if number not in cards():
        found = (_cards_found() or f"no {_card_file()}") + _restricted()
        raise UsageError(f"device npu:{number}: no such card (found {found}); see doctor")
    if not has_bridge():
        raise UsageError(
            f"device npu:{number}: npu_bridge cannot be imported by {sys.executable} "
            "(it comes with CANN's TF adapter; source its set_env.sh); see doctor"
        )


def findings() -> Tuple[Finding, ...]:
    """Return the findings on driver, toolkit, cards, npu_bridge and operator table."""
    installs = [
        folder / name
        for folder in toolkits()
        for name in (f"{os.uname().machine}-linux/ascend_toolkit_install.info", "version.info", "version.cfg")
    ]
    table = ops_info.find()
    return (
        Finding("Ascend driver", _version(_driver()), str(_driver())),
        Finding("CANN", next(filter(None, map(_version, installs)), None), ", ".join(map(str, installs))),
        _cards_finding(),
        Finding("npu_bridge", "importable" if has_bridge() else None, "npu_bridge on Python's path"),
        Finding(OP_TABLE, str(table) if table else None, ", ".join(map(str, ops_info.candidates()))),
    )


def chosen_card() -> int:
    """Return the card that ASCEND_DEVICE_ID names; 0 when it is unset or empty. Raises UsageError for no number."""
    text = os.environ.get("ASCEND_DEVICE_ID") or "0"
    if not text.isdigit():
        raise UsageError(f"ASCEND_DEVICE_ID is {text!r} (expected the number of a card, such as 0)")
    return int(text)


def variables() -> Dict[str, str]:
    """Return the environment variables that are set and choose the card, or change its speed or numbers."""
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


def _cards_finding() -> Finding:
    try:
        return Finding("Ascend cards", _cards_found(), f"{_card_file()}{_restricted()}")
    except UsageError as error:
        return Finding("Ascend cards", None, str(error))


def _cards_found() -> Optional[str]:
    return ", ".join(f"npu:{number} ({path})" for number, path in enumerate(visible_files())) or None


def _restricted() -> str:
    """Return what to add about a variable that hides cards; empty when it is not set."""
    return f", {VISIBLE}={os.environ[VISIBLE]}" if VISIBLE in os.environ else ""


def _card_file() -> str:
    return f"{root() / 'dev/davinci0'}, …"


def _version(path: Path) -> Optional[str]:
    """Return the version that an install file states, with its path; the path alone without one; None: no such file."""
    version = _stated_version(path)
    return None if version is None else f"{version} ({path})" if version else str(path)


def _stated_version(path: Path) -> Optional[str]:
    """Return the version that an install file states, empty when it states none; None: no such file."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return None
    match = re.search(r"^\s*\[?version\s*[=:]\s*\[?([^\]\s]+)", text, re.IGNORECASE | re.MULTILINE)
    return match.group(1) if match else ""


def _driver() -> Path:
    return root() / "usr/local/Ascend/driver/version.info"
