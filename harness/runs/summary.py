"""Summaries of a run's trials: figures for each case and mode, and how they grow with the picture."""

import statistics
from typing import Any, Dict, Iterable, List, Optional, Tuple

from harness.precision.number_formats import FLOAT32
from harness.records import DISTURBED, REFERENCE_MODE, Case, Growth, Mode, Suite, Summary, TrialResult, undisturbed
from harness.records.run import Quantity, Stratum
from harness.remark import Remark, remark
from harness.runs.stopping import interval, unmet
from harness.statistics import geometric_mean, power_law

_GROWING: Dict[Quantity, str] = {"step time": "step_seconds", "peak memory": "peak_memory_bytes"}
"""Field of a Summary that holds each quantity."""


def summarize(
    suite: Suite, trials: Iterable[TrialResult], reference_mode: str = REFERENCE_MODE, machine_key: str = ""
) -> List[Summary]:
    """Summarise the trials by case and mode, in the suite's order; only trials with status ok count.

    Args:
        machine_key: of the machine that the figures are of; trials on machines unlike it make strata of their own.
    """
    by_machine: Dict[str, List[TrialResult]] = {machine_key: []}
    for trial in trials:
        if not trial.confirmation:
            by_machine.setdefault(trial.machine_key or machine_key, []).append(trial)
    own = by_machine.pop(machine_key)
    return [
        _summary(suite, case, mode, own, reference_mode, _strata(by_machine, case, mode.name, reference_mode))
        for case in suite.cases
        for mode in suite.modes
    ]


def growth(suite: Suite, summaries: Iterable[Summary]) -> List[Growth]:
    """Fit how step time and peak memory grow with the picture, where a suite has three sizes or more of one case."""
    varied = {"id", "size", "inputs"}
    if len({case.model_dump_json(exclude=varied) for case in suite.cases}) != 1:
        return []
    pixels = {case.id: case.inputs.height * case.inputs.width for case in suite.cases if case.inputs}
    found = []
    for mode in suite.modes:
        rows = [summary for summary in summaries if summary.mode == mode.name]
        for quantity, field in _GROWING.items():
            points = [(pixels[row.case], getattr(row, field)) for row in rows if getattr(row, field)]
            law = power_law([size for size, _ in points], [value for _, value in points])
            if law is not None:
                found.append(
                    Growth(
                        mode=mode.name,
                        quantity=quantity,
                        emulated=any(row.emulated for row in rows),
                        sizes=len(points),
                        pixels=(min(points)[0], max(points)[0]),
                        **law._asdict(),
                    )
                )
    return found


def _ok(trials: List[TrialResult], case: Case, mode: str) -> List[TrialResult]:
    return [trial for trial in trials if (trial.case, trial.mode, trial.status) == (case.id, mode, "ok")]


def _peak(run: List[TrialResult], mode: Mode) -> Optional[float]:
    """Return the matrix-product rate of the format that the step computes in; None where it was not measured."""
    # The card's compiler lowers the float32 product that is measured there as it does the step's own.
    on_card = any(trial.device.startswith("npu") for trial in run)
    return _median(trial.matmul_rates.get(FLOAT32.name if on_card else mode.format) for trial in run)


def _step_seconds(trials: List[TrialResult]) -> Optional[float]:
    timed = undisturbed([trial for trial in trials if trial.step_seconds is not None])
    medians = [trial.step_seconds for trial in timed if trial.step_seconds is not None]
    return geometric_mean(medians) if medians else None


def _median(values: Iterable[Optional[float]]) -> Optional[float]:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def reported_loss(trial: TrialResult) -> Optional[float]:
    """Return the total loss as the mode reports it: of the last pictures the median, where fidelity was measured."""
    return ((trial.fidelity.reported_losses if trial.fidelity else trial.final_losses) or {}).get("total")


def true_loss(trial: TrialResult) -> Optional[float]:
    """Return the total loss of the same pictures, scored in float32."""
    return ((trial.fidelity.true_losses if trial.fidelity else trial.true_losses) or {}).get("total")


