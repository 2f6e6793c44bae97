"""Runs whose trials took what a test says."""

from harness.gates.timing_rule import rule_of
from harness.machine.environment import describe
from harness.records import CasePlan, PlanFigures, PowerCard, Run, TrialResult

MACHINE = describe()
"""This machine, described once: each description asks git five times."""
STEADY = (1.0, 1.01, 0.99, 1.0, 1.0)
"""Step times of five processes that agree."""
SLOWER = tuple(1.15 * seconds for seconds in STEADY)
FIGURES = PlanFigures(
    casts=3,
    bytes_cast=600,
    units={"cube float16": 2, "vector float32": 5},
    ai_cpu=(),
    refused=(),
    unknown_types=(),
    flop=1000,
    roofline_seconds=1e-3,
    layers={"conv1_1": "conv1_1/Conv2D: Conv2D 16,16>16", "gram": "gram/MatMul: MatMulV2 16,16>16"},
)


def result(case, mode, replicate, step=1.0, **fields):
    """A trial that ended well."""
    figures = {
        "device": "cpu", "status": "ok", "log": "", "samples": "", "wall_seconds": 1,
        "step_seconds": step, "first_step_seconds": 2.0, "peak_memory_bytes": 10**9, "timed_steps": 10, "steady": True,
    }  # fmt: skip
    return TrialResult(
        trial=f"{case}.{mode}.{replicate}", case=case, mode=mode, replicate=replicate,
        started="2026-01-01T00:00:00+00:00", **{**figures, **fields},
    )  # fmt: skip


def run_of(suite, trials, **fields):
    """A complete run of one of these trials."""
    environment = MACHINE.model_copy(update={"revision": "abc", "machine_key": "here"})
    fields = {"environment": environment, **fields}
    return Run(id="tiny-1", suite=suite, device="cpu", started="", complete=True, trials=trials, **fields)


def stepping(suite, *seconds, **fields):
    """A run of the suite's only case and mode: one process for each step time."""
    (case,), (mode,) = suite.cases, suite.modes
    trials = [result(case.id, mode.name, number, step, **fields) for number, step in enumerate(seconds, 1)]
    return run_of(suite.model_copy(update={"replicates": len(trials)}), trials)


def planned(run, **changes):
    """The run with the dtype plan of its only case and mode; `changes` are to the plan's figures."""
    plan = CasePlan(
        case=run.suite.cases[0].id, mode=run.suite.modes[0].name, figures=FIGURES.model_copy(update=changes)
    )
    return run.model_copy(update={"plans": [plan]})


def card_of(suite, **fields):
    """A power card that lets the suite's case gate on the machine `here`."""
    (case,), (mode,) = suite.cases, suite.modes
    figures = {
        "machine_key": "here", "suite": suite.name, "case": case.id, "case_digest": case.digest(), "mode": mode.name,
        "device": "cpu", "rule": rule_of("against", case.id, mode.name), "pairs": 5, "comparisons": 40,
        "undecided": 0, "false_alarms": 1, "false_alarm_low": 0.0, "false_alarm_high": 0.13, "no_answers": 2,
        "no_answer_low": 0.006, "no_answer_high": 0.17, "delay": 0.1,
        "detections": 39, "detection_low": 0.87, "detection_high": 1.0, "spread": 0.02, "step_seconds": 1.0,
        "needed_pairs": 4, "run": "calibrate-1", "revision": None, "packages": {}, "date": "",
    }  # fmt: skip
    return PowerCard(**{**figures, **fields})
