"""Base against head: two trees of this project measured in turn, in one session on one machine.

Each tree runs by its own command line in processes of its own, and only a few fields of its run.json are read, so that
the trees' records may differ. Timings of one session are paired: what slows the machine slows both.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from harness import modes
from harness.errors import UsageError
from harness.gates.power_card import Cards
from harness.gates.reasons import REASONS
from harness.gates.sequential import Looks
from harness.gates.timing_rule import judge_pairs
from harness.machine import environment, git
from harness.machine.child import tied
from harness.machine.git import ROOT, GitError
from harness.records import Comparison, Limit, Pair, Run, Verdict
from harness.store.files import write_atomic
from harness.store.run_folder import RunFolder

_TRIAL_FAILED = 5


class IncomparableError(ValueError):
    """One side's result cannot be read, or is of another case; the message says which and why."""


class TreeFailedError(IncomparableError):
    """One side's trial crashed, timed out, diverged or was refused."""


class Tree(NamedTuple):
    """One side of the comparison."""

    name: str
    path: Path


Hear = Callable[[int, str, str], None]
"""Told of each measurement before it begins: pair, tree, mode."""


def compare(
    revision: str,
    mode_names: Sequence[str],
    options: Sequence[str],
    pairs: Tuple[int, int],
    results: Path,
    cards: Cards,
    command: Sequence[str],
    hear: Hear,
) -> Tuple[Comparison, Path]:
    """Measure a revision and this tree in turn, and judge which is slower; return the record and its folder.

    Args:
        options: command-line options that both trees get.
        pairs: fewest and most; beyond the fewest, only modes that are not decided yet are measured on.

    Raises:
        UsageError: there is no such revision or mode.
        IncomparableError: a tree's result cannot be read, or the trees ran different cases.
    """
    names = list(dict.fromkeys(mode_names))
    for name in names:
        modes.get(name)
    started = environment.now()
    with base_tree(revision) as base:
        folder = RunFolder.create(results, "against").path

        def undecided(found: Sequence[Pair]) -> Collection[str]:
            return undecided_modes(found, _head_run(folder, names[0]).suite.limits, pairs)

        found = measure_pairs(base, Tree("head", ROOT), names, options, pairs, folder, hear, undecided)
    run = _head_run(folder, names[0])
    key, suite, limits = run.environment.machine_key, run.suite, run.suite.limits
    objections = {case.id: cards.objection(key, suite.name, case, limits) for case in suite.cases}
    comparison = Comparison(
        base=revision,
        started=started,
        command=tuple(command),
        pairs=tuple(found),
        verdicts=tuple(judge(found, limits, objections, pairs)),
        power_cards=tuple(cards.current(key, suite.name, suite.cases, limits)),
    )
    write_atomic(folder / "comparison.json", (comparison.model_dump_json(indent=1) + "\n").encode())
    return comparison, folder


def _head_run(folder: Path, mode: str) -> Run:
    """The run of this tree's first process in a mode."""
    (head,) = (folder / f"1-head-{mode}").glob("*/run.json")
    return RunFolder(head.parent).load()


def undecided_modes(pairs: Sequence[Pair], limits: Sequence[Limit], looks: Looks) -> Collection[str]:
    """The modes in which further pairs may still decide a case: not those whose times cannot gate or never settled."""
    verdicts = judge_pairs(pairs, limits, looks=looks)
    return {verdict.mode for verdict in verdicts if verdict.reason == "cannot_tell" and not verdict.advisory}


def judge(
    pairs: Sequence[Pair], limits: Sequence[Limit], objections: Mapping[str, Optional[str]], looks: Looks = None
) -> List[Verdict]:
    """Judge the pairs; `objections` says by case what is wrong with its power card.

    Both sides were measured in one session, so that the interval holds its error rate on any machine: only a card that
    shows the contrary takes the gate away, and that there is no card is said.
    """
    blocking = {case: objection for case, objection in objections.items() if objection == "alarming_card"}
    verdicts = []
    for verdict in judge_pairs(pairs, limits, blocking, looks):
        objection = objections.get(verdict.case)
        if objection and not verdict.advisory:
            verdict = verdict.model_copy(update={"details": (*verdict.details, REASONS[objection].happened)})
        verdicts.append(verdict)
    return verdicts


@contextmanager
def base_tree(revision: str, root: Path = ROOT) -> Iterator[Tree]:
    """Check out a revision beside the working tree, and remove it afterwards.

    Raises:
        UsageError: this is no git checkout, or it has no such revision.
    """
    folder = tempfile.mkdtemp(prefix="stylebench-base-")
    tree = Path(folder) / "tree"
    try:
        _check_out(revision, tree, root)
        yield Tree("base", tree)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(GitError):  # tells git that the tree is gone
            git.git("worktree", "prune", root=root)


def _check_out(revision: str, tree: Path, root: Path) -> None:
    # The checkout's own hooks are for work in it, not for a tree that is measured.
    add = ("-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--detach", str(tree))
    try:
        git.git(*add, git.commit(revision, root), root=root)
    except GitError as error:
        raise UsageError(f"--against {revision}: {error}") from error


def measure_pairs(
    base: Tree,
    head: Tree,
    mode_names: Sequence[str],
    options: Sequence[str],
    pairs: Tuple[int, int],
    folder: Path,
    hear: Hear,
    undecided: Callable[[Sequence[Pair]], Collection[str]],
) -> List[Pair]:
    """Run both trees in each mode, ABBA, until enough is known, and return the paired step times.

    Args:
        options: command-line options that both trees get.
        pairs: fewest and most.
        folder: gets the runs of both.
        undecided: which modes need another pair, given the pairs so far; asked once there are the fewest.

    Raises:
        IncomparableError: a tree's result cannot be read, or the trees ran different cases.
    """
    found: List[Pair] = []
    fewest, most = pairs
    for number in range(1, most + 1):
        wanted = mode_names if number <= fewest else undecided(found)
        if not wanted:
            break
        for mode in [name for name in mode_names if name in wanted]:
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
        status = subprocess.run(tied(command), cwd=str(tree.path), stdout=log, stderr=subprocess.STDOUT).returncode
    records = list(output.glob("*/run.json"))
    if status or len(records) != 1:
        kind = TreeFailedError if status == _TRIAL_FAILED else IncomparableError
        raise kind(f"{tree.name}: bench.py ended with status {status} in mode {mode}; log {output / 'log.txt'}")
    try:
        return dict(_readings(json.loads(records[0].read_bytes())))
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__} {error}"
        raise IncomparableError(f"{tree.name}: its record has another form ({reason}): {records[0]}") from error


def _readings(record: Dict[str, Any]) -> Iterator[Tuple[str, Tuple[Dict[str, Any], Optional[float], bool]]]:
    """By case: what decides its numbers, its step time unless it never settled, and whether that is emulated."""
    # Older records have the cases at the top.
    cases = record["suite"]["cases"] if isinstance(record["suite"], dict) else record["cases"]
    for trial in record["trials"]:
        (case,) = [case for case in cases if case["id"] == trial["case"]]
        identity = {name: case[name] for name in ("steps", "settings", "seed", "inputs")}
        seconds = None if trial.get("steady") is False else float(trial["step_seconds"])
        yield trial["case"], (identity, seconds, bool(trial.get("emulated", False)))


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
