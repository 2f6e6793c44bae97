"""Measuring for a power card: pairs of fresh processes that run the same and step in turns, as `--against` has them.

Each pair serves twice: the process in head's place sleeps after each step, and both times of it are kept. A comparison
ends once both are decided. The pairs are journalled, so that hours of measuring survive an interruption.
"""

import statistics
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from harness import modes
from harness.comparisons.at_hosts import HostTwins
from harness.comparisons.disturbance import Disturbance
from harness.comparisons.referee import Referee
from harness.devices import memory, naming
from harness.devices.kinds import KINDS
from harness.errors import UsageError
from harness.gates.power_card import DELAY, is_decided
from harness.hosts.run import HostMachines
from harness.machine import environment
from harness.records import Calibration, CalibrationPair, Limit, Suite, Trial
from harness.records.events import Event, Sample
from harness.runs import dispatch
from harness.runs.machines import ThisMachine
from harness.runs.observer import CalibrationObserver, Observer
from harness.runs.runner import require_same_cases
from harness.statistics import twin_log_ratio
from harness.step.turns import PAIRED_STEPS, WARM_UP_STEPS
from harness.store.run_folder import RunFolder
from harness.trial.exchange import unmeasured
from harness.trial.place import LostError
from harness.trial.supervisor import run_trial


class TrialFailedError(RuntimeError):
    """A process did not end well; the message says which and why."""


def begin(
    suite: Suite,
    device: str,
    comparisons: int,
    looks: Tuple[int, int],
    disturbed: bool,
    results: Path,
    cache: str,
    machines: Optional[HostMachines] = None,
) -> Tuple[RunFolder, Calibration]:
    """Make the folder of a calibration of the suite's first case, in the mode whose time is this machine's own.

    Args:
        looks: fewest and most pairs of each comparison.
        disturbed: a load runs beside the measurement.
        machines: hosts that are measured on; None: this machine.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: an input cannot be used; nothing has been written.
    """
    chosen = naming.choose_one(device) if machines is None else naming.parse(machines.device)[0]
    mode = modes.get(KINDS[chosen.kind].reference_mode)
    own = machines or ThisMachine(chosen.name)
    case = own.resolve(suite.cases[0], cache, [mode], False)
    if machines is None and not memory.holds(2, [case], cache, [mode], chosen.name):
        raise UsageError(f"case {case.id}: two processes of it do not fit into this machine's memory: give --size")
    machine = own.describe()
    folder = RunFolder.create(results, f"calibrate-{suite.name}")
    calibration = Calibration(
        id=folder.path.name,
        suite=suite.name,
        case=case,
        mode=mode,
        device=chosen.name,
        timeout=suite.timeout,
        comparisons=comparisons,
        looks=looks,
        disturbed=disturbed,
        limits=suite.limits,
        baselines=suite.baselines,
        started=environment.now(),
        environment=machine,
    )
    folder.save_calibration(calibration)
    return folder, calibration


def measure(
    calibration: Calibration,
    limits: Sequence[Limit],
    folder: RunFolder,
    cache: str,
    observer: CalibrationObserver,
    machines: Optional[HostMachines] = None,
) -> List[List[CalibrationPair]]:
    """Measure what the journal lacks and return all pairs, comparison by comparison.

    Comparisons have fewer pairs than they take when Ctrl-C ended it, or a host went away.

    Args:
        limits: the suite's; they say when a comparison is decided.
        machines: hosts that the comparisons are spread over, each whole on one device; None: this machine.

    Raises:
        UsageError: the case or the environment has changed since the calibration began.
        TrialFailedError: a process did not end well.
    """
    observer.preparing("inputs")
    what = f"calibration {folder.path}"
    require_same_cases(what, [calibration.case], cache)
    (machines or ThisMachine(calibration.device)).require_unchanged(what, calibration.environment)
    groups = _recovered(calibration, folder)
    undecided = [number for number, group in enumerate(groups, 1) if not is_decided(calibration, group, limits)]
    decided = [group for number, group in enumerate(groups, 1) if number not in undecided]
    places = [HostTwins(device, folder.path) for device in machines.alike()] if machines else []
    lock = threading.Lock()

    def count() -> None:
        observer.counted(sum(map(len, groups)), len(decided), sum(map(len, decided)))

    def ask(index: int, number: int, stop: threading.Event) -> CalibrationPair:
        following = len(groups[number - 1]) + 1
        if places:
            return _pair_at(places[index], calibration, (number, following), folder, observer, lock, stop)
        return measure_pair(calibration, number, following, folder, cache, observer)

    def compare(index: int, number: int, stop: threading.Event) -> None:
        group, is_open = groups[number - 1], True
        try:
            while is_open:
                pair = ask(index, number, stop)
                with lock:
                    folder.append_journal(calibration.id, pair)
                    group.append(pair)
                    is_open = not is_decided(calibration, group, limits)
                    if not is_open:
                        decided.append(group)
                    count()
                    observer.pair_measured(pair)
        except LostError as error:  # --resume measures the comparison on
            if not places[index].device.is_alive():
                raise dispatch.GoneError from error

    count()
    lanes = len(places) or 1
    try:
        with Disturbance() if calibration.disturbed else nullcontext():
            dispatch.run_all([undecided[index::lanes] for index in range(lanes)], compare)
    except KeyboardInterrupt:
        pass
    return groups