def _strata(
    by_machine: Dict[str, List[TrialResult]], case: Case, mode: str, reference_mode: str
) -> Tuple[Stratum, ...]:
    found = []
    for key, run in by_machine.items():
        trials = _ok(run, case, mode)
        step_seconds = _step_seconds(trials)
        if step_seconds is not None:
            found.append(
                Stratum(
                    machine_key=key,
                    hosts=tuple(sorted({trial.host for trial in trials})),
                    processes=sum(trial.step_seconds is not None for trial in trials),
                    step_seconds=step_seconds,
                    ratio_to_reference=_paired_ratio(trials, _ok(run, case, reference_mode)),
                )
            )
    return tuple(found)


def _paired_ratio(trials: List[TrialResult], reference: List[TrialResult]) -> Optional[float]:
    """Return the geometric mean over rounds of the step time over the reference mode's in the same round.

    Rounds in which others disturbed one of the two are left out unless there is no other. An emulated trial may have
    run beside another, which the reference never does, so that the two are not compared.
    """
    of_round = {(trial.replicate, trial.slot): trial for trial in reference if trial.step_seconds is not None}
    pairs = [
        (trial, of_round[trial.replicate, trial.slot])
        for trial in trials
        if trial.step_seconds is not None and not trial.emulated and (trial.replicate, trial.slot) in of_round
    ]
    alone = [pair for pair in pairs if max(trial.lost_share for trial in pair) < DISTURBED]
    ratios = [
        trial.step_seconds / other.step_seconds
        for trial, other in alone or pairs
        if trial.step_seconds is not None and other.step_seconds is not None
    ]
    return geometric_mean(ratios) if ratios else None


def _summary(
    suite: Suite, case: Case, mode: Mode, run: List[TrialResult], reference_mode: str, strata: Tuple[Stratum, ...]
) -> Summary:
    trials = _ok(run, case, mode.name)
    figures: Dict[str, Any] = {
        "case": case.id,
        "mode": mode.name,
        "replicates": suite.rounds([trial for trial in run if (trial.case, trial.mode) == (case.id, mode.name)]),
        "ok": len(trials),
        "emulated": any(trial.emulated for trial in trials),
        "remarks": trials[0].remarks if trials else (),
        "first_step_seconds": _median(trial.first_step_seconds for trial in trials),
        "startup_seconds": _median(trial.startup_seconds for trial in trials),
        "final_loss": _median(reported_loss(trial) for trial in trials),
        "true_loss": _median(true_loss(trial) for trial in trials),
        "loss_scaling": trials[0].loss_scaling if trials else None,
        "strata": strata,
        "unmet": tuple(map(_apart, strata)),
        "peak_memory_bytes": max((trial.peak_memory_bytes or 0 for trial in trials), default=None),
    }
    step_seconds = _step_seconds(trials)
    if step_seconds is not None:
        assert case.inputs is not None
        over_processes = interval(suite, trials)
        flop, peak = trials[0].step_flop, _peak(run, mode)
        # The arithmetic of an emulated step is not the arithmetic that was asked for.
        tflops = flop / step_seconds / 1e12 if flop is not None and not trials[0].emulated else None
        figures.update(
            steady=all(trial.steady for trial in trials),
            # A suite of fidelity takes its times in passing.
            unmet=() if suite.fidelity else (*unmet(suite, run, trials), *figures["unmet"]),
            step_seconds=step_seconds,
            step_seconds_low=over_processes[0] if over_processes else None,
            step_seconds_high=over_processes[1] if over_processes else None,
            images_per_second=case.batch / step_seconds,
            megapixels_per_second=case.batch * case.inputs.height * case.inputs.width / step_seconds / 1e6,
            tflops=tflops,
            share_of_peak=tflops / peak if tflops is not None and peak else None,
            ratio_to_reference=_paired_ratio(trials, _ok(run, case, reference_mode)),
        )
    return Summary(**figures)


def _apart(stratum: Stratum) -> Remark:
    return remark(
        "other_stratum",
        processes=stratum.processes,
        hosts=", ".join(stratum.hosts),
        seconds=stratum.step_seconds,
        key=stratum.machine_key,
    )
