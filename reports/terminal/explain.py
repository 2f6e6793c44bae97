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
    OpDifference,
    PlannedOp,
    diff_plans,
    explain_layers,
    unknown_work,
)
from harness.precision.rules.op_table import load_op_table
from harness.records import Mode
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_folded, print_table

_MEGA = 1e6
_NAMED = 8
"""Names of a list that are shown; of a longer one only their number."""
_ENGINES = {"ai_cpu_fp32": "AI CPU", "compile_error": "no kernel", "unknown": "unknown"}
"""By the engine of an op that no unit of AI Core computes: what stands in the unit's place."""
_DTYPES = "Dtypes stand as inputs > outputs: 16 is float16, b16 bfloat16, 32 float32."


def print_json(modes: Sequence[Mode], plans: Sequence[DtypePlan], console: Optional[Console] = None) -> None:
    """Print the plans and their totals as one JSON document."""
    document = [
        {"mode": mode.name, "totals": _totals(plan), "unknown": _unknown(plan), "plan": plan.model_dump(mode="json")}
        for mode, plan in zip(modes, plans)
    ]
    (console or open_console()).out(json.dumps(document, indent=1), highlight=False)


def print_guessed(fetches: Sequence[str], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print what a graph is taken to be run for, when nobody said it."""
    if fetches:
        text = words("planned for what nothing reads: {names} (--fetch NAME for another)", names=", ".join(fetches))
        print_folded(console or open_console(), Text(text, style="yellow"))


def print_plan(mode: Mode, plan: DtypePlan, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print every op by layer with the rule that decided it, then what needs attention, then the totals."""
    console = console or open_console()
    title = words("{mode}: {count} ops on an Ascend 910", mode=mode.name, count=len(plan.ops))
    _print_first(console, title, plan, words)
    lines: List[_Line] = []
    for layer in explain_layers(plan):
        lines.append(_Line(layer.name or words("(no scope)"), style="bold"))
        for explained in layer.ops:
            lines += _of_op(layer.name, explained, words)
    styles = [line.style for line in lines]
    columns = [
        Column(words("type and dtypes"), [line.dtypes for line in lines], number=False, styles=styles),
        Column(words("unit"), [line.place for line in lines], number=False, styles=styles),
        Column(words("why"), [line.why for line in lines], number=False, long=True, styles=styles),
    ]
    print_table(
        console, Column(words("op"), [line.name for line in lines], number=False, styles=styles), columns, words
    )
    print_folded(console, Text(words(_DTYPES), style="dim"))
    console.print()
    _print_attention(console, plan, words)
    _print_totals(console, [mode], [plan], words)


def print_difference(
    modes: Sequence[Mode], plans: Sequence[DtypePlan], words: Words = ENGLISH, console: Optional[Console] = None
) -> None:
    """Print only what two plans decide differently, and both their totals."""
    console = console or open_console()
    first, second = plans
    differences = diff_plans(first, second)
    total = len({op.name for plan in plans for op in plan.ops})
    title = words("{count} of {total} ops differ", count=len(differences), total=total)
    _print_first(console, title, first, words)
    console.print(Text(f"- {modes[0].name}\n+ {modes[1].name}", style="bold"))
    for (one, other), names in _alike(differences, words).items():
        console.print()
        count = words("{count} ops", count=len(names)) + words.colon if len(names) > 1 else ""
        print_folded(console, Text(f"{count}{', '.join(names)}"))
        for sign, style, decision in (("-", "red", one), ("+", "green", other)):
            if decision:
                print_folded(console, Text(f"{sign} {decision}", style=style), 2)
    console.print()
    if differences:
        print_folded(console, Text(words(_DTYPES), style="dim"))
        console.print()
    _print_totals(console, modes, plans, words)


def _alike(differences: Sequence[OpDifference], words: Words) -> Dict[Tuple[str, str], List[str]]:
    """Return names of ops by what the first and the second plan decide of them; empty where a plan lacks them."""
    found: Dict[Tuple[str, str], List[str]] = {}
    for difference in differences:
        sides = _decision(difference.first, words), _decision(difference.second, words)
        found.setdefault(sides, []).append(difference.name)
    return found


def _decision(op: Optional[PlannedOp], words: Words) -> str:
    """Return what a plan decides of an op; which op a gray one follows is left out, since alike ones follow others."""
    if op is None:
        return ""
    rule = re.sub(r" like \S+$", " like what feeds it", op.rule)
    return f"{op.type} {op.dtypes} {_place(op, words)}{words.semicolon}{words.message(rule)}"


def _place(op: PlannedOp, words: Words) -> str:
    """Return the unit that computes an op; in words where none of the card's AI Core does."""
    return words(_ENGINES[op.engine]) if op.engine in _ENGINES else op.unit


def _print_first(console: Console, title: str, plan: DtypePlan, words: Words) -> None:
    """Print the title with how much of the float work is not known, and then what would have to be known."""
    unknown = unknown_work(plan)
    told: List[str] = []
    if unknown.ops:
        shares = {
            "ops": unknown.ops / max(unknown.of_ops, 1),
            "flops": unknown.flops / max(unknown.of_flops, 1),
            "bytes": unknown.bytes_moved / max(unknown.of_bytes, 1),
        }
        text = "unknown: {count} ops ({ops:.0%}), {flops:.0%} of the arithmetic, {bytes:.0%} of the bytes"
        told.append(words(text, count=unknown.ops, **shares))
    if unknown.unsized_ops:
        told.append(words("sizes of {count} ops are unknown", count=unknown.unsized_ops))
    first = words.semicolon.join([title, *(told or [words("nothing in it is unknown")])])
    print_folded(console, Text(first, style="bold"))
    if unknown.ops:
        types = ", ".join(f"{name} ({count})" for name, count in unknown.types.items())
        needed = words("to know it: --op-table of a CANN that has kernel rows of {types}", types=types)
        print_folded(console, Text(needed, style="yellow"))
    if unknown.unsized_ops:
        text = (
            "to know the sizes: --shape for {names}"
            if "=" in "".join(plan.unsized)
            else "unknown sizes begin at {names}"
        )
        needed = words(text, names=_some(plan.unsized, words))
        print_folded(console, Text(needed, style="yellow"))


def _some(names: Sequence[str], words: Words) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f", {words('and {count} more', count=more)}" if more > 0 else "")


