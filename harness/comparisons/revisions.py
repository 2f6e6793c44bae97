"""Base against head: two trees of this project, measured in one session on one machine, pair by pair until decided."""

import os
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Collection, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from harness import modes
from harness.comparisons.at_hosts import HostMeter
from harness.comparisons.trees import Meter, Tree
from harness.errors import UsageError
from harness.gates.power_card import Cards
from harness.gates.sequential import Looks
from harness.gates.timing_rule import judge_pairs, wants_another_pair
from harness.hosts.run import HostMachines
from harness.hosts.shipping import code_of
from harness.machine import environment, git
from harness.machine.git import ROOT, GitError
from harness.records import Comparison, Limit, Pair, Run, Verdict
from harness.remark import Remark, remark
from harness.runs import dispatch
from harness.runs.observer import PairObserver
from harness.store.run_folder import RunFolder
from harness.trial.place import LostError


class LostPairError(Exception):
    """A host gave no result of a pair; the message says why. What was measured is in the journal, for `resume`."""

    def __init__(self, reason: str, pairs: int, folder: Path) -> None:
        super().__init__(reason)
        self.pairs, self.folder = pairs, folder


class Plan(NamedTuple):
    """What is to be measured of both trees, and how often."""

    modes: Sequence[str]
    options: Sequence[str]
    """Command-line options that both trees get."""
    looks: Tuple[int, int]
    """Fewest and most pairs; beyond the fewest, only modes that are not decided yet are measured on."""
    budget: Optional[float]
    """Seconds after which no pair is begun beyond the fewest; None: no limit."""
    in_turns: bool
    """False where the machine's memory does not hold two processes at once."""
    timeout: float
    """Seconds that one pair may take."""
    command: Sequence[str]


def compare(
    revision: str,
    plan: Plan,
    results: Path,
    cards: Cards,
    observer: PairObserver,
    machines: Optional[HostMachines] = None,
) -> Tuple[Comparison, Path]:
    """Measure a revision and this tree, and judge which is slower; return the record and its folder.

    Args:
        machines: hosts that the pairs are measured on; None: this machine.

    Raises:
        UsageError: there is no such revision or mode.
        IncomparableError: a tree's result cannot be read, or the trees ran different cases.
        LostPairError: a host went away.
    """
    names = tuple(dict.fromkeys(plan.modes))
    for name in names:
        modes.get(name)
    try:
        commit = git.commit(revision)
    except GitError as error:
        raise UsageError(f"--against {revision}: {error}") from error
    comparison = Comparison(
        base=revision,
        base_commit=commit,
        head=git.describe(),
        modes=names,
        options=tuple(plan.options),
        looks=plan.looks,
        budget=plan.budget,
        timeout=plan.timeout,
        in_turns=None if plan.in_turns else False,
        started=environment.now(),
        command=tuple(plan.command),
        complete=False,
    )
    folder = RunFolder.create(results, "against")
    folder.save_comparison(comparison)
    return measure(comparison, folder, cards, observer, machines)


def resume(
    path: Path, cards: Cards, observer: PairObserver, machines: Optional[HostMachines] = None
) -> Tuple[Comparison, Path]:
    """Measure the pairs that an interrupted comparison lacks, and judge it; return and raise as `compare` does.

    Raises:
        UsageError: nothing is missing, or this tree is another one by now.
    """
    folder = RunFolder(path)
    comparison = folder.load_comparison()
    if comparison.complete:
        raise UsageError(f"comparison {path}: it is complete, nothing is left to resume")
    if comparison.head != git.describe():
        raise UsageError(f"comparison {path}: this tree was {comparison.head}, is {git.describe()}")
    return measure(comparison, folder, cards, observer, machines)


def measure(
    comparison: Comparison,
    folder: RunFolder,
    cards: Cards,
    observer: PairObserver,
    machines: Optional[HostMachines] = None,
) -> Tuple[Comparison, Path]:
    """Measure what the journal lacks, and judge the whole.

    After Ctrl-C there are no verdicts, and `resume` goes on.
    """
    pairs = folder.recover_journal(comparison.owner, Pair)
    for pair in pairs:
        if pair.mode not in comparison.modes or pair.number > comparison.looks[1]:
            raise UsageError(f"journal {folder.journal_path}: pair {pair.number} in mode {pair.mode} is not asked for")
    try:
        with base_tree(comparison.base_commit) as base:
            meters = _meters(comparison, folder, base, observer, machines)
            stopped = measure_pairs(comparison, meters, pairs, folder, observer)
    except KeyboardInterrupt:
        return comparison.model_copy(update={"pairs": tuple(pairs)}), folder.path
    except LostError as error:
        raise LostPairError(str(error), len(pairs), folder.path) from error
    run = _head_run(folder.path, comparison.modes[0])
    key, suite, limits = run.environment.machine_key, run.suite, run.suite.limits
    objections = {case.id: cards.objection(key, suite.name, case, limits) for case in suite.cases}
    in_turns = all(meter.in_turns for meter in meters)
    told = () if in_turns else (remark("not_in_turns"),)
    pairs.sort(key=lambda pair: pair.number)
    comparison = comparison.model_copy(
        update={
            "in_turns": in_turns,
            "complete": True,
            "pairs": tuple(pairs),
            "verdicts": tuple(judge(pairs, limits, objections, comparison.looks, (*told, *stopped))),
            "power_cards": tuple(cards.current(key, suite.name, suite.cases, limits)),
        }
    )
    folder.save_comparison(comparison)
    return comparison, folder.path


