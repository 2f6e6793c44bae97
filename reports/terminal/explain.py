"""A dtype plan for a person or a program."""

import json
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from rich.console import Console
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
from reports.terminal.tables import Column, print_table

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
    lines: List[_Line] = []
    for layer in explain_layers(plan):
        lines.append(_Line(layer.name or "(no scope)", style="bold"))
        for explained in layer.ops:
            lines += _of_op(layer.name, explained)
    styles = [line.style for line in lines]
    columns = [
        Column("type and dtypes", [line.dtypes for line in lines], number=False, styles=styles),
        Column("unit", [line.place for line in lines], number=False, styles=styles),
        Column("why", [line.why for line in lines], number=False, long=True, styles=styles),
    ]
    print_table(console, Column("op", [line.name for line in lines], number=False, styles=styles), columns, ENGLISH)
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


class _Line(NamedTuple):
    """A line of the table of ops."""

    name: str
    dtypes: str = ""
    place: str = ""
    """Unit or engine that computes it."""
    why: str = ""
    style: str = ""


def _of_op(layer: str, explained: ExplainedOp) -> Iterator[_Line]:
    op = explained.op
    name = op.name
    if layer:
        # Within its layer an op needs no scope, but for the one that says that it is a gradient.
        name = re.sub(f"^(gradients(?:_[0-9]+)?/)?{re.escape(layer)}/", lambda found: "back " if found[1] else "", name)
    place = op.unit if op.engine == "ai_core" else op.engine
    style = "red" if op.engine == "compile_error" else "yellow" if op.engine != "ai_core" else ""
    yield _Line(f"  {name}", f"{op.type} {op.dtypes}", place, op.rule, style)
    for cast in explained.casts:
        where = f"input {cast.position}" if cast.position >= 0 else "result"
        size = f"{cast.bytes / _MEGA:.2f} MB" if cast.bytes else "when compiled"
        yield _Line(f"    cast {where}", f"{cast.source} > {cast.target}", "", size, "dim")
    for item in filter(_matters, explained.constants):
        text = f"{item.saturated} saturated, {item.flushed} become zero, of {item.elements}"
        yield _Line(f"    constant at input {item.position}", why=text, style="yellow")


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
    rows: List[Tuple[str, List[str]]] = []
    for kind in sorted({kind for totals in columns for kind in totals["units"]}):
        rows.append((f"ops on {kind}", [str(totals["units"].get(kind, {"ops": 0})["ops"]) for totals in columns]))
    rows += [
        ("GFLOP", [f"{totals['flop'] / 1e9:.3f}" for totals in columns]),
        ("MB read and written", [f"{totals['bytes'] / _MEGA:.1f}" for totals in columns]),
        ("casts", [str(totals["casts"]) for totals in columns]),
        ("MB cast", [f"{totals['bytes_cast'] / _MEGA:.1f}" for totals in columns]),
        ("roofline floor, ms", [f"{totals['roofline_seconds'] * 1e3:.3f}" for totals in columns]),
    ]
    shown = [Column(mode.name, [cells[index] for _, cells in rows]) for index, mode in enumerate(modes)]
    print_table(console, Column("totals", [name for name, _ in rows], number=False), shown, ENGLISH)
    console.print(
        f"Roofline: {PEAK_FLOPS / 1e12:.0f} TFLOPS in float16, {ASSUMED_BANDWIDTH / 1e12:.1f} TB/s assumed. "
        f"Operator table: {load_op_table().source}.",
        style="dim",
    )
