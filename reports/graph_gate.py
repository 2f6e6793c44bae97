"""The gate of a graph file's plans in words and a table, shared by all formats."""

from typing import Callable, List

from harness.records import GraphGate, PlanFigures
from reports.graph_check import CheckColumn, CheckTable
from reports.language import Words


def figures(gate: GraphGate, words: Words) -> CheckTable:
    """Return a row for each mode: what its plan casts and computes."""

    def column(heading: str, text: Callable[[PlanFigures], str]) -> CheckColumn:
        return CheckColumn(words(heading), tuple(text(plan.figures) for plan in gate.plans))

    return CheckTable(
        words("Plan"),
        CheckColumn(words("mode"), tuple(plan.mode.name for plan in gate.plans), False),
        (
            column("casts", lambda plan: str(plan.casts)),
            column("MB cast", lambda plan: f"{plan.bytes_cast / 1e6:.1f}"),
            column("GFLOP", lambda plan: f"{plan.flop / 1e9:.3f}"),
            column("roofline floor, ms", lambda plan: f"{plan.roofline_seconds * 1e3:.3f}"),
        ),
    )


def provenance(gate: GraphGate, words: Words) -> List[str]:
    """Return which files were compared, and with what, a line each."""
    return [
        f"{words('graph')} {gate.graph}",
        f"{words('approved plans')} {gate.baseline}",
        f"{words('operator table of the plans')}: {words(gate.op_table)}",
        ", ".join(f"{name} {version}" for name, version in gate.packages.items()),
        " ".join(gate.command),
    ]