def _pair_at(
    place: HostTwins,
    calibration: Calibration,
    numbers: Tuple[int, int],
    folder: RunFolder,
    observer: Observer,
    lock: threading.Lock,
    stop: threading.Event,
) -> CalibrationPair:
    """Measure a pair on a host, given by the numbers of its comparison and its own; raises TrialFailedError, LostError.

    Args:
        lock: held while the observer is told.
    """
    sides = (_trial(calibration, "{}.{}.{}".format(*numbers, side), side, folder, "", "") for side in ("base", "head"))
    trials = {trial.id: trial for trial in sides}
    with lock:
        for trial in trials.values():
            observer.trial_started(trial, numbers[0], calibration.comparisons)
    try:
        answer = place.measure(calibration, *numbers, stop)
    except LostError as error:
        with lock:
            for trial in trials.values():
                observer.trial_ended(trial, unmeasured(trial, folder, "crashed", str(error), result_lost=True))
        raise
    with lock:
        for result in answer.results:
            observer.trial_ended(trials[result.trial], result)
    if answer.pair is None:
        raise TrialFailedError(answer.error)
    return answer.pair


def _recovered(calibration: Calibration, folder: RunFolder) -> List[List[CalibrationPair]]:
    """Return the journal's pairs: a list for each comparison that is planned, empty where it has none."""
    groups: List[List[CalibrationPair]] = [[] for _ in range(calibration.comparisons)]
    for pair in folder.recover_journal(calibration.id, CalibrationPair):
        if pair.comparison > len(groups) or pair.number != len(groups[pair.comparison - 1]) + 1:
            raise UsageError(
                f"journal {folder.journal_path}: pair {pair.number} of comparison {pair.comparison} is out of order"
            )
        groups[pair.comparison - 1].append(pair)
    return groups


def measure_pair(
    calibration: Calibration, comparison: int, number: int, folder: RunFolder, cache: str, observer: Observer
) -> CalibrationPair:
    """Measure a pair of processes in turns, the second of them slowed down too; raises TrialFailedError."""
    order = ("base", "head") if number % 2 else ("head", "base")  # the first side alternates, as with each gate
    steps: Dict[str, List[Sample]] = {side: [] for side in order}
    lock, started = threading.Lock(), time.monotonic()
    with Referee(*order) as referee:
        name = f"{comparison}.{number}"
        trials = {
            side: _trial(calibration, f"{name}.{side}", side, folder, cache, referee.paths[side]) for side in order
        }

        def measure(_: int, side: str, stop: threading.Event) -> None:
            trial = trials[side]

            def hear(event: Event) -> None:
                with lock:
                    observer.event(trial, event)
                    if isinstance(event, Sample):
                        steps[side].append(event)

            with lock:
                observer.trial_started(trial, comparison, calibration.comparisons)
            result = run_trial(trial, folder, calibration.timeout, hear, stop)
            referee.call_off()
            with lock:
                observer.trial_ended(trial, result)
            if result.status != "ok":
                raise TrialFailedError(f"calibration {folder.path}: {trial.id}: {result.status}: {result.reason}")

        dispatch.run_all([[side] for side in order], measure)
    if min(referee.rounds, default=0) < WARM_UP_STEPS + PAIRED_STEPS - 1:  # one ends before the other's last turn
        raise TrialFailedError(f"calibration {folder.path}: the processes of pair {name} did not step in turns")
    paired = slice(WARM_UP_STEPS, WARM_UP_STEPS + PAIRED_STEPS)
    base, head = ([sample.seconds for sample in steps[side][paired]] for side in ("base", "head"))
    delayed = [sample.delayed_seconds for sample in steps["head"][paired] if sample.delayed_seconds is not None]
    return CalibrationPair(
        comparison=comparison,
        number=number,
        wall_seconds=time.monotonic() - started,
        base_seconds=statistics.median(base),
        head_seconds=statistics.median(head),
        delayed_seconds=statistics.median(delayed),
        log_ratio=twin_log_ratio(base, head),
        delayed_log_ratio=twin_log_ratio(base, delayed),
    )


def _trial(calibration: Calibration, trial_id: str, side: str, folder: RunFolder, cache: str, turns: str) -> Trial:
    return Trial(
        id=trial_id,
        case=calibration.case,
        mode=calibration.mode,
        device=calibration.device,
        replicate=1,
        picture=str(folder.trial_folder(trial_id) / "picture.png"),
        cache=cache,
        delay=DELAY if side == "head" else 0.0,
        turns=turns,
    )
