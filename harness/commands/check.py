"""bench.py check: what a graph of the user's own computes in each mode, held against float32."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

import click

from harness.commands.options import Command, compiler_options, graph_options, language_option, output_option
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.check.messages import GraphQuestion
    from harness.records import GraphCheck


def feeding_options(command: Command) -> Command:
    """Add the options that say what a graph is fed and how it is run; `graph_question` takes them."""
    options = (
        click.option("--feeds", metavar="FILE.npz|DIR", help="Arrays by placeholder; a folder of files is a sample."),
        click.option("--range", "between", metavar="A..B", default="-1..1", show_default=True, help="Of random feeds."),
        click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Of random feeds."),
        click.option(
            "--samples", type=click.IntRange(1), metavar="N", default=3, show_default=True, help="Sets of random feeds."
        ),
        click.option("--init-op", metavar="NAME", help="Operation that sets the variables; init unless given."),
        click.option(
            "--steps", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="Steps of training."
        ),
        click.option(
            "--noise",
            type=click.IntRange(1),
            metavar="N",
            default=6,
            show_default=True,
            help="Runs with noise on the inputs, from which the limits come.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def graph_question(values: Dict[str, Any]) -> "GraphQuestion":
    """Return how the options of `graph_options` and `feeding_options` say that a graph is run; raises UsageError."""
    from harness.check.feeds import feed_files, parse_range
    from harness.check.messages import GraphQuestion, RandomRange
    from harness.graphs.source import graph_source

    low, high = parse_range(values["between"])
    if not 0 <= values["seed"] < 2**32:
        raise UsageError(f"--seed {values['seed']}: expected a number from 0 to {2**32 - 1}")
    names = ("graph", "signature", "fetches", "shapes", "inputs")
    return GraphQuestion(
        graph=graph_source(*(values[name] for name in names)),
        feeds=feed_files(values["feeds"]) if values["feeds"] else (),
        random=RandomRange(low=low, high=high, seed=values["seed"], samples=values["samples"]),
        initialize=values["init_op"] or "",
        steps=values["steps"],
        noise=values["noise"],
    )


def spelled_options(values: Dict[str, Any]) -> Tuple[str, ...]:
    """Return the same options as a command line spells them; those that have their default are left out."""
    spelled: List[str] = []
    names = {"fetches": "fetch", "shapes": "shape", "inputs": "input", "between": "range", "init_op": "init-op"}
    defaults = {"between": "-1..1", "seed": 0, "samples": 3, "steps": 1, "noise": 6}
    for name in ("graph", "signature", "fetches", "shapes", "inputs", "feeds", "between", "seed", "samples", "init_op"):
        spelled += _spelled(names.get(name, name), values[name], defaults.get(name))
    for name in ("steps", "noise"):
        spelled += _spelled(name, values[name], defaults[name])
    return tuple(spelled)


def _spelled(name: str, value: Any, default: Any) -> List[str]:
    values = value if isinstance(value, tuple) else (value,)
    return [word for one in values if one not in (None, default) for word in (f"--{name}", str(one))]


@click.command()
@graph_options
@click.option("--modes", metavar="A,B", help="Precision modes, separated by commas; those of a 910 unless given.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option(
    "--customize-dtypes", metavar="FILE", help="customize_dtypes file for all modes but must_keep_origin_dtype."
)
@compiler_options
@feeding_options
@click.option("--every-op", is_flag=True, help="Hold the output of every op against float32's, not of fetches alone.")
@click.option("--require-fit", is_flag=True, help="The exit status says whether every mode is right.")
@output_option("Folder that gets the check's folder.")
@click.option("--report", metavar="A,B", default="html", show_default=True, help="Write html, markdown; or none.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="The record as JSON, alone on standard output.")
@click.option("--quiet", is_flag=True, help="Print verdicts that do not pass, and paths alone.")
def check(**values: Any) -> None:
    """Say whether your own graph computes right in each mode, rounded as the card rounds.

    Runs it on this host in float32 and in every mode, and holds every fetch against float32 and float64. How far a
    fetch may lie from float32 is measured: noise of one ulp of float16 on the inputs is let through the graph.
    """
    from harness import modes as known_modes
    from harness.check.checking import check as run_check
    from harness.check.messages import CheckQuestion
    from harness.check.verdicts import fitness_verdicts
    from harness.gates.exit_status import exit_status
    from reports.formats import parse_check
    from reports.language import Words, language_of
    from reports.terminal.graph_check import CheckProgress

    if not values["graph"]:
        raise click.UsageError("check: expected --graph FILE")
    formats = parse_check(values["report"])
    words = Words(values["lang"] or language_of())
    names = known_modes.split(values["modes"]) if values["modes"] else known_modes.NAMES
    chosen = known_modes.with_options(
        [known_modes.get(name) for name in names],
        mixlist=values["mixlist"],
        customize_dtypes=values["customize_dtypes"],
        fusion_switch=values["fusion_switch"],
        profile=values["cann"],
    )
    for mode in chosen:
        if mode.emit == "native":
            raise UsageError(f"check {mode.name}: the 910 has no bfloat16 to round to (expected a float16 mode)")
    question = CheckQuestion(**dict(graph_question(values)), modes=tuple(chosen), every_op=values["every_op"])
    with CheckProgress(words, values["quiet"]) as progress:
        found = run_check(question, progress.heard)
    verdicts = fitness_verdicts(found, values["require_fit"])
    found = found.model_copy(update={"options": spelled_options(values), "verdicts": verdicts})
    status = exit_status(verdicts) if values["require_fit"] else 0
    _show(found, formats, status, values, words)
    click.get_current_context().exit(status)


def _show(found: "GraphCheck", formats: List[str], status: int, values: Dict[str, Any], words: Any) -> None:
    """Keep the record, print it, and write its reports."""
    from harness.store.files import write_atomic
    from harness.store.run_folder import RunFolder
    from reports.formats import write_check
    from reports.terminal.console import open_console
    from reports.terminal.graph_check import print_check, print_check_json
    from reports.terminal.run import print_paths

    folder = RunFolder.create(Path(values["output"]), "check").path
    record = folder / "check.json"
    write_atomic(record, (found.model_dump_json(indent=1) + "\n").encode())
    written = write_check(formats, found, folder, words)
    console = open_console(stderr=values["as_json"])
    print_check(found, record, words, values["quiet"], console)
    print_paths(written, words, console)
    if values["as_json"]:
        print_check_json(found, record, status)
