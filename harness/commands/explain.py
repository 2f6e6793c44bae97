"""bench.py explain: why each op of a step gets its dtype."""

import sys
from typing import TYPE_CHECKING, Any, Mapping, Optional, Tuple

import click

from harness.commands.graph_gate import GateOptions, gate_plans, graph_plans
from harness.commands.options import compiler_options, graph_options, language_option, output_option
from harness.errors import UsageError
from harness.store.cache import cache_folder

if TYPE_CHECKING:
    from harness.plans.explain import Question
    from harness.records import Mode


@click.command()
@click.argument("mode")
@click.argument("other", required=False, metavar="[MODE_B]")
@click.option("--json", "as_json", is_flag=True, help="Print plans and totals as JSON.")
@graph_options
@click.option("--size", type=int, metavar="PIXELS", help="Width of the style step's picture.")
@click.option("--batch", type=int, metavar="N", help="Pictures that the style step draws at once.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option(
    "--customize-dtypes", metavar="FILE", help="customize_dtypes file for all modes but must_keep_origin_dtype."
)
@compiler_options
@click.option("--gate", metavar="BASELINE.json", help="Hold the plan of --graph against the approved one.")
@click.option("--approve", is_flag=True, help="Make it the approved one.")
@click.option("--reason", metavar="TEXT", help="Why; stored beside the approved plan.")
@click.option(
    "--report", metavar="A,B", default="none", show_default=True, help="Of --gate: html, markdown, json, junit, github."
)
@output_option("Folder that gets the files of --report.")
@language_option
@click.pass_context
def explain(
    context: click.Context,
    mode: str,
    other: Optional[str],
    as_json: bool,
    graph: Optional[str],
    signature: Optional[str],
    fetches: Tuple[str, ...],
    shapes: Tuple[str, ...],
    inputs: Tuple[str, ...],
    size: Optional[int],
    batch: Optional[int],
    mixlist: Optional[str],
    customize_dtypes: Optional[str],
    fusion_switch: Optional[str],
    cann: Optional[str],
    op_table: Optional[str],
    gate: Optional[str],
    approve: bool,
    reason: Optional[str],
    report: str,
    output: str,
    lang: Optional[str],
) -> None:
    """Say why each op of the step gets its dtype in MODE; with MODE_B, what differs."""
    from harness import modes
    from harness.graphs.source import graph_source
    from harness.plans import explain as plans
    from reports.language import Words, language_of
    from reports.terminal import explain as shown
    from reports.terminal.progress import Progress

    _check(graph, {"size": size, "batch": batch}, signature=signature, fetch=fetches, shape=shapes, input=inputs)
    gating = GateOptions(gate, approve, reason, report, output, as_json)
    gating.check(graph)
    source = graph_source(graph, signature, fetches, shapes, inputs) if graph else None
    asked = [modes.get(name) for name in (mode, other) if name]
    chosen = tuple(modes.with_options(asked, mixlist, customize_dtypes, fusion_switch, cann))
    question = plans.Question(graph=source, modes=chosen) if source else _of_style_step(size, batch, chosen)
    words = Words(lang or language_of())
    # Beside a terminal's output alone: a plan is often read by a program.
    with Progress(quiet=not sys.stderr.isatty(), words=words) as progress:
        progress.preparing("plans")
        answer = plans.planned(question)
    if source and gate:
        plans_of_graph = graph_plans(source, chosen, answer.plans)
        context.exit(gate_plans(str(graph), plans_of_graph, gating, words))
    if as_json:
        shown.print_json(chosen, answer.plans)
        return
    if other:
        shown.print_difference(chosen, answer.plans, words)
    else:
        shown.print_plan(chosen[0], answer.plans[0], words)
    shown.print_guessed(answer.guessed, words)


def _check(graph: Optional[str], of_step: Mapping[str, Optional[int]], **of_graph: Any) -> None:
    """Raise UsageError when an option is given that has nothing to say of what is planned."""
    changed = [name for name, value in of_step.items() if value is not None]
    if graph and changed:
        raise UsageError(f"--{min(changed)}: it is of the style step (expected no --graph beside it)")
    for name, given in of_graph.items():
        if given and not graph:
            value = given if isinstance(given, str) else given[0]
            raise UsageError(f"--{name} {value}: it is of --graph (expected --graph FILE beside it)")


def _of_style_step(size: Optional[int], batch: Optional[int], chosen: "Tuple[Mode, ...]") -> "Question":
    import suites
    from harness.devices import memory
    from harness.plans.explain import Question

    changes = {name: value for name, value in (("size", size), ("batch", batch)) if value is not None}
    case = suites.customize(suites.get("perf"), changes, {}).cases[0]
    resolved = memory.resolve(case, cache_folder(), chosen, "cpu", forward_only=True)
    return Question(case=resolved, modes=chosen, cache=cache_folder())