def _meters(
    comparison: Comparison, folder: RunFolder, base: Tree, observer: PairObserver, machines: Optional[HostMachines]
) -> Sequence[Union[Meter, HostMeter]]:
    in_turns = comparison.in_turns is not False
    options, timeout = comparison.options, comparison.timeout
    if machines is None:
        return [Meter(base, Tree("head", ROOT), options, folder.path, observer, in_turns, timeout)]
    code = code_of(base.path)
    return [HostMeter(each, code, options, folder.path, observer, in_turns, timeout) for each in machines.alike()]


def measure_pairs(
    comparison: Comparison,
    meters: Sequence[Union[Meter, HostMeter]],
    pairs: List[Pair],
    folder: RunFolder,
    observer: PairObserver,
) -> Tuple[Remark, ...]:
    """Add to the pairs, and to the journal, until each mode has the fewest, and then until each is decided.

    Several meters work side by side; beyond the fewest, each measures one pair before it is looked again.

    Returns:
        That the time budget ended it before, where it did.

    Raises:
        IncomparableError: a tree's result cannot be read, or the trees ran different cases.
        LostError: a host went away; what the others measured meanwhile is in the journal.
    """
    fewest, most = comparison.looks
    started = time.monotonic()
    observer.measured(tuple(pairs))
    begun, last = 0, fewest
    while begun < most:
        wanted: Collection[str] = comparison.modes
        if begun >= fewest:
            wanted = undecided_modes(pairs, _head_run(folder.path, comparison.modes[0]).suite.limits, comparison.looks)
        if not wanted:
            break
        if begun >= fewest and comparison.budget is not None and time.monotonic() - started > comparison.budget:
            return (remark("budget_spent", seconds=comparison.budget),)
        done = {(pair.number, pair.mode) for pair in pairs}
        due = [(number, mode) for number in range(begun + 1, last + 1) for mode in comparison.modes if mode in wanted]
        _measure_due([each for each in due if each not in done], comparison, meters, pairs, folder, observer)
        begun, last = last, min(last + len(meters), most)
    return ()


def _measure_due(
    due: Sequence[Tuple[int, str]],
    comparison: Comparison,
    meters: Sequence[Union[Meter, HostMeter]],
    pairs: List[Pair],
    folder: RunFolder,
    observer: PairObserver,
) -> None:
    """Measure pairs, each given by its number and mode, at all meters at once; raises as measure_pairs does."""
    lock, lost = threading.Lock(), []

    def run(index: int, each: Tuple[int, str], stop: threading.Event) -> None:
        meter = meters[index]
        try:
            found = meter.measure(*each, stop)
        except LostError as error:
            lost.append(error)
            if isinstance(meter, HostMeter) and not meter.device.is_alive():
                raise dispatch.GoneError from error
            return
        with lock:
            for pair in found:
                folder.append_journal(comparison.owner, pair)
                pairs.append(pair)
            observer.measured(tuple(pairs))

    dispatch.run_all([due[index :: len(meters)] for index in range(len(meters))], run)
    if lost:
        raise lost[0]


def _head_run(folder: Path, mode: str) -> Run:
    """The run of this tree's first process in a mode."""
    found = list((folder / f"1-head-{mode}").glob("*/run.json"))
    if len(found) != 1:
        raise UsageError(f"comparison {folder}: {len(found)} runs of this tree in 1-head-{mode} (expected one)")
    return RunFolder(found[0].parent).load()


def undecided_modes(pairs: Sequence[Pair], limits: Sequence[Limit], looks: Looks) -> Collection[str]:
    """The modes in which further pairs may tell more of a case: not those whose times cannot gate or never settled."""
    verdicts = judge_pairs(pairs, limits, looks=looks)
    return {verdict.mode for verdict in verdicts if wants_another_pair(verdict) and not verdict.advisory}


def judge(
    pairs: Sequence[Pair],
    limits: Sequence[Limit],
    objections: Mapping[str, Optional[str]],
    looks: Looks = None,
    told: Tuple[Remark, ...] = (),
) -> List[Verdict]:
    """Judge the pairs; `objections` says by case what is wrong with its power card.

    Both sides were measured in one session, so that the interval holds its error rate on any machine: only a card that
    shows the contrary takes the gate away, and that there is no card is said.

    Args:
        told: what is to be said of how the pairs were measured.
    """
    blocking = {case: objection for case, objection in objections.items() if objection == "alarming_card"}
    verdicts = []
    for verdict in judge_pairs(pairs, limits, blocking, looks):
        objection = objections.get(verdict.case)
        said = (*told, remark(objection)) if objection and not verdict.advisory else told
        verdict = verdict.model_copy(update={"details": (*verdict.details, *said)})
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
