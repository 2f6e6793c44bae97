"""Bencher Metric Format: JSON that the continuous benchmarking service Bencher takes (`bencher run --adapter json`)."""

import json
from typing import Dict

from harness.records import Summary
from reports.documents.pytest_benchmark import benchmark_name
from reports.exporter import FileExporter
from reports.language import Words
from reports.stored_run import Evidence

_NANOSECONDS = 1e9
"""Bencher's measure `latency` is in nanoseconds."""


def render(evidence: Evidence, words: Words) -> bytes:
    """Return the document: a benchmark per case and mode, with its measures by name."""
    found = {benchmark_name(summary): _measures(evidence, summary) for summary in evidence.run.summaries}
    document = {name: measures for name, measures in found.items() if measures}
    return (json.dumps(document, indent=1) + "\n").encode()


def _measures(evidence: Evidence, summary: Summary) -> Dict[str, Dict[str, float]]:
    plan = evidence.run.plan_of(summary.case, summary.mode)
    judged = evidence.run.fidelity_of(summary.case, summary.mode)
    figures = {
        "final-loss": summary.final_loss,
        "true-loss": summary.true_loss,
        "peak-memory": summary.peak_memory_bytes,
        "casts": plan.casts if plan else None,
        "ssim": judged.to_reference.ssim if judged and judged.to_reference else None,
    }
    found = {name: {"value": float(value)} for name, value in figures.items() if value is not None}
    return {**_latency(summary), **found}


def _latency(summary: Summary) -> Dict[str, Dict[str, float]]:
    """Return the step time; nothing where it was not measured."""
    names = {"value": "step_seconds", "lower_value": "step_seconds_low", "upper_value": "step_seconds_high"}
    seconds = {name: getattr(summary, field) for name, field in names.items()}
    if seconds["value"] is None:
        return {}
    return {"latency": {name: value * _NANOSECONDS for name, value in seconds.items() if value is not None}}


EXPORTER = FileExporter("bmf.json", render)
