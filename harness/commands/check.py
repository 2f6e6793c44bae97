"""bench.py check: what a graph of the user's own computes in each mode, held against float32."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

import click

from harness.commands.graph_run import feeding_options, graph_question, spelled_options
from harness.commands.options import compiler_options, graph_options, language_option, output_option
from harness.errors import UsageError
from reports.terminal.opening import opening

if TYPE_CHECKING:
    from harness.records import GraphCheck


@click.command()
@graph_options
@click.option("--modes", metavar="A,B", help="Precision modes, separated by commas; those of a 910 unless given.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option(
    "--customize-dtypes", metavar="FILE", help="customize_dtypes file for all modes but must_keep_origin_dtype."
)
@compiler_options
@feeding_options()
@click.option("--every-op", is_flag=True, help="Hold the output of every op against float32's, not of fetches alone.")
@click.option("--gate", metavar="BASELINE.json", help="Hold the check against the approved one.")
@click.option("--approve", is_flag=True, help="Make it the approved one.")
@click.option("--reason", metavar="TEXT", help="Why; stored beside what was approved.")
@click.option("--require-fit", is_flag=True, help="The exit status says whether every mode is right.")
@output_option("Folder that gets the check's folder.")
@click.option(
    "--report", metavar="A,B", default="html", show_default=True, help="Write html, markdown, junit; or none."
)
@language_option
@click.option("--json", "as_json", is_flag=True, help="The record as JSON, alone on standard output.")
@click.option("--quiet", is_flag=True, help="Print verdicts that do not pass, and paths alone.")
def check(**values: Any) -> None:
    """Say whether your own graph computes right in each mode, rounded as the card rounds.

    Runs it on this host in float32 and in every mode, and holds every fetch against float32 and float64. How far a
    fetch may lie from float32 is measured: noise of one ulp of float16 on the inputs is let through the graph.
    """
    with opening(values["lang"], values["quiet"]):
        from harness import modes as known_modes
        from harness.check.checking import check as run_check
        from harness.check.messages import CheckQuestion
        from harness.check.verdicts import fitness_verdicts
        from harness.gates.exit_status import exit_status
        from harness.gates.graph_check import approve_graph_check, judge_graph_check
        from reports.formats import CHECK_FORMATS, parse_among
        from reports.language import Words, language_of
        from reports.terminal.graph_check import CheckProgress, print_approved_check

    if not values["graph"]:
        raise click.UsageError("check: expected --graph FILE")
    _check_approval(values)
    formats = parse_among(CHECK_FORMATS, values["report"])
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
    if values["gate"] and not values["approve"]:
        verdicts += judge_graph_check(found, Path(values["gate"]))
    found = found.model_copy(update={"options": spelled_options(values), "verdicts": verdicts})
    is_gated = any(not verdict.advisory for verdict in verdicts)
    status = exit_status(verdicts) if is_gated else 0
    if values["approve"]:
        print_approved_check(
            approve_graph_check(found, Path(values["gate"]), values["reason"]), values["gate"], words, values["as_json"]
        )
    _show(found, formats, status, values, words)
    click.get_current_context().exit(status)


def _check_approval(values: Dict[str, Any]) -> None:
    for name in ("approve", "reason"):
        if values[name] and not values["gate"]:
            raise UsageError(f"--{name}: it is of --gate (expected --gate BASELINE.json beside it)")
    if values["approve"] and not (values["reason"] or "").strip():
        raise UsageError("--approve: expected --reason TEXT, a sentence for whoever reads the baseline")
    if values["reason"] and not values["approve"]:
        raise UsageError("--reason: it is of --approve (expected --approve beside it)")


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
