"""When a run has measured enough, and in words what it lacks."""

from typing import Dict, List, Optional, Sequence

from harness.records import Suite, TrialResult
from harness.statistics import log_interval
from harness.step.steady_state import DRIFT_LIMIT


def another_round(suite: Suite, trials: Sequence[TrialResult]) -> bool:
    """Whether a further round of every case in every mode is due, after the suite's least number of them.

    It is while some interval is wider than the suite asks for, a process more is allowed, and the time budget has room
    for a round as long as those made. A mode in which every trial failed does not ask for more.
    """
    return _allowed(suite, trials) and any(
        width is None or width > suite.half_width for width in map(relative_half_width, _by_case_and_mode(trials))
    )


def relative_half_width(trials: Sequence[TrialResult]) -> Optional[float]:
    """Of the 95 % interval of the step time, relative to it; None below two processes."""
    interval = log_interval([trial.step_seconds for trial in trials if trial.step_seconds is not None])
    return (interval[1] / interval[0]) ** 0.5 - 1 if interval else None


def unmet(suite: Suite, run: Sequence[TrialResult], trials: Sequence[TrialResult]) -> List[str]:
    """Say which conditions of a good timing one case's mode does not meet.

    Args:
        suite: says what is asked for.
        run: the trials of the whole run, whose time counts.
        trials: the good ones of the case and mode.
    """
    said = []
    width = relative_half_width(trials)
    if width is None:
        said.append(f"no interval from {len(trials)} process{'es' if len(trials) != 1 else ''}")
    elif width > suite.half_width:
        said.append(f"half-width {_percent(width)} > {_percent(suite.half_width)}: {_why_no_more(suite, run)}")
    unsteady = sum(trial.steady is not True for trial in trials)
    if unsteady:
        said.append(f"never steady in {unsteady} of {len(trials)} processes")
    drifts = [trial.drift for trial in trials if trial.drift is not None and abs(trial.drift) > DRIFT_LIMIT]
    if drifts:
        worst = max(drifts, key=abs)
        said.append(f"drift of up to {100 * worst:+.1f} % in {len(drifts)} of {len(trials)} processes")
    return said


def _allowed(suite: Suite, trials: Sequence[TrialResult]) -> bool:
    rounds = suite.rounds(trials)
    return rounds < (suite.max_replicates or suite.replicates) and _fits(suite, trials, rounds)


def _fits(suite: Suite, trials: Sequence[TrialResult], rounds: int) -> bool:
    spent = _spent(suite, trials)
    return suite.budget is None or spent + spent / rounds <= suite.budget


def _spent(suite: Suite, trials: Sequence[TrialResult]) -> float:
    """Seconds that the rounds took: of each the busiest device's, for the others wait for it.

    From the journal and not from a clock, so that a resumed run decides as if it had never been interrupted.
    """
    busy: Dict[int, Dict[str, float]] = {}
    for trial in trials:
        if not trial.confirmation:
            # The rounds that are always made are run as one.
            seconds = busy.setdefault(max(trial.replicate, suite.replicates), {})
            seconds[_slot(trial)] = seconds.get(_slot(trial), 0.0) + trial.wall_seconds
    return sum(max(seconds.values()) for seconds in busy.values())


def _slot(trial: TrialResult) -> str:
    """Which of several devices the trial ran on; empty when there is no choice."""
    if trial.environment is not None:
        return trial.environment.slot
    return trial.device if ":" in trial.device else ""


def _why_no_more(suite: Suite, trials: Sequence[TrialResult]) -> str:
    rounds = suite.rounds(trials)
    if len(trials) < len(suite.cases) * len(suite.modes) * rounds:
        return "interrupted"
    if rounds >= (suite.max_replicates or suite.replicates):
        return f"no more than {rounds} processes were allowed"
    if not _fits(suite, trials, rounds):
        return f"time budget of {suite.budget:g} s spent"
    return "interrupted"


def _by_case_and_mode(trials: Sequence[TrialResult]) -> List[List[TrialResult]]:
    groups = {}
    for trial in trials:
        if trial.status == "ok" and not trial.confirmation:
            groups.setdefault((trial.case, trial.mode), []).append(trial)
    return list(groups.values())


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
