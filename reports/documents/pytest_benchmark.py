"""JSON as pytest-benchmark stores it, so that `pytest-benchmark compare` and other readers take our runs."""

import json
import statistics
from typing import Any, Dict, List, Optional

from harness.records import Run, Summary
from reports.exporter import FileExporter
from reports.figures import marks
from reports.language import Words
from reports.stored_run import Evidence

_VERSION = "4.0.0"
"""The version of pytest-benchmark that writes this form."""


def render(evidence: Evidence, words: Words) -> bytes:
    """Return the document: one benchmark per case and mode, one round per process, its value the median step.

    It is empty for a suite that judges pictures, which takes its times in passing.
    """
    run = evidence.run
    found = [] if run.suite.fidelity else [_benchmark(evidence, summary) for summary in run.summaries]
    document = {
        "machine_info": _machine(run),
        "commit_info": _commit(run),
        "benchmarks": [benchmark for benchmark in found if benchmark],
        "datetime": run.started,
        "version": _VERSION,
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _benchmark(evidence: Evidence, summary: Summary) -> Optional[Dict[str, Any]]:
    """Return one case in one mode; None when no step was timed, for the form has no way to say so."""
    trials = evidence.good(summary.case, summary.mode)
    seconds = [trial.step_seconds for trial in trials if trial.step_seconds is not None]
    if not seconds:
        return None
    extra = summary.model_dump(mode="json", exclude={"case", "mode", "remarks"}, exclude_none=True)
    name = benchmark_name(summary)
    return {
        "group": summary.case,
        "name": name,
        "fullname": f"{evidence.run.suite.name}::{name}",
        "params": {"mode": summary.mode},
        "param": summary.mode,
        "extra_info": extra,
        "options": {
            "disable_gc": False,
            "timer": "perf_counter",
            "min_rounds": summary.replicates,
            "max_time": evidence.run.suite.timeout,
            "min_time": 0.0,
            "warmup": True,
        },
        "stats": _statistics(seconds),
    }


def benchmark_name(summary: Summary) -> str:
    """Return the name of a case in a mode; of a time that says nothing about the card, the name says so."""
    return f"{summary.case}[{'-'.join([summary.mode, *marks(summary)])}]"


def _statistics(seconds: List[float]) -> Dict[str, Any]:
    values = sorted(seconds)
    mean, median = statistics.mean(values), statistics.median(values)
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    half = len(values) // 2
    lower = statistics.median(values[:half] or values)
    upper = statistics.median(values[-half:] if half else values)
    spread = upper - lower
    near = [value for value in values if lower - 1.5 * spread <= value <= upper + 1.5 * spread]
    far_from_mean = sum(abs(value - mean) > deviation for value in values)
    return {
        "min": values[0],
        "max": values[-1],
        "mean": mean,
        "stddev": deviation,
        "rounds": len(values),
        "median": median,
        "iqr": spread,
        "q1": lower,
        "q3": upper,
        "iqr_outliers": len(values) - len(near),
        "stddev_outliers": far_from_mean,
        "outliers": f"{far_from_mean};{len(values) - len(near)}",
        "ld15iqr": near[0],
        "hd15iqr": near[-1],
        "ops": 1 / mean,
        "total": sum(values),
        "data": seconds,
        "iterations": 1,
    }


def _machine(run: Run) -> Dict[str, Any]:
    machine = run.environment
    return {
        "node": "",
        "processor": machine.processor,
        "machine": machine.machine,
        "python_implementation": "CPython",
        "python_version": machine.python,
        "system": machine.system.partition(" ")[0],
        "release": machine.system.partition(" ")[2],
        "cpu": {"brand_raw": machine.processor, "count": machine.logical_cores, "arch": machine.machine},
    }


def _commit(run: Run) -> Dict[str, Any]:
    revision = run.environment.revision or "unversioned"
    return {
        "id": revision.replace("-dirty", ""),
        "time": run.started,
        "author_time": run.started,
        "dirty": revision.endswith("-dirty"),
        "project": "stylebench",
        "branch": "",
    }


EXPORTER = FileExporter("pytest-benchmark.json", render)
