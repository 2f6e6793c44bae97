"""Trials to one line per case and mode."""

import statistics
from typing import Iterable, List, Optional

from harness.records import REFERENCE_MODE, Case, Mode, Suite, Summary, TrialResult
from harness.statistics import geometric_mean, log_interval


def summarize(suite: Suite, trials: Iterable[TrialResult]) -> List[Summary]:
    """Summarise the trials by case and mode, in the suite's order; only trials with status ok count."""
    trials = list(trials)
    summaries = []
    for case in suite.cases:
        reference = _step_seconds(_ok(trials, case, REFERENCE_MODE))
        for mode in suite.modes:
            summaries.append(_summary(suite, case, mode, _ok(trials, case, mode.name), reference))
    return summaries


def _ok(trials: List[TrialResult], case: Case, mode: str) -> List[TrialResult]:
    return [trial for trial in trials if (trial.case, trial.mode, trial.status) == (case.id, mode, "ok")]


def _step_seconds(trials: List[TrialResult]) -> Optional[float]:
    medians = [trial.step_seconds for trial in trials if trial.step_seconds is not None]
    return geometric_mean(medians) if medians else None


def _median(values: Iterable[Optional[float]]) -> Optional[float]:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _summary(suite: Suite, case: Case, mode: Mode, trials: List[TrialResult], reference: Optional[float]) -> Summary:
    figures = {
        "case": case.id,
        "mode": mode.name,
        "replicates": suite.replicates,
        "ok": len(trials),
        "emulated": any(trial.emulated for trial in trials),
        "remarks": trials[0].remarks if trials else (),
        "first_step_seconds": _median(trial.first_step_seconds for trial in trials),
        "startup_seconds": _median(trial.startup_seconds for trial in trials),
        "final_loss": _median((trial.final_losses or {}).get("total") for trial in trials),
        "true_loss": _median((trial.true_losses or {}).get("total") for trial in trials),
        "peak_memory_bytes": max((trial.peak_memory_bytes or 0 for trial in trials), default=None),
    }
    step_seconds = _step_seconds(trials)
    if step_seconds is not None:
        assert case.inputs is not None
        interval = log_interval([trial.step_seconds for trial in trials if trial.step_seconds is not None])
        flop, peak = trials[0].step_flop, _median(trial.matmul_tflops for trial in trials)
        # The arithmetic of an emulated step is not the arithmetic that was asked for.
        tflops = flop / step_seconds / 1e12 if flop is not None and not trials[0].emulated else None
        figures.update(
            step_seconds=step_seconds,
            step_seconds_low=interval[0] if interval else None,
            step_seconds_high=interval[1] if interval else None,
            images_per_second=case.batch / step_seconds,
            megapixels_per_second=case.batch * case.inputs.height * case.inputs.width / step_seconds / 1e6,
            tflops=tflops,
            share_of_peak=tflops / peak if tflops is not None and peak else None,
            ratio_to_reference=step_seconds / reference if reference else None,
        )
    return Summary(**figures)
