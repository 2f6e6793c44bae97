"""Runs a suite: which trials in which order, with the record of them on the disk all along."""

import threading
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from pydantic import ValidationError

from harness.devices import naming
from harness.devices.kinds import KINDS
from harness.errors import UsageError
from harness.machine import environment
from harness.machine.child import prepare_forks
from harness.plans.explain import Question, check_op_names, explain
from harness.plans.figures import figures
from harness.records import Case, CasePlan, Mode, Run, Suite, TrialResult
from harness.runs.machines import Machines, ThisMachine, difference
from harness.runs.measuring import Measuring
from harness.runs.observer import Observer
from harness.runs.rounds import Rounds
from harness.runs.summary import growth, summarize
from harness.step import inputs
from harness.store.files import first_problem, slug
from harness.store.run_folder import RunFolder
from harness.trial.supervisor import is_emulated

CONFIRMATION_DELAY = 60.0
"""Least seconds from the end of a measurement to its confirmation, so that one disturbance does not hit both."""


def run_suite(
    suite: Suite,
    device: str,
    results: Path,
    cache: str,
    observer: Observer,
    command: Sequence[str] = (),
    health: bool = False,
    plans: bool = False,
    plan_only: bool = False,
    for_gate: bool = False,
    machines: Optional[Machines] = None,
    baselines: str = "",
) -> Tuple[Run, Path]:
    """Measure the suite; return the run and the path of its folder.

    A trial that fails is one result among the others. Ctrl-C ends the run early: it is returned with `complete` False,
    holding the trials that had finished.

    Args:
        health: the first replicate of each mode also counts what float16 loses.
        plans: record the card's dtype plan of each case and mode too.
        plan_only: record the plans and run no trial.
        for_gate: Run.for_gate of the run.
        machines: where its trials run; None: on the devices of this machine that `device` names.
        baselines: folder of baselines; pictures that are the approved ones take over their noise. Empty: none do.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: an input cannot be used; nothing has been written.
    """
    # Chosen once: a card that goes away is its trials' failure, and not a reason to go on with another device.
    machines = machines or ThisMachine(naming.named(naming.choose(device)))
    _prepare(suite, machines, plans or plan_only)
    observer.preparing("inputs")
    cases = tuple(machines.resolve(case, cache, suite.modes, plan_only) for case in suite.cases)
    suite = suite.model_copy(update={"cases": cases})
    _require_folders(suite)
    check_op_names(suite.cases, suite.modes, cache)
    observer.preparing("machine")
    machine = machines.describe()
    folder = RunFolder.create(results, suite.name)
    run = Run(
        id=folder.path.name,
        suite=suite,
        device=machines.device,
        hosts=machines.hosts,
        reference_mode=reference_mode(machines.device, suite.modes),
        health=health,
        started=environment.now(),
        command=tuple(command),
        environment=machine,
        for_gate=for_gate,
        plan_only=plan_only,
    )
    with _hint(folder):
        return _measure(run, folder, cache, observer, machines, baselines, plans or plan_only)


def _prepare(suite: Suite, machines: Machines, plans: bool) -> None:
    """Have what is forked later import TensorFlow now, long before the first step that is timed."""
    is_here = not machines.hosts and naming.parse(machines.device)[0].kind != "npu"
    if plans or is_here and (suite.fidelity or any(map(is_emulated, suite.modes))):
        prepare_forks()


def _require_folders(suite: Suite) -> None:
    """Raise UsageError when two cases or modes would share the folders of their trials."""
    for what, names in (("case", [case.id for case in suite.cases]), ("mode", [mode.name for mode in suite.modes])):
        known: Dict[str, str] = {}
        for name in names:
            other = known.setdefault(slug(name), name)
            if other != name:
                raise UsageError(
                    f"suite {suite.name}: the {what}s {other!r} and {name!r} have one folder {slug(name)!r}: rename one"
                )


def resume(
    path: Path,
    cache: str,
    observer: Observer,
    machines: Optional[Machines] = None,
    baselines: str = "",
    plans: bool = False,
) -> Tuple[Run, Path]:
    """Measure the trials that an interrupted run lacks; return the run and the path of its folder.

    Args:
        machines, baselines, plans: as run_suite has them.

    Raises:
        UsageError: the path is no run folder, the run is complete, or a case or the environment has changed since.
    """
    folder = RunFolder(path)
    run = folder.load()
    if run.complete:
        raise UsageError(f"run {path}: it is complete, nothing is left to resume")
    if machines is None and run.hosts:
        raise UsageError(f"run {path}: it is measured on several hosts (expected --hosts beside --resume)")
    machines = machines or ThisMachine(run.device)
    _prepare(run.suite, machines, plans)
    observer.preparing("inputs")
    require_same_cases(f"run {path}", run.suite.cases, cache)
    machines.require_unchanged(f"run {path}", run.environment)
    with _hint(folder):
        return _measure(_with_journal(run, folder), folder, cache, observer, machines, baselines, plans)


