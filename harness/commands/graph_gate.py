"""bench.py explain --gate: a graph's plans held against the approved ones, or approved."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence

from harness.errors import UsageError
from harness.gates.exit_status import exit_status

if TYPE_CHECKING:
    from harness.graphs.source import GraphSource
    from harness.precision import DtypePlan
    from harness.records import GraphPlan, Mode
    from reports.language import Words


class GateOptions(NamedTuple):
    """The options of explain that take effect with --gate."""

    gate: Optional[str]
    approve: bool
    reason: Optional[str]
    report: str
    output: str
    as_json: bool

    def check(self, graph: Optional[str]) -> None:
        """Raise UsageError when one is given without what it belongs to."""
        if self.gate and not graph:
            raise UsageError(
                "--gate: it holds a graph's plan against an approved one (expected --graph FILE beside it)"
            )
        for name, given in (("approve", self.approve), ("reason", self.reason), ("report", self.report != "none")):
            if given and not self.gate:
                raise UsageError(f"--{name}: it is of --gate (expected --gate BASELINE.json beside it)")
        if self.approve and not (self.reason or "").strip():
            raise UsageError("--approve: expected --reason TEXT, a sentence for whoever reads the baseline")
        if self.reason and not self.approve:
            raise UsageError("--reason: it is of --approve (expected --approve beside it)")
        if self.approve and (self.report != "none" or self.as_json):
            raise UsageError("--approve: it judges nothing (expected neither --report nor --json)")
        self.formats()

    def formats(self) -> List[str]:
        """Split the list of formats; raises UsageError for one that there is not."""
        from reports.documents.graph_gate import FORMATS
        from reports.formats import exporter

        names = [name.strip() for name in self.report.split(",") if name.strip() != "none"]
        for name in names:
            if name not in FORMATS:
                raise UsageError(f"report format {name!r} is unknown (expected some of {', '.join(FORMATS)}, or none)")
            exporter(name).check()
        if self.as_json and "github" in names:
            raise UsageError("--report github: it prints where --json does (leave one out)")
        return names


def graph_plans(source: "GraphSource", modes: "Sequence[Mode]", plans: "Sequence[DtypePlan]") -> "List[GraphPlan]":
    """Return for each mode the figures of its plan and how the graph is run, which the gate stores and compares."""
    from harness.plans.figures import figures
    from harness.records import GraphPlan, GraphUse

    return [
        GraphPlan(
            mode=mode,
            figures=figures(plan),
            use=GraphUse(
                signature=source.signature,
                fetches=plan.fetches,
                shapes=source.shapes,
                inputs=tuple(sorted(source.inputs)),
            ),
        )
        for mode, plan in zip(modes, plans)
    ]


def gate_plans(graph: str, plans: "Sequence[GraphPlan]", options: GateOptions, words: "Words") -> int:
    """Judge a graph's plans, or approve them; print what comes of it, write the reports, return the exit status."""
    from harness.gates.graph_plan import approve_graph_plans, judge_graph_plans
    from harness.machine import environment
    from harness.precision.rules.op_table import load_op_table
    from harness.records import GraphGate
    from reports.documents import graph_gate as documents
    from reports.terminal import graph_gate as shown
    from reports.terminal.console import open_console

    path = Path(str(options.gate))
    if options.approve:
        shown.print_approved(approve_graph_plans(plans, path, str(options.reason)), str(path), words)
        return 0
    found = GraphGate(
        graph=graph,
        baseline=str(path),
        started=environment.now(),
        command=tuple(sys.argv),
        op_table=load_op_table().source,
        packages=environment.installed_packages(),
        plans=tuple(plans),
        verdicts=tuple(judge_graph_plans(Path(graph).name, plans, path)),
    )
    status = exit_status(found.verdicts)
    written = documents.write(found, options.formats(), Path(options.output), words)
    shown.print_gate(found, written, words, options.as_json)
    if options.as_json:
        open_console().file.write(documents.render_json(found, words, status).decode())
    return status
