"""Runs a suite: which trials in which order, with the record of them on the disk all along."""

import os
import threading
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

from pydantic import ValidationError

from harness.devices import memory, naming
from harness.devices.kinds import KINDS
from harness.errors import UsageError
from harness.machine import environment
from harness.plans.explain import Question, check_op_names, explain
from harness.plans.figures import figures
from harness.records import Case, CasePlan, Environment, Mode, Run, Suite, Trial, TrialResult
from harness.records.events import Event
from harness.runs import dispatch
from harness.runs.stopping import wanted
from harness.runs.summary import growth, summarize
from harness.step import inputs
from harness.step.turns import VARIABLE
from harness.store.files import first_problem, slug
from harness.store.run_folder import RunFolder
from harness.trial.exchange import here, measure
from harness.trial.place import Place

CONFIRMATION_DELAY = 60.0
"""Least seconds from the end of a measurement to its confirmation, so that one disturbance does not hit both."""
At = Callable[[RunFolder], Place]
"""Returns where the trials of a run with this folder are run."""


class Observer:
    """Hears of a run's progress; the base class stays silent."""

    def preparing(self, what: str) -> None:
        """Before the trials, `inputs` are about to be read, or `plans` to be made of the card's dtypes."""

    def waiting(self, seconds: float) -> None:
        """Nothing runs for this many seconds, before figures are measured a second time."""

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """A worker is about to start: trial `number`, from 1, of `planned` trials."""

    def event(self, trial: Trial, event: Event) -> None:
        """The trial's worker reported this event."""

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """The trial's outcome is in the journal."""


