"""What is run in which order, and the record of it."""

from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from harness import environment, inputs
from harness.errors import UsageError
from harness.events import Event
from harness.explain import Question, check_op_names, explain
from harness.plans import figures
from harness.records import Case, CasePlan, Environment, Mode, Run, Suite, Trial, TrialResult
from harness.store import RunFolder
from harness.summary import summarize
from harness.supervisor import run_trial


class Observer:
    """Hears of a run's progress; the base class stays silent."""

    def trial_started(self, trial: Trial, number: int, planned: int) -> None:
        """A worker is about to start; `number` counts from 1."""

    def event(self, trial: Trial, event: Event) -> None:
        """The worker reported something."""

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """The trial's outcome is in the journal."""


def balanced_order(suite: Suite) -> List[Tuple[Case, Mode, int]]:
    """Every case, mode and replicate; each other replicate in reverse, so that drift hits all modes alike."""
    order = []
    for replicate in range(1, suite.replicates + 1):
        pairs = [(case, mode, replicate) for case in suite.cases for mode in suite.modes]
        order += pairs if replicate % 2 else pairs[::-1]
    return order


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
) -> Tuple[Run, Path]:
    """Measure the suite; return the run and the path of its folder.

    A trial that fails is one result among the others. Ctrl-C ends the run early: it is returned with `complete` False,
    holding the trials that had finished.

    Args:
        health: the first replicate of each mode also counts what float16 loses.
        plans: record the card's dtype plan of each case and mode too, for the gate.
        plan_only: record nothing else.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: an input cannot be used; nothing has been written.
    """
    suite = suite.model_copy(update={"cases": tuple(inputs.resolve(case, cache) for case in suite.cases)})
    check_op_names(suite.cases, suite.modes, cache)
    machine = environment.describe()
    folder = RunFolder.create(results, suite.name)
    run = Run(
        id=folder.path.name,
        suite=suite,
        device=device,
        health=health,
        started=environment.now(),
        command=tuple(command),
        environment=machine,
        plan_only=plan_only,
        plans=_plans(suite, cache) if plans or plan_only else [],
    )
    with _hint(folder):
        return _measure(run, folder, cache, observer)


def resume(path: Path, cache: str, observer: Observer) -> Tuple[Run, Path]:
    """Measure what an interrupted run is missing; return as run_suite does.

    Raises:
        UsageError: it is no run folder, nothing is missing, or the case or the environment has changed since.
    """
    folder = RunFolder(path)
    run = folder.load()
    if run.complete:
        raise UsageError(f"run {path}: it is complete, nothing is left to resume")
    for case in run.suite.cases:
        now = inputs.resolve(case, cache)
        if now.digest() != case.digest():
            raise UsageError(f"run {path}: case {case.id} has changed: {_difference(_inputs(case), _inputs(now))}")
    before, now = _comparable(run.environment), _comparable(environment.describe())
    if before != now:
        raise UsageError(f"run {path}: the environment has changed: {_difference(before, now)}")
    with _hint(folder):
        return _measure(run.model_copy(update={"trials": folder.recover_journal()}), folder, cache, observer)


@contextmanager
def _hint(folder: RunFolder) -> Iterator[None]:
    """Tell whoever's disk is full or gone that the run is not lost."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{error}; what was measured is kept, --resume {folder.path} measures the rest") from error


def _plans(suite: Suite, cache: str) -> List[CasePlan]:
    return [
        CasePlan(case=case.id, mode=mode.name, figures=figures(plan))
        for case in suite.cases
        for mode, plan in zip(suite.modes, explain(Question(case=case, modes=suite.modes, cache=cache)))
    ]


def _inputs(case: Case) -> Dict[str, object]:
    return case.inputs.model_dump() if case.inputs else {}


def _comparable(machine: Environment) -> Dict[str, object]:
    return machine.model_dump(exclude={"load_average"})


def _difference(before: Dict[str, object], now: Dict[str, object]) -> str:
    changed = [name for name in before if before[name] != now.get(name)]
    return "; ".join(f"{name} was {before[name]}, is {now.get(name)}" for name in changed)


def _measure(run: Run, folder: RunFolder, cache: str, observer: Observer) -> Tuple[Run, Path]:
    """Run the trials that the run has no result of, keeping the record on the disk all along."""
    trials = list(run.trials)
    folder.save(run)  # what --resume needs, should this process die
    done = {trial.trial for trial in trials}
    order = [] if run.plan_only else balanced_order(run.suite)
    complete = False
    try:
        for number, (case, mode, replicate) in enumerate(order, 1):
            trial = _trial(run, case, mode, replicate, folder, cache)
            if trial.id in done:
                continue
            observer.trial_started(trial, number, len(order))
            result = run_trial(
                trial, folder, run.suite.timeout, lambda event, trial=trial: observer.event(trial, event)
            )
            folder.append_journal(result)
            trials.append(result)
            observer.trial_ended(trial, result)
        complete = True
    except KeyboardInterrupt:
        pass
    run = run.model_copy(update={"complete": complete, "trials": trials, "summaries": summarize(run.suite, trials)})
    folder.save(run)
    return run, folder.path


def _trial(run: Run, case: Case, mode: Mode, replicate: int, folder: RunFolder, cache: str) -> Trial:
    trial_id = f"{case.id}.{mode.name}.{replicate}"
    return Trial(
        id=trial_id,
        case=case,
        mode=mode,
        device=run.device,
        replicate=replicate,
        warmup=run.suite.warmup,
        picture=str(folder.trial_folder(trial_id) / "picture.png"),
        cache=cache,
        health=run.health and replicate == 1,
    )
