"""Decides whether a run has measured enough, and says which conditions of a good timing it does not meet.

Two stages: the spread of the processes that are always made decides how many there will be (see statistics.stein_size),
and nothing that is measured later changes that number.
"""

from typing import Dict, List, Optional, Sequence, Tuple

from harness.records import DISTURBED, Suite, TrialResult, disturbance, undisturbed
from harness.remark import Remark, remark
from harness.statistics import half_width, log_interval, stein_size
from harness.step.steady_state import DRIFT_LIMIT

Key = Tuple[str, str]
"""Id of a case and name of a mode."""


def wanted(suite: Suite, trials: Sequence[TrialResult], ahead: int = 0) -> List[Key]:
    """Return the cases and modes for which another process is due, given the run's trials so far.

    Due are those with fewer processes than their first stage asks for and than the suite allows. The list is empty
    when the time budget has no room for all of them. An emulated mode, and one in which every trial failed, is never
    due.

    Args:
        ahead: rounds that are to run side by side with this one and have no results yet; each is as long as this one.
    """
    due = [key for key, own in _by_case_and_mode(trials).items() if _is_due(suite, own, ahead)]
    return due if _fits(suite, trials, due, ahead) else []


def interval(suite: Suite, trials: Sequence[TrialResult]) -> Optional[Tuple[float, float]]:
    """Return the 95 % interval of the step time of one case and mode, over its good trials; None below two of them."""
    timed = _timed(trials)
    return log_interval([seconds for _, seconds in timed], stage=suite.first_stage([trial for trial, _ in timed]))


def relative_half_width(suite: Suite, trials: Sequence[TrialResult]) -> Optional[float]:
    """Return half the width of the step time's 95 % interval, relative to its centre; None below two processes."""
    found = interval(suite, trials)
    return half_width(*found) if found else None


def unmet(suite: Suite, run: Sequence[TrialResult], trials: Sequence[TrialResult]) -> List[Remark]:
    """Return the conditions of a good timing that one case and mode does not meet; emulated times need none.

    Args:
        suite: says how narrow the interval must be, and how many processes and how much time are allowed.
        run: the trials of the whole run, which share the time budget.
        trials: the good trials of the case and mode.
    """
    if any(trial.emulated for trial in trials):
        return []
    said = []
    width = relative_half_width(suite, trials)
    if width is None:
        said.append(remark("no_interval", processes=len(trials)))
    elif width > suite.half_width * (1 + 1e-9):
        why = _why_no_more(suite, run, trials[0])
        said.append(remark("wide_interval", width=width, wanted=suite.half_width, why=why))
    unsteady = sum(trial.steady is not True for trial in trials)
    if unsteady:
        said.append(remark("unsteady_processes", unsteady=unsteady, processes=len(trials)))
    said += disturbance(trials)
    drifts = [trial.drift for trial in trials if trial.drift is not None and abs(trial.drift) > DRIFT_LIMIT]
    if drifts:
        worst = max(drifts, key=abs)
        said.append(remark("drift", drift=worst, drifting=len(drifts), processes=len(trials)))
    return said


def _is_due(suite: Suite, trials: Sequence[TrialResult], ahead: int) -> bool:
    timed = _timed(trials)
    if not timed or suite.rounds(trials) + ahead >= _most(suite) or any(trial.emulated for trial in trials):
        return False
    good = [trial for trial in trials if trial.status == "ok"]
    disturbed = sum(trial.lost_share >= DISTURBED for trial in good)
    if disturbed and len(good) - disturbed + ahead < suite.replicates:
        return True  # each process that others disturbed is made up for
    stage = [seconds for _, seconds in timed][: suite.first_stage([trial for trial, _ in timed])]
    return len(stage) < 2 or len(timed) + ahead < stein_size(stage, suite.half_width)


def _most(suite: Suite) -> int:
    return suite.max_replicates or suite.replicates


def _timed(trials: Sequence[TrialResult]) -> List[Tuple[TrialResult, float]]:
    """Return the good trials that a step time is taken from, in the order of their replicates, each with its own."""
    good = [trial for trial in trials if trial.status == "ok" and trial.step_seconds is not None]
    counted = sorted(undisturbed(good), key=lambda trial: trial.replicate)
    return [(trial, trial.step_seconds) for trial in counted if trial.step_seconds is not None]


def _fits(suite: Suite, trials: Sequence[TrialResult], due: Sequence[Key], ahead: int = 0) -> bool:
    """Return True when the budget has room for another process of each case and mode that is due.

    Each is expected to take the mean time of those before it; those of a case run on one device, and the devices work
    side by side.
    """
    if suite.budget is None or not due:
        return True
    groups = _by_case_and_mode(trials)
    seconds: Dict[str, float] = {}
    for key in due:
        mean = sum(trial.wall_seconds for trial in groups[key]) / len(groups[key])
        seconds[key[0]] = seconds.get(key[0], 0.0) + mean
    devices = {trial.slot for trial in trials}
    batch = (ahead + 1) * sum(seconds.values()) / len(devices)
    return _spent(suite, trials) + max(max(seconds.values()), batch) <= suite.budget


def _spent(suite: Suite, trials: Sequence[TrialResult]) -> float:
    """Return the seconds that the rounds took, without emulated modes: for each batch those of the busiest device.

    They come from the journal and not from a clock, so that a resumed run decides as if it had not been interrupted.
    """
    busy: Dict[int, Dict[str, float]] = {}
    side_by_side = len({trial.slot for trial in trials}) or 1
    for trial in trials:
        if not trial.confirmation and not trial.emulated:
            # The rounds that are always made are counted as one; of the others each batch has one for each device.
            further = trial.replicate - suite.replicates
            seconds = busy.setdefault(max((further - 1) // side_by_side, -1), {})
            seconds[trial.slot] = seconds.get(trial.slot, 0.0) + trial.wall_seconds
    return sum(max(seconds.values()) for seconds in busy.values())


def _why_no_more(suite: Suite, run: Sequence[TrialResult], one: TrialResult) -> Remark:
    """Say why no further process of this trial's case and mode was run."""
    key = one.case, one.mode
    own = _by_case_and_mode(run)[key]
    if len(own) < suite.rounds(own):
        return remark("interrupted")
    if suite.rounds(own) >= _most(suite):
        return remark("no_more_allowed", processes=suite.rounds(own))
    if not _fits(suite, run, [key]):
        return remark("budget_spent", seconds=suite.budget or 0.0)
    return remark("interrupted")


def _by_case_and_mode(trials: Sequence[TrialResult]) -> Dict[Key, List[TrialResult]]:
    groups: Dict[Key, List[TrialResult]] = {}
    for trial in trials:
        if not trial.confirmation:
            groups.setdefault((trial.case, trial.mode), []).append(trial)
    return groups
