"""The suites: one short declarative file for each, and the pictures that they use."""

import importlib
import os
import pkgutil
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from pydantic import ValidationError

from harness import suite_file
from harness.errors import UsageError, nearest
from harness.records import Case, Suite
from model.settings import StyleSettings

NETWORK_FILE = "imagenet-vgg-verydeep-19.mat"
PICTURES = Path(__file__).resolve().parent / "pictures"


def names() -> List[str]:
    """Return the names of the suites, which are those of their files."""
    return [module.name for module in pkgutil.iter_modules([os.path.dirname(__file__)])]


def is_file(name: str) -> bool:
    """Return True for the path of a suite's file, False for the name of a shipped suite."""
    return name.endswith(suite_file.SUFFIX)


def get(name: str) -> Suite:
    """Return the shipped suite of this name, or the one in the TOML file of this path.

    Raises:
        UsageError: there is no such suite, or the file cannot be used.
    """
    if is_file(name):
        return _own(name)
    if name not in names():
        expected = f"{', '.join(names())}, or a file NAME{suite_file.SUFFIX}"
        raise UsageError(f"suite {name!r} is unknown{nearest(name, names())} (expected one of {expected})")
    suite: Suite = importlib.import_module(f"suites.{name}").SUITE
    return suite


def _own(path: str) -> Suite:
    suite = suite_file.load(path)
    if suite.name in names():
        raise UsageError(f"suite {path}: name {suite.name!r}: a shipped suite has it (expected another)")
    return suite


def only(suite: Suite, case_ids: str) -> Suite:
    """Return the suite with those of its cases that a list such as `a,b` names; raises UsageError for another."""
    known = {case.id: case for case in suite.cases}
    wanted = [case_id.strip() for case_id in case_ids.split(",")]
    for case_id in wanted:
        if case_id not in known:
            expected = f"{nearest(case_id, known)} (expected some of {', '.join(known)})"
            raise UsageError(f"--case {case_id!r}: suite {suite.name} has no such case{expected}")
    return suite.model_copy(update={"cases": tuple(known[case_id] for case_id in dict.fromkeys(wanted))})


def shipped_case(size: int, steps: int, further_styles: Tuple[str, ...] = (), **changes: Any) -> Case:
    """Return a case with the shipped portrait in the style of the shipped painting, and of further ones.

    Args:
        size: width in pixels.
        changes: further fields of the case.
    """
    content, style = PICTURES / "astronaut.png", PICTURES / "starry-night.png"
    case_id = _case_id(str(content), size) + ("-noise" if changes.get("initial") == "noise" else "")
    return Case(
        id=case_id, content=str(content), styles=(str(style), *further_styles), size=size, steps=steps, **changes
    )


def from_folder(suite: Suite, folder: Optional[str]) -> Suite:
    """Return the suite with the files of its cases taken from the folder, the real network too where it is there.

    Raises:
        UsageError: the suite's files come from a folder and none is given, or the other way round.
    """
    needs_folder = any(not os.path.isabs(case.content) for case in suite.cases)
    if folder is None and needs_folder:
        files = ", ".join(dict.fromkeys(path for case in suite.cases for path in (case.content, *case.styles)))
        raise UsageError(f"suite {suite.name}: --data-path is missing (expected the folder of {files})")
    if folder is None:
        return suite
    if not needs_folder:
        raise UsageError(f"--data-path {folder}: suite {suite.name} has its own pictures (see --content, --styles)")
    network = os.path.join(folder, NETWORK_FILE)
    changes = {"network": network} if os.path.isfile(network) else {}
    cases = []
    for case in suite.cases:
        styles = tuple(os.path.join(folder, style) for style in case.styles)
        cases.append(
            case.model_copy(update={"content": os.path.join(folder, case.content), "styles": styles, **changes})
        )
    return suite.model_copy(update={"cases": tuple(cases)})


def for_gate(suite: Suite) -> Suite:
    """Return the suite with as many processes as a verdict on its timings needs, where it repeats trials at all.

    Five a mode hold the error rate and find ten percent; see tests/gates/test_timing_rule.py.
    """
    if suite.replicates == 1:
        return suite
    changes = {
        "replicates": max(5, suite.replicates),
        "max_replicates": max(10, suite.replicates, suite.max_replicates or 0),
        "budget": max(600.0, suite.budget or 0.0),
    }
    return suite.model_copy(update=changes)


def customize(suite: Suite, case: Dict[str, Any], suite_changes: Dict[str, Any]) -> Suite:
    """Return the suite with some fields of its cases and its own replaced; raises UsageError for a bad value."""
    changes = dict(suite_changes)
    try:
        changes["cases"] = _distinct([(old, _changed(old, case)) for old in suite.cases])
        changes["own_cases"] = bool(case)
        changed = Suite(**{**dict(suite), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        option = {"initial": "init", "further_contents": "content"}.get(str(first["loc"][0]), str(first["loc"][0]))
        raise UsageError(f"--{option.replace('_', '-')} {first['input']!r}: {first['msg'].lower()}") from error
    if changed.fidelity is not None and any(case.batch > 1 for case in changed.cases):
        raise UsageError(f"suite {suite.name}: it judges one picture at a time (expected one --content and no --batch)")
    return changed


def _distinct(pairs: Sequence[Tuple[Case, Case]]) -> List[Case]:
    """Return the changed ones of cases before and after; those that differ in their names alone are one.

    It keeps the name of the case that had its start before.
    """
    found: Dict[str, Case] = {}
    for _, new in sorted(pairs, key=lambda pair: pair[0].initial != pair[1].initial):
        found.setdefault(new.model_dump_json(exclude={"id"}), new)
    return list(found.values())


def _changed(case: Case, changes: Dict[str, Any]) -> Case:
    if {"content", "styles"} & set(changes):
        # Settings of a suite are made for its own pictures; others are drawn as the reference program draws them.
        changes = {"settings": StyleSettings(), "noise_blend": None, "seed": 0, **changes}
    new = Case(**{**dict(case), **changes})
    if {"content", "size", "batch"} & set(changes):
        # What tells a suite's cases apart beside that stays in their names.
        old_name, name = (_case_id(each.content, each.size, each.batch) for each in (case, new))
        own = case.id[len(old_name) :] if case.id.startswith(old_name) else f"-{case.id}"
        new = new.model_copy(update={"id": name + own})
    return new


def _case_id(content: str, size: Optional[int], batch: int = 1) -> str:
    name = f"{Path(content).stem}-{size or 'native'}"
    return f"{name}-batch{batch}" if batch > 1 else name