def balanced_round(suite: Suite, replicate: int) -> List[Tuple[Case, Mode]]:
    """Return every case in every mode, in reverse for even replicates, so that drift hits all modes alike."""
    pairs = [(case, mode) for case in suite.cases for mode in suite.modes]
    return pairs if replicate % 2 else pairs[::-1]


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
    at: At = here,
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
        at: where its trials run.
        baselines: folder of baselines; pictures that are the approved ones take over their noise. Empty: none do.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: an input cannot be used; nothing has been written.
    """
    # Chosen once: a card that goes away is its trials' failure, and not a reason to go on with another device.
    device = naming.named(naming.choose(device))
    observer.preparing("inputs")
    suite = suite.model_copy(
        update={"cases": tuple(memory.resolve(case, cache, suite.modes, device, plan_only) for case in suite.cases)}
    )
    _require_folders(suite)
    check_op_names(suite.cases, suite.modes, cache)
    machine = environment.describe(device=device)
    folder = RunFolder.create(results, suite.name)
    observer.preparing("plans")
    run = Run(
        id=folder.path.name,
        suite=suite,
        device=device,
        reference_mode=reference_mode(device, suite.modes),
        health=health,
        started=environment.now(),
        command=tuple(command),
        environment=machine,
        for_gate=for_gate,
        plan_only=plan_only,
        plans=_plans(suite, cache) if plan_only or plans else [],
    )
    with _hint(folder):
        return _measure(run, folder, cache, observer, at, baselines)


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


def resume(path: Path, cache: str, observer: Observer, at: At = here, baselines: str = "") -> Tuple[Run, Path]:
    """Measure the trials that an interrupted run lacks; return the run and the path of its folder.

    Args:
        at, baselines: as run_suite has them.

    Raises:
        UsageError: the path is no run folder, the run is complete, or a case or the environment has changed since.
    """
    folder = RunFolder(path)
    run = folder.load()
    if run.complete:
        raise UsageError(f"run {path}: it is complete, nothing is left to resume")
    observer.preparing("inputs")
    require_unchanged(f"run {path}", run.suite.cases, run.environment, run.device, cache)
    with _hint(folder):
        return _measure(_with_journal(run, folder), folder, cache, observer, at, baselines)


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


def require_unchanged(what: str, cases: Sequence[Case], machine: Environment, device: str, cache: str) -> None:
    """Raise UsageError, beginning with `what`, when an input file, the machine or its software has changed."""
    for case in cases:
        now = inputs.resolve(case, cache)
        if now.digest() != case.digest():
            raise UsageError(f"{what}: case {case.id} has changed: {_difference(_inputs(case), _inputs(now))}")
    before, after = _comparable(machine), _comparable(environment.describe(device=device))
    if before != after:
        raise UsageError(f"{what}: the environment has changed: {_difference(before, after)}")


def confirm(
    run: Run, path: Path, suspects: Sequence[Tuple[str, str]], cache: str, observer: Observer, at: At = here
) -> Run:
    """Measure cases and modes a second time, in fresh processes, and return the run with these trials.

    The first round goes through the cases and modes in reverse order. Measuring begins once CONFIRMATION_DELAY has
    passed since the last trial of the first measurement. Ctrl-C ends it early: `complete` is then False.

    Args:
        suspects: id of the case and name of the mode, for each to be measured again.
    """
    folder = RunFolder(path)
    trials = list(run.trials)
    done = {trial.trial for trial in trials}
    wanted = [(case, mode) for case in run.suite.cases for mode in run.suite.modes if (case.id, mode.name) in suspects]
    order = [
        _trial(run, case, mode, replicate, folder, cache, confirmation=True)
        for replicate in range(1, run.suite.replicates + 1)
        for case, mode in (wanted[::-1] if replicate % 2 else wanted)
    ]
    missing = [(number, trial) for number, trial in enumerate(order, 1) if trial.id not in done]
    run = run.model_copy(update={"complete": False})
    folder.save(run)
    try:
        observer.waiting(_until_confirmation(trials))
        time.sleep(_until_confirmation(trials))
        _run_trials(missing, len(order), run, trials, folder, observer, at)
        run = run.model_copy(update={"complete": not any(trial.result_lost for trial in trials)})
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


def _plans(suite: Suite, cache: str) -> List[CasePlan]:
    return [
        CasePlan(case=case.id, mode=mode.name, figures=figures(plan))
        for case in suite.cases
        for mode, plan in zip(suite.modes, explain(Question(case=case, modes=suite.modes, cache=cache)))
    ]


def _inputs(case: Case) -> Dict[str, object]:
    return case.inputs.model_dump() if case.inputs else {}


def _comparable(machine: Environment) -> Dict[str, object]:
    # The conditions follow from what else is here, and so does what git says of the revision.
    return machine.model_dump(exclude={"load_average", "conditions", "machine_key", "commit", "committed", "branch"})


def _difference(before: Dict[str, object], now: Dict[str, object]) -> str:
    changed = [name for name in before if before[name] != now.get(name)]
    return "; ".join(f"{name} was {before[name]}, is {now.get(name)}" for name in changed)


def _measure(run: Run, folder: RunFolder, cache: str, observer: Observer, at: At, baselines: str) -> Tuple[Run, Path]:
    """Run the trials that the run has no result of, and keep the record on the disk up to date."""
    trials = list(run.trials)
    folder.save(run)  # what --resume needs, should this process die
    complete = False
    try:
        for missing, planned in _rounds(run, trials, folder, cache, baselines):
            _run_trials(missing, planned, run, trials, folder, observer, at)
        complete = not any(trial.result_lost for trial in trials)
    except KeyboardInterrupt:
        pass
    summaries = summarize(run.suite, trials, run.reference_mode)
    run = run.model_copy(
        update={
            "complete": complete,
            "trials": trials,
            "summaries": summaries,
            "growth": growth(run.suite, summaries),
        }
    )
    folder.save(run)
    if complete:
        folder.drop_shared()
    return run, folder.path


def _rounds(
    run: Run, trials: Sequence[TrialResult], folder: RunFolder, cache: str, baselines: str
) -> Iterator[Tuple[List[Tuple[int, Trial]], int]]:
    """Yield batches of trials that have no result yet, each trial with its number, and the total known so far.

    The first batch is one round of every case and mode, which shows what is emulated. The second has the other rounds
    that are always made. Each further batch is one round of the cases and modes that need another process. Where the
    number of rounds is fixed, all are one batch.

    Args:
        trials: results so far; the caller adds those of each batch before it asks for the next, which they decide.
    """
    if run.plan_only:
        return
    suite, done, made = run.suite, {trial.trial for trial in trials}, 0
    begun, last = 0, 1 if suite.max_replicates else suite.replicates
    while True:
        order = [
            _trial(run, case, mode, replicate, folder, cache, baselines=baselines)
            for replicate in range(begun + 1, last + 1)
            for case, mode in _due(suite, replicate, [trial for trial in trials if trial.replicate <= begun])
        ]
        if not order and begun >= suite.replicates:
            return
        certain = len(suite.cases) * len(suite.modes) * suite.replicates if begun == 0 else 0
        numbered = enumerate(order, made + 1)
        yield [(number, trial) for number, trial in numbered if trial.id not in done], max(made + len(order), certain)
        made, begun, last = made + len(order), last, max(suite.replicates, last + 1)


def _due(suite: Suite, replicate: int, trials: Sequence[TrialResult]) -> List[Tuple[Case, Mode]]:
    """Return the cases and modes that run in a round, given the trials of the rounds before its batch."""
    pairs = balanced_round(suite, replicate)
    if replicate > suite.replicates:
        chosen = wanted(suite, trials)
        return [(case, mode) for case, mode in pairs if (case.id, mode.name) in chosen]
    return [(case, mode) for case, mode in pairs if replicate <= suite.least(_of(trials, case, mode))]


def _of(trials: Sequence[TrialResult], case: Case, mode: Mode) -> List[TrialResult]:
    return [trial for trial in trials if (trial.case, trial.mode) == (case.id, mode.name)]


def _run_trials(
    numbered: Sequence[Tuple[int, Trial]],
    planned: int,
    run: Run,
    trials: List[TrialResult],
    folder: RunFolder,
    observer: Observer,
    at: At,
) -> None:
    """Run the trials, each on its device and all devices at once; each result joins the journal, then `trials`."""
    by_device: Dict[str, List[Tuple[int, Trial]]] = {}
    for number, trial in numbered:
        by_device.setdefault(trial.device, []).append((number, trial))
    lock = threading.Lock()

    place = at(folder)

    def run_one(job: Tuple[int, Trial], stop: threading.Event) -> None:
        number, trial = job

        def hear(event: Event) -> None:
            with lock:
                observer.event(trial, event)

        with lock:
            observer.trial_started(trial, number, planned)
        result = measure(place, trial, folder, run.suite.timeout, hear, stop if len(by_device) > 1 else None)
        with lock:
            folder.append_journal(run.id, result)
            trials.append(result)
            observer.trial_ended(trial, result)

    dispatch.run_all(list(by_device.values()), run_one)


def _trial(
    run: Run,
    case: Case,
    mode: Mode,
    replicate: int,
    folder: RunFolder,
    cache: str,
    confirmation: bool = False,
    baselines: str = "",
) -> Trial:
    trial_id = f"{case.id}.{mode.name}.{'again' if confirmation else ''}{replicate}"
    chosen = naming.parse(run.device)
    pair = run.suite.cases.index(case) * len(run.suite.modes) + run.suite.modes.index(mode)
    slot = dispatch.rotated(pair, replicate, len(chosen))
    attempt = folder.next_attempt(trial_id)
    return Trial(
        id=trial_id,
        case=case,
        mode=mode,
        device=chosen[slot].name,
        replicate=replicate,
        attempt=attempt,
        picture=str(folder.trial_path(trial_id, attempt) / "picture.png"),
        cache=cache,
        health=run.health and replicate == 1 and not confirmation,
        confirmation=confirmation,
        rates=_measures_rates(run, case, mode, replicate) and not confirmation,
        turns=os.environ.get(VARIABLE, ""),
        fidelity=run.suite.fidelity,
        envelopes=_noise_formats(run) if run.suite.fidelity and mode.name == run.reference_mode else (),
        targets=str(folder.targets_path(case.id, mode.name)) if run.suite.replicates > 1 else "",
        suite=run.suite.name,
        baselines=baselines,
        oracle=str(folder.oracle_path(case.id)) if run.suite.fidelity else "",
    )


def _measures_rates(run: Run, case: Case, mode: Mode, replicate: int) -> bool:
    """Return True for one trial of a run that times its steps: the first of the mode that the others refer to."""
    modes = [each.name for each in run.suite.modes]
    first = run.reference_mode if run.reference_mode in modes else modes[0]
    return run.suite.fidelity is None and (case, mode.name, replicate) == (run.suite.cases[0], first, 1)


def _noise_formats(run: Run) -> Tuple[str, ...]:
    """Return the number formats whose noise is to be measured: those that the run's modes compute in."""
    return tuple(dict.fromkeys(mode.format for mode in run.suite.modes))
