"""A dtype plan for a person or a program."""

import json
import re
from typing import Any, Dict, List, Optional, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.precision import (
    ASSUMED_BANDWIDTH,
    PEAK_FLOPS,
    ConstantRange,
    DtypePlan,
    ExplainedOp,
    diff_plans,
    explain_layers,
    render_diff,
)
from harness.precision.rules.op_table import load_op_table
from harness.records import Mode
from reports.language import ENGLISH
from reports.terminal.console import open_console

_MEGA = 1e6


def print_json(modes: Sequence[Mode], plans: Sequence[DtypePlan], console: Optional[Console] = None) -> None:
    """Print the plans and their totals as one JSON document."""
    document = [
        {"mode": mode.name, "totals": _totals(plan), "plan": plan.model_dump(mode="json")}
        for mode, plan in zip(modes, plans)
    ]
    (console or open_console()).out(json.dumps(document, indent=1), highlight=False)


def print_plan(mode: Mode, plan: DtypePlan, console: Optional[Console] = None) -> None:
    """Print every op by layer with the rule that decided it, then what needs attention, then the totals."""
    console = console or open_console()
    console.print(Text(f"{mode.name}: {len(plan.ops)} ops on an Ascend 910", style="bold"))
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    for layer in explain_layers(plan):
        table.add_row(Text(layer.name or "(no scope)", style="bold"))
        for explained in layer.ops:
            _add_op(table, layer.name, explained)
    console.print(table)
    console.print()
    _print_attention(console, plan)
    _print_totals(console, [mode], [plan])


def print_difference(modes: Sequence[Mode], plans: Sequence[DtypePlan], console: Optional[Console] = None) -> None:
    """Print only what two plans decide differently, and both their totals."""
    console = console or open_console()
    first, second = plans
    differences = diff_plans(first, second)
    total = len({op.name for plan in plans for op in plan.ops})
    console.print(Text(f"- {modes[0].name}\n+ {modes[1].name}", style="bold"))
    console.print(Text(f"{len(differences)} of {total} ops differ"))
    console.print()
    for line in render_diff(first, second).splitlines():
        console.print(Text(line, style="red" if line.startswith("-") else "green"), soft_wrap=True)
    console.print()
    _print_totals(console, modes, plans)


def _add_op(table: Table, layer: str, explained: ExplainedOp) -> None:
    op = explained.op
    name = op.name
    if layer:
        # Within its layer an op needs no scope, but for the one that says that it is a gradient.
        name = re.sub(f"^(gradients(?:_[0-9]+)?/)?{re.escape(layer)}/", lambda found: "back " if found[1] else "", name)
    place = op.unit if op.engine == "ai_core" else op.engine
    style = "red" if op.engine == "compile_error" else "yellow" if op.engine != "ai_core" else ""
    table.add_row(*(Text(cell, style=style) for cell in (f"  {name}", f"{op.type} {op.dtypes}", place, op.rule)))
    for cast in explained.casts:
        where = f"input {cast.position}" if cast.position >= 0 else "result"
        size = f"{cast.bytes / _MEGA:.2f} MB" if cast.bytes else "when compiled"
        table.add_row(
            Text(f"    cast {where}", style="dim"), Text(f"{cast.source} > {cast.target}", style="dim"), "", size
        )
    for item in filter(_matters, explained.constants):
        text = f"{item.saturated} saturated, {item.flushed} become zero, of {item.elements}"
        table.add_row(
            Text(f"    constant at input {item.position}", style="yellow"), "", "", Text(text, style="yellow")
        )


def _matters(item: ConstantRange) -> bool:
    """Say whether a constant is worth a line: a few weights too small for float16 are in every network."""
    return item.saturated > 0 or item.flushed * 1000 >= item.elements


def _print_attention(console: Console, plan: DtypePlan) -> None:
    lines: List[str] = []
    if plan.failures:
        names = ", ".join(sorted({op.type for op in plan.failures}))
        lines.append(f"would not compile: {len(plan.failures)} ops ({names})")
    on_cpu = [op.name for op in plan.ops if op.engine == "ai_cpu_fp32"]
    if on_cpu:
        lines.append(f"on the AI CPU: {', '.join(on_cpu)}")
    if plan.unknown_types:
        lines.append(f"unknown types, dtype kept: {', '.join(plan.unknown_types)}")
    if plan.assumed_types:
        lines.append(f"kernel rows assumed, in no source: {', '.join(plan.assumed_types)}")
    for item in filter(_matters, plan.constants):
        lines.append(
            f"constant leaves float16's range: {item.consumer} input {item.position}, "
            f"{item.saturated} of {item.elements} saturate, {item.flushed} become zero"
        )
    for line in [*lines, *map(ENGLISH.remark, plan.remarks)]:
        console.print(Text(line, style="yellow"), soft_wrap=True)
    if lines:
        console.print()


def _totals(plan: DtypePlan) -> Dict[str, Any]:
    totals = plan.totals()
    return {
        "units": {f"{unit} {dtype}": sums._asdict() for (unit, dtype), sums in sorted(totals.units.items())},
        "flop": totals.flops,
        "bytes": totals.bytes_moved,
        "casts": totals.casts,
        "bytes_cast": totals.bytes_cast,
        "roofline_seconds": totals.roofline_seconds,
    }


def _print_totals(console: Console, modes: Sequence[Mode], plans: Sequence[DtypePlan]) -> None:
    columns = [_totals(plan) for plan in plans]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("totals")
    for mode in modes:
        table.add_column(Text(mode.name), justify="right", overflow="fold")
    for kind in sorted({kind for totals in columns for kind in totals["units"]}):
        cells = [totals["units"].get(kind, {"ops": 0})["ops"] for totals in columns]
        table.add_row(f"ops on {kind}", *map(str, cells))
    table.add_row("GFLOP", *(f"{totals['flop'] / 1e9:.3f}" for totals in columns))
    table.add_row("MB read and written", *(f"{totals['bytes'] / _MEGA:.1f}" for totals in columns))
    table.add_row("casts", *(str(totals["casts"]) for totals in columns))
    table.add_row("MB cast", *(f"{totals['bytes_cast'] / _MEGA:.1f}" for totals in columns))
    table.add_row("roofline floor, ms", *(f"{totals['roofline_seconds'] * 1e3:.3f}" for totals in columns))
    console.print(table)
    console.print(
        f"Roofline: {PEAK_FLOPS / 1e12:.0f} TFLOPS in float16, {ASSUMED_BANDWIDTH / 1e12:.1f} TB/s assumed. "
        f"Operator table: {load_op_table().source}.",
        style="dim",
    )
