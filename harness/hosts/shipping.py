"""What a job takes to a host: code by content, pictures as bytes; the network stays where each host has it."""

import hashlib
import json
import os
from pathlib import Path
from typing import Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from harness.hosts.parcel import packed, unpacked
from harness.machine import git
from harness.machine.git import ROOT
from harness.precision.rules import ops_info
from harness.records import Case, Trial
from harness.store.baselines import Baselines
from harness.store.files import slug
from harness.trial.place import LostError
from model import vgg

_LEFT_OUT = ("tests", "docs", "baselines", "results", "output", ".git", ".github")
"""Top folders that no trial needs."""


class Tree(NamedTuple):
    """The code of a checkout."""

    digest: str
    """SHA-256 of the archive."""
    archive: bytes


def code_of(root: Path = ROOT) -> Tree:
    """Return the code of a checkout as it lies there, changes that are not committed included."""
    try:
        names = git.git("ls-files", "-z", "--cached", "--others", "--exclude-standard", root=root).split("\0")
    except git.GitError:  # no checkout: what was unpacked is all there is
        names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
    kept = [name for name in dict.fromkeys(names) if name and _is_code(name) and (root / name).is_file()]
    archive = packed({name: (root / name).read_bytes() for name in kept})
    return Tree(hashlib.sha256(archive).hexdigest(), archive)


def _is_code(name: str) -> bool:
    parts = Path(name).parts
    return parts[0] not in _LEFT_OUT and not any(part.startswith(".venv") or part == "__pycache__" for part in parts)


def job(
    attempt: str, module: str, question: bytes, seconds: float, trees: Sequence[Tree], files: Mapping[str, bytes]
) -> bytes:
    """Return a job as harness.hosts.agent takes it.

    Args:
        attempt: its id, which no other job has.
        module: run in the first of the trees.
        seconds: longest time that it may take.
        files: by the names that the question calls them.
    """
    order: Dict[str, object] = {
        "attempt": attempt,
        "module": module,
        "seconds": seconds,
        "trees": [tree.digest for tree in trees],
    }
    table = os.environ.get(ops_info.TABLE_VARIABLE)
    if table:  # the one that was given here decides there, too
        files = {**files, "op-table.json": Path(table).read_bytes()}
        order["variables"] = {ops_info.TABLE_VARIABLE: "op-table.json"}
    return packed(
        {
            "order.json": json.dumps(order).encode(),
            "question": question,
            **{f"trees/{tree.digest}.zip": tree.archive for tree in trees},
            **{f"files/{name}": data for name, data in files.items()},
        }
    )


def answer(result: bytes, host: str) -> Dict[str, bytes]:
    """Return the entries of a result that has an answer; raises LostError, with the host's name, when it has none."""
    entries = unpacked(result)
    if "error" in entries:
        raise LostError(f"host {host}: {entries['error'].decode('utf-8', 'replace')}")
    return entries


def case_with_files(case: Case) -> Tuple[Case, Dict[str, bytes]]:
    """Return the case with its pictures named as files of a job, and those files."""
    files: Dict[str, bytes] = {}

    def name(path: str) -> str:
        own = f"{len(files)}-{Path(path).name}"
        files[own] = Path(path).read_bytes()
        return own

    return _with_paths(case, name), files


def baselines_of(trial: Trial) -> Dict[str, bytes]:
    """Return the baselines of the trial's case and mode, whatever device they are of, as files of a job.

    They lie below `baselines`, as in their own folder; without their pictures, which no trial reads.
    """
    if not trial.baselines:
        return {}
    root = Path(trial.baselines)
    home = Baselines(root).path(trial.suite, trial.case.id, trial.mode.name).parent
    paths = home.glob(f"*-{slug(trial.mode.name)}.json")
    return {f"baselines/{path.relative_to(root).as_posix()}": path.read_bytes() for path in paths}


def case_at(case: Case, home: Path) -> Case:
    """Return the case of a job with its pictures where they lie on this host; the job's folder is `home`."""
    return _with_paths(case, lambda name: str(home / "files" / name))


def _with_paths(case: Case, change: Callable[[str], str]) -> Case:
    is_file = case.initial not in ("content", "noise")
    changes = {
        "content": change(case.content),
        "further_contents": tuple(map(change, case.further_contents)),
        "styles": tuple(map(change, case.styles)),
        "initial": change(case.initial) if is_file else case.initial,
    }
    return case.model_copy(update=changes)


def network_missing(case: Case) -> str:
    """Return why this host cannot read the case's network, with its path and digest; empty when it can."""
    if case.network in vgg.BUILT_IN or Path(case.network).is_file():
        return ""
    digest = case.inputs.network_sha256 if case.inputs else "unknown"
    return f"network {case.network}: no such file on this host (expected the one with SHA-256 {digest})"


def files_of(options: Sequence[str]) -> Tuple[List[str], Dict[str, bytes]]:
    """Return a command line whose values that name files are named as files of a job, and those files."""
    changed: List[str] = []
    files: Dict[str, bytes] = {}
    for option, value in zip(options[::2], options[1::2]):
        path = Path(value)
        if option != "--network" and path.is_absolute() and path.is_file():
            value = f"files/{len(files)}-{path.name}"
            files[value[len("files/") :]] = path.read_bytes()
        changed += [option, value]
    return changed, files
