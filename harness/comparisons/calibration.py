"""Measuring for a power card: pairs of fresh processes that run the same, in the order `--against` would use.

Each pair serves twice: the process in head's place also makes its steps again, really slowed down. The pairs are
journalled, so that hours of measuring survive an interruption.
"""

from functools import partial
from pathlib import Path
from typing import List, Optional, Tuple

from harness import modes
from harness.devices import naming
from harness.devices.kinds import KINDS
from harness.gates.power_card import DELAY
from harness.machine import environment
from harness.records import Calibration, CalibrationPair, Suite, Trial, TrialResult
from harness.runs.runner import Observer, require_unchanged
from harness.step import inputs
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
    case = inputs.resolve(suite.cases[0], cache)
    machine = environment.describe(device=chosen.name)
    folder = RunFolder.create(results, f"calibrate-{suite.name}")
    calibration = Calibration(
        id=folder.path.name,
        suite=suite.name,
        case=case,
        mode=modes.get(KINDS[chosen.kind].reference_mode),
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
    found = folder.recover_journal(CalibrationPair)
    try:
        for number in range(len(found) + 1, calibration.planned_pairs + 1):
            pair = _measure_pair(calibration, number, folder, cache, observer)
            folder.append_journal(pair)
            found.append(pair)
    except KeyboardInterrupt:
        pass
    return found


def _measure_pair(
    calibration: Calibration, number: int, folder: RunFolder, cache: str, observer: Observer
) -> CalibrationPair:
    # ABBA begins anew with each comparison, as it does with each gate.
    base_first = (number - 1) % calibration.pairs % 2 == 0
    results = {}
    for place, side in enumerate(("base", "head") if base_first else ("head", "base"), 1):
        process = 2 * (number - 1) + place
        trial = _trial(calibration, process, side, folder, cache)
        observer.trial_started(trial, process, 2 * calibration.planned_pairs)
        result = run_trial(trial, folder, calibration.timeout, partial(observer.event, trial))
        observer.trial_ended(trial, result)
        if result.status != "ok":
            raise TrialFailedError(f"calibration {folder.path}: {trial.id}: {result.status}: {result.reason}")
        results[side] = result
    return CalibrationPair(
        number=number,
        base_seconds=_step_seconds(results["base"]),
        head_seconds=_step_seconds(results["head"]),
        delayed_seconds=results["head"].delayed_step_seconds,
    )


def _step_seconds(result: TrialResult) -> Optional[float]:
    return result.step_seconds if result.steady else None


def _trial(calibration: Calibration, process: int, side: str, folder: RunFolder, cache: str) -> Trial:
    trial_id = f"{process}.{side}"
    return Trial(
        id=trial_id,
        case=calibration.case,
        mode=calibration.mode,
        device=calibration.device,
        replicate=process,
        picture=str(folder.trial_folder(trial_id) / "picture.png"),
        cache=cache,
        delay=DELAY if side == "head" else 0.0,
    )