def _with_journal(run: Run, folder: RunFolder) -> Run:
    """Return the run with the trials of its journal; raises UsageError when one is none of this run's.

    Trials whose result was lost leave the journal, so that they are measured, and counted, once.
    """
    try:
        found: List[TrialResult] = folder.recover_journal(run.id)
        trials = [trial for trial in found if not trial.result_lost]
        if len(trials) < len(found):
            folder.rewrite_journal(run.id, trials)
        return Run(**{**dict(run), "trials": trials})
    except ValidationError as error:
        raise UsageError(f"journal {folder.journal_path}: {first_problem(error)} (measure anew)") from error


@contextmanager
def _hint(folder: RunFolder) -> Iterator[None]:
    """Add to an OSError, such as of a full disk, how to resume the run."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{error}; what was measured is kept, --resume {folder.path} measures the rest") from error


def require_same_cases(what: str, cases: Sequence[Case], cache: str) -> None:
    """Raise UsageError, beginning with `what`, when an input file has changed."""
    for case in cases:
        now = inputs.resolve(case, cache)
        if now.digest() != case.digest():
            raise UsageError(f"{what}: case {case.id} has changed: {difference(_inputs(case), _inputs(now))}")


def confirm(
    run: Run,
    path: Path,
    suspects: Sequence[Tuple[str, str]],
    cache: str,
    observer: Observer,
    machines: Optional[Machines] = None,
) -> Run:
    """Measure cases and modes a second time, in fresh processes, and return the run with these trials.

    The first round goes through the cases and modes in reverse order. Measuring begins once CONFIRMATION_DELAY has
    passed since the last trial of the first measurement. Ctrl-C ends it early: `complete` is then False.

    Args:
        suspects: id of the case and name of the mode, for each to be measured again.
    """
    folder = RunFolder(path)
    trials, slots = list(run.trials), (machines or ThisMachine(run.device)).slots(folder)
    batch = Rounds(run, folder, cache, slots).confirmation(suspects, trials)
    run = run.model_copy(update={"complete": False})
    folder.save(run)
    try:
        observer.waiting(_until_confirmation(trials))
        time.sleep(_until_confirmation(trials))
        complete = Measuring(run, folder, cache, slots, trials, observer).run_batch(batch)
        run = run.model_copy(update={"complete": complete})
    except KeyboardInterrupt:
        pass
    run = run.model_copy(update={"trials": trials})
    folder.save(run)
    folder.drop_shared()
    return run


def _until_confirmation(trials: Sequence[TrialResult]) -> float:
    """Return the seconds left until CONFIRMATION_DELAY has passed since the end of the first measurement."""
    first = [trial for trial in trials if not trial.confirmation]
    ended = max(datetime.fromisoformat(trial.started).timestamp() + trial.wall_seconds for trial in first)
    return max(ended + CONFIRMATION_DELAY - time.time(), 0.0)


def reference_mode(device: str, modes: Sequence[Mode]) -> str:
    """Return the name of the mode that ratios refer to on this device; the mode may have options added to it."""
    name = KINDS[naming.parse(device)[0].kind].reference_mode
    found = [mode.name for mode in modes if mode.name.split("+")[0] == name]
    return name if name in found or not found else found[0]


def _plans(suite: Suite, cache: str, stop: threading.Event) -> List[CasePlan]:
    return [
        CasePlan(case=case.id, mode=mode.name, figures=figures(plan))
        for case in suite.cases
        for mode, plan in zip(suite.modes, explain(Question(case=case, modes=suite.modes, cache=cache), stop))
    ]


def _inputs(case: Case) -> Dict[str, object]:
    return case.inputs.model_dump() if case.inputs else {}


def _measure(
    run: Run, folder: RunFolder, cache: str, observer: Observer, machines: Machines, baselines: str, wants_plans: bool
) -> Tuple[Run, Path]:
    """Run the trials that the run has no result of, and keep the record on the disk up to date."""
    trials, plans, slots = list(run.trials), list(run.plans), machines.slots(folder)
    folder.save(run)  # what --resume needs, should this process die

    def plan(stop: threading.Event) -> None:
        observer.preparing("plans")
        plans.extend(_plans(run.suite, cache, stop))

    complete = False
    try:
        measuring, left = Measuring(run, folder, cache, slots, trials, observer), False
        # After the first timed trials, for it may not run beside one and nobody waits for it.
        for batch in Rounds(run, folder, cache, slots, baselines).batches(trials):
            left = not measuring.run_batch(batch, [plan] if wants_plans and not plans else ())
            if not any(slot.place.is_alive() for slot in slots):
                break
        if wants_plans and not plans:  # there was no batch
            plan(threading.Event())
        complete = not left
    except KeyboardInterrupt:
        pass
    summaries = summarize(run.suite, trials, run.reference_mode, run.environment.machine_key)
    run = run.model_copy(
        update={
            "complete": complete,
            "trials": trials,
            "plans": plans,
            "summaries": summaries,
            "growth": growth(run.suite, summaries),
        }
    )
    folder.save(run)
    if complete:
        folder.drop_shared()
    return run, folder.path
