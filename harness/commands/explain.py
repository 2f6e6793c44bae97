"""bench.py explain: why each op of a step gets its dtype."""

import os
import sys
from typing import Optional, Tuple

import click

from harness.commands.options import language_option
from harness.errors import UsageError
from harness.store.cache import cache_folder


@click.command()
@click.argument("mode")
@click.argument("other", required=False, metavar="[MODE_B]")
@click.option("--json", "as_json", is_flag=True, help="Print plans and totals as JSON.")
@click.option("--graph", metavar="FILE.pb", help="Plan this frozen or training graph instead of the style step.")
@click.option("--fetch", "fetches", metavar="NAME", multiple=True, help="What --graph is run for; repeat for several.")
@click.option("--size", type=int, metavar="PIXELS", help="Width of the style step's picture.")
@click.option("--batch", type=int, metavar="N", help="Pictures that the style step draws at once.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option(
    "--customize-dtypes", metavar="FILE", help="customize_dtypes file for all modes but must_keep_origin_dtype."
)
@language_option
def explain(
    mode: str,
    other: Optional[str],
    as_json: bool,
    graph: Optional[str],
    fetches: Tuple[str, ...],
    size: Optional[int],
    batch: Optional[int],
    mixlist: Optional[str],
    customize_dtypes: Optional[str],
    lang: Optional[str],
) -> None:
    """Say why each op of the step gets its dtype in MODE; with MODE_B, what differs."""
    import suites
    from harness import modes
    from harness.devices import memory
    from harness.plans import explain as plans
    from reports.language import Words, language_of
    from reports.terminal import explain as shown
    from reports.terminal.progress import Progress

    sizes = {"size": size, "batch": batch}
    changes = {name: value for name, value in sizes.items() if value is not None}
    if graph and changes:
        raise UsageError(f"--{min(changes)}: it is of the style step (expected no --graph beside it)")
    if fetches and not graph:
        raise UsageError(f"--fetch {fetches[0]}: it is of --graph (expected --graph FILE.pb beside it)")
    if graph and not os.path.isfile(graph):
        reason = "it is a folder, such as a SavedModel's" if os.path.isdir(graph) else "no such file"
        raise UsageError(f"graph {graph}: {reason} (expected a binary GraphDef, one in text, or a MetaGraphDef)")
    asked = [modes.get(name) for name in (mode, other) if name]
    chosen = tuple(modes.with_options(asked, mixlist, customize_dtypes))
    if graph:
        question = plans.Question(graph=os.path.abspath(graph), fetches=fetches, modes=chosen)
    else:
        case = suites.customize(suites.get("perf"), changes, {}).cases[0]
        resolved = memory.resolve(case, cache_folder(), chosen, "cpu", forward_only=True)
        question = plans.Question(case=resolved, modes=chosen, cache=cache_folder())
    words = Words(lang or language_of())
    # Beside a terminal's output alone: a plan is often read by a program.
    with Progress(quiet=not sys.stderr.isatty(), words=words) as progress:
        progress.preparing("plans")
        answer = plans.explain(question)
    if as_json:
        shown.print_json(chosen, answer)
    elif other:
        shown.print_difference(chosen, answer, words)
    else:
        shown.print_plan(chosen[0], answer[0], words)
