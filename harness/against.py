"""Base against head: two trees of this project measured in turn, in one session on one machine.

Each tree runs by its own command line in processes of its own, and only a few fields of its run.json are read, so that
the trees' records may differ. Timings of one session are paired: what slows the machine slows both.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from harness.environment import ROOT
from harness.errors import UsageError
from harness.records import Pair, Verdict
from harness.statistics import PairedRatio, holm, paired_log_ratio

CONFIDENCE = 0.95
"""Of the intervals; and 1 - CONFIDENCE is the family-wise error rate of the verdicts."""
BAND = 0.02
"""A change counts as real when its interval lies wholly beyond this, and"""
LIMIT = 0.05
"""as a regression when the point estimate is at least this. Within it, wholly, two revisions are equal."""


class IncomparableError(ValueError):
    """One side's result cannot be read, or is of another case; the message says which and why."""


class Tree(NamedTuple):
    """One side of the comparison."""

    name: str
    path: Path


@contextmanager
def base_tree(revision: str, root: Path = ROOT) -> Iterator[Tree]:
    """Check out a revision beside the working tree, and remove it afterwards.

    Raises:
        UsageError: this is no git checkout, or it has no such revision.
    """
    folder = tempfile.mkdtemp(prefix="stylebench-base-")
    tree = str(Path(folder) / "tree")
    try:
        added = _git(root, "worktree", "add", "--detach", tree, revision)
        if added.returncode:
            raise UsageError(f"--against {revision}: {added.stderr.strip().splitlines()[-1]} (expected a git revision)")
        yield Tree("base", Path(tree))
    finally:
        _git(root, "worktree", "remove", "--force", tree)
        shutil.rmtree(folder, ignore_errors=True)
        _git(root, "worktree", "prune")


def _git(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)


def measure_pairs(
    base: Tree,
    head: Tree,
    modes: Sequence[str],
    options: Sequence[str],
    pairs: int,
    folder: Path,
    hear: Callable[[int, str, str], None],
) -> List[Pair]:
    """Run both trees `pairs` times in each mode, ABBA, and return the paired step times.

    Args:
        options: command-line options that both trees get.
        folder: gets the runs of both.
        hear: told of each measurement before it begins: pair, tree, mode.

    Raises:
        IncomparableError: a tree's result cannot be read, or the trees ran different cases.
    """
    found = []
    for number in range(1, pairs + 1):
        for mode in modes:
            order = (base, head) if number % 2 else (head, base)
            sides = {}
            for tree in order:
                hear(number, tree.name, mode)
                sides[tree.name] = _measure(tree, mode, options, folder / f"{number}-{tree.name}-{mode}")
            found += _paired(mode, number, sides["base"], sides["head"])
    return found


def _measure(tree: Tree, mode: str, options: Sequence[str], output: Path) -> Dict[str, Any]:
    output.mkdir(parents=True)
    command = [sys.executable, "bench.py", *options, "--modes", mode, "--replicates", "1", "--output", str(output)]
    with open(output / "log.txt", "wb") as log:
        status = subprocess.run(command, cwd=str(tree.path), stdout=log, stderr=subprocess.STDOUT).returncode
    records = list(output.glob("*/run.json"))
    if status or len(records) != 1:
        raise IncomparableError(
            f"{tree.name}: bench.py ended with status {status} in mode {mode}; log {output / 'log.txt'}"
        )
    try:
        return dict(_readings(json.loads(records[0].read_bytes())))
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__} {error}"
        raise IncomparableError(f"{tree.name}: its record has another form ({reason}): {records[0]}") from error


def _readings(record: Dict[str, Any]) -> Iterator[Tuple[str, Tuple[Dict[str, Any], float, bool]]]:
    """By case: what decides its numbers, its step time, and whether that is emulated."""
    # Older records have the cases at the top.
    cases = record["suite"]["cases"] if isinstance(record["suite"], dict) else record["cases"]
    for trial in record["trials"]:
        (case,) = [case for case in cases if case["id"] == trial["case"]]
        identity = {name: case[name] for name in ("steps", "settings", "seed", "inputs")}
        yield trial["case"], (identity, float(trial["step_seconds"]), bool(trial.get("emulated", False)))


def _paired(mode: str, number: int, base: Dict[str, Any], head: Dict[str, Any]) -> Iterator[Pair]:
    if set(base) != set(head):
        raise IncomparableError(f"base ran the cases {sorted(base)}, head {sorted(head)}")
    for case, (identity, seconds, emulated) in head.items():
        base_identity, base_seconds, _ = base[case]
        if base_identity != identity:
            changed = [name for name in identity if identity[name] != base_identity[name]]
            raise IncomparableError(f"case {case} is another one in base: {', '.join(changed)} differ")
        yield Pair(
            case=case, mode=mode, number=number, base_seconds=base_seconds, head_seconds=seconds, emulated=emulated
        )


def judge_pairs(pairs: Sequence[Pair]) -> List[Verdict]:
    """Judge each case and mode; verdicts on emulated times are advisory, for they are not the card's.

    Regressed: the interval of head over base lies above 1 + BAND, at the family-wise rate (Holm), and the estimate is
    at least 1 + LIMIT. Equal: the whole interval lies within LIMIT. Anything else cannot be told.
    """
    keys = list(dict.fromkeys((pair.case, pair.mode) for pair in pairs))
    groups = [[pair for pair in pairs if (pair.case, pair.mode) == key] for key in keys]
    ratios = [
        paired_log_ratio(
            [pair.base_seconds for pair in group], [pair.head_seconds for pair in group], 1 + BAND, CONFIDENCE
        )
        for group in groups
    ]
    real = [index for index, group in enumerate(groups) if not group[0].emulated]
    # One-sided, so half of what the two-sided interval leaves.
    slower = dict(zip(real, holm([ratios[index].p_slower for index in real], (1 - CONFIDENCE) / 2)))
    verdicts = []
    for index, ((case, mode), ratio) in enumerate(zip(keys, ratios)):
        outcome, reason = _outcome(ratio, slower.get(index, ratio.low > 1 + BAND))
        verdicts.append(
            Verdict(
                gate="against",
                case=case,
                mode=mode,
                outcome=outcome,
                reason=reason,
                advisory=index not in slower,
                effect=ratio.estimate - 1,
                low=ratio.low - 1,
                high=ratio.high - 1,
                n=ratio.n,
                detectable=ratio.detectable - 1,
            )
        )
    return verdicts


def _outcome(ratio: PairedRatio, is_slower: bool) -> Tuple[str, str]:
    if is_slower and ratio.estimate >= 1 + LIMIT:
        return "fail", "slower"
    if ratio.high < 1 / (1 + BAND) and ratio.estimate <= 1 / (1 + LIMIT):
        return "pass", "faster"
    if ratio.low > 1 / (1 + LIMIT) and ratio.high < 1 + LIMIT:
        return "pass", "equal"
    return "inconclusive", "cannot_tell"