def _unknown(plan: DtypePlan) -> Dict[str, Any]:
    return {**unknown_work(plan)._asdict(), "sizes_begin_at": list(plan.unsized)}


class _Line(NamedTuple):
    """A line of the table of ops."""

    name: str
    dtypes: str = ""
    place: str = ""
    """Unit or engine that computes it."""
    why: str = ""
    style: str = ""


def _of_op(layer: str, explained: ExplainedOp, words: Words) -> Iterator[_Line]:
    op = explained.op
    name = op.name
    if layer:
        # Within its layer an op needs no scope, but for the one that says that it is a gradient.
        back = words("back") + " "
        name = re.sub(f"^(gradients(?:_[0-9]+)?/)?{re.escape(layer)}/", lambda found: back if found[1] else "", name)
    style = "red" if op.engine == "compile_error" else "yellow" if op.engine != "ai_core" else ""
    yield _Line(f"  {name}", f"{op.type} {op.dtypes}", _place(op, words), words.message(op.rule), style)
    for cast in explained.casts:
        index = cast.position
        where = words("cast of input {index}", index=index) if index >= 0 else words("cast of the result")
        size = f"{cast.bytes / _MEGA:.2f} MB" if cast.bytes else words("when compiled")
        yield _Line(f"    {where}", f"{cast.source} > {cast.target}", "", size, "dim")
    for item in filter(_matters, explained.constants):
        where = words("constant at input {index}", index=item.position)
        yield _Line(f"    {where}", why=_lost(item, words), style="yellow")


def _matters(item: ConstantRange) -> bool:
    """Say whether a constant is worth a line: a few weights too small for float16 are in every network."""
    return item.saturated > 0 or item.flushed * 1000 >= item.elements


def _lost(item: ConstantRange, words: Words) -> str:
    text = "{saturated} saturated, {flushed} become zero, of {elements}"
    return words(text, saturated=item.saturated, flushed=item.flushed, elements=item.elements)


def _print_attention(console: Console, plan: DtypePlan, words: Words) -> None:
    lines: List[str] = []
    if plan.failures:
        names = ", ".join(sorted({op.type for op in plan.failures}))
        lines.append(words("would not compile: {count} ops ({names})", count=len(plan.failures), names=names))
    on_cpu = [op.name for op in plan.ops if op.engine == "ai_cpu_fp32"]
    if on_cpu:
        lines.append(words("on the AI CPU: {names}", names=", ".join(on_cpu)))
    if plan.assumed_types:
        lines.append(words("kernel rows assumed, in no source: {names}", names=", ".join(plan.assumed_types)))
    if plan.disputed_types:
        names = ", ".join(plan.disputed_types)
        lines.append(words("sources disagree, the vendor's table is followed: {names}", names=names))
    for item in filter(_matters, plan.constants):
        where = words("constant leaves float16's range: {op} input {index}", op=item.consumer, index=item.position)
        lines.append(f"{where}{words.comma}{_lost(item, words)}")
    for line in [*lines, *map(words.remark, plan.remarks)]:
        print_folded(console, Text(line, style="yellow"))
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


def _print_totals(console: Console, modes: Sequence[Mode], plans: Sequence[DtypePlan], words: Words) -> None:
    columns = [_totals(plan) for plan in plans]
    rows: List[Tuple[str, List[str]]] = []
    for kind in sorted({kind for totals in columns for kind in totals["units"]}):
        counts = [str(totals["units"].get(kind, {"ops": 0})["ops"]) for totals in columns]
        rows.append((words("ops on {kind}", kind=kind), counts))
    # Where sizes are unknown, sums are the least that they can be; so is the floor without what is unknown.
    unknown = unknown_work(plans[0])
    least, floor = "≥ " * bool(unknown.unsized_ops), "≥ " * bool(unknown.unsized_ops or unknown.ops)
    rows += [
        (words("GFLOP"), [f"{least}{totals['flop'] / 1e9:.3f}" for totals in columns]),
        (words("MB read and written"), [f"{least}{totals['bytes'] / _MEGA:.1f}" for totals in columns]),
        (words("casts"), [str(totals["casts"]) for totals in columns]),
        (words("MB cast"), [f"{least}{totals['bytes_cast'] / _MEGA:.1f}" for totals in columns]),
        (words("roofline floor, ms"), [f"{floor}{totals['roofline_seconds'] * 1e3:.3f}" for totals in columns]),
    ]
    shown = [Column(mode.name, [cells[index] for _, cells in rows]) for index, mode in enumerate(modes)]
    print_table(console, Column(words("totals"), [name for name, _ in rows], number=False), shown, words)
    note = words(
        "Roofline: {rate} TFLOPS in float16, {bandwidth} TB/s assumed. Operator table: {table}. Compiler: {compiler}.",
        rate=f"{PEAK_FLOPS / 1e12:.0f}",
        bandwidth=f"{ASSUMED_BANDWIDTH / 1e12:.1f}",
        table=words(load_op_table().source),
        compiler=", ".join(dict.fromkeys(plan.config.profile for plan in plans)),
    )
    print_folded(console, Text(note, style="dim"))
