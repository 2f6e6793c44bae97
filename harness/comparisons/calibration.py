"""Measuring for a power card: pairs of fresh processes that run the same and step in turns, as `--against` has them.

Each pair serves twice: the process in head's place also makes its steps again, really slowed down. The pairs are
journalled, so that hours of measuring survive an interruption.
"""

import statistics
import threading
from pathlib import Path
from typing import Dict, List, Tuple

from harness import modes
from harness.comparisons.referee import Referee
from harness.devices import memory, naming
from harness.devices.kinds import KINDS
from harness.errors import UsageError
from harness.gates.power_card import DELAY
from harness.machine import environment
from harness.records import Calibration, CalibrationPair, Suite, Trial
from harness.records.events import Event, Sample
from harness.runs import dispatch
from harness.runs.runner import Observer, require_unchanged
from harness.statistics import twin_log_ratio
from harness.step.turns import PAIRED_STEPS, WARM_UP_STEPS
from harness.store.run_folder import RunFolder
from harness.trial.supervisor import run_trial


class TrialFailedError(RuntimeError):
    """A process did not end well; the message says which and why."""


def begin(
    suite: Suite, device: str, comparisons: int, pairs: int, results: Path, cache: str
) -> Tuple[RunFolder, Calibration]:
    """Make the folder of a calibration of the suite's first case, in the mode whose time is this machine's own.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: an input cannot be used; nothing has been written.
    """
    chosen = naming.choose_one(device)
    mode = modes.get(KINDS[chosen.kind].reference_mode)
    case = memory.resolve(suite.cases[0], cache, [mode], chosen.name)
    machine = environment.describe(device=chosen.name)
    folder = RunFolder.create(results, f"calibrate-{suite.name}")
    calibration = Calibration(
        id=folder.path.name,
        suite=suite.name,
        case=case,
        mode=mode,
        device=chosen.name,
        timeout=suite.timeout,
        comparisons=comparisons,
        pairs=pairs,
        started=environment.now(),
        environment=machine,
    )
    folder.save_calibration(calibration)
    return folder, calibration


def measure(calibration: Calibration, folder: RunFolder, cache: str, observer: Observer) -> List[CalibrationPair]:
    """Measure the pairs that the journal lacks and return all; fewer than planned when Ctrl-C ended it.

    Raises:
        UsageError: the case or the environment has changed since the calibration began.
        TrialFailedError: a process did not end well.
    """
    require_unchanged(
        f"calibration {folder.path}", [calibration.case], calibration.environment, calibration.device, cache
    )
    found = folder.recover_journal(calibration.id, CalibrationPair)
    if [pair.number for pair in found] != list(range(1, min(len(found), calibration.planned_pairs) + 1)):
        raise UsageError(f"journal {folder.journal_path}: its pairs are not 1 to {calibration.planned_pairs} in order")
    try:
        for number in range(len(found) + 1, calibration.planned_pairs + 1):
            pair = _measure_pair(calibration, number, folder, cache, observer)
            folder.append_journal(calibration.id, pair)
            found.append(pair)
    except KeyboardInterrupt:
        pass
    return found


def _measure_pair(
    calibration: Calibration, number: int, folder: RunFolder, cache: str, observer: Observer
) -> CalibrationPair:
    # The first side alternates, anew with each comparison, as it does with each gate.
    base_first = (number - 1) % calibration.pairs % 2 == 0
    order = ("base", "head") if base_first else ("head", "base")
    steps: Dict[str, List[float]] = {side: [] for side in order}
    lock = threading.Lock()
    with Referee(*order) as referee:
        trials = {side: _trial(calibration, number, side, folder, cache, referee.paths[side]) for side in order}

        def measure(side: str, stop: threading.Event) -> None:
            trial = trials[side]

            def hear(event: Event) -> None:
                with lock:
                    observer.event(trial, event)
                    if isinstance(event, Sample):
                        steps[side].append(event.seconds)

            with lock:
                observer.trial_started(trial, 2 * number - 1 + order.index(side), 2 * calibration.planned_pairs)
            result = run_trial(trial, folder, calibration.timeout, hear, stop)
            referee.call_off()
            with lock:
                observer.trial_ended(trial, result)
            if result.status != "ok":
                raise TrialFailedError(f"calibration {folder.path}: {trial.id}: {result.status}: {result.reason}")

        dispatch.run_all([[side] for side in order], measure)
    plain, whole = WARM_UP_STEPS + PAIRED_STEPS, WARM_UP_STEPS + 2 * PAIRED_STEPS
    if min(referee.rounds, default=0) < whole - 1:  # the last of one side has no turn, when the other has ended
        raise TrialFailedError(f"calibration {folder.path}: the processes of pair {number} did not step in turns")
    base, head = steps["base"], steps["head"]
    return CalibrationPair(
        number=number,
        base_seconds=statistics.median(base[WARM_UP_STEPS:plain]),
        head_seconds=statistics.median(head[WARM_UP_STEPS:plain]),
        delayed_seconds=statistics.median(head[plain:whole]),
        log_ratio=twin_log_ratio(base[WARM_UP_STEPS:plain], head[WARM_UP_STEPS:plain]),
        delayed_log_ratio=twin_log_ratio(base[plain:whole], head[plain:whole]),
    )


def _trial(calibration: Calibration, number: int, side: str, folder: RunFolder, cache: str, turns: str) -> Trial:
    trial_id = f"{number}.{side}"
    return Trial(
        id=trial_id,
        case=calibration.case,
        mode=calibration.mode,
        device=calibration.device,
        replicate=number,
        picture=str(folder.trial_folder(trial_id) / "picture.png"),
        cache=cache,
        delay=DELAY if side == "head" else 0.0,
        turns=turns,
    )
