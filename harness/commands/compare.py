"""bench.py compare: judge one stored run against another."""

from pathlib import Path
from typing import Optional

import click

from harness.commands import baselines_in
from harness.commands.options import baselines_option, language_option
from harness.gates.exit_status import exit_status, lenient


@click.command()
@click.argument("first", metavar="RUN_A")
@click.argument("second", metavar="RUN_B")
@click.option("--advisory", is_flag=True, help="Say the same, and let no verdict be the exit status.")
@baselines_option
@language_option
@click.option(
    "--json", "as_json", is_flag=True, help="Verdicts and both runs' figures as JSON, alone on standard output."
)
@click.pass_context
def compare(
    context: click.Context,
    first: str,
    second: str,
    advisory: bool,
    baselines: Optional[str],
    lang: Optional[str],
    as_json: bool,
) -> None:
    """Judge what has grown from RUN_A to RUN_B, by the tests and limits of the gates."""
    from harness.comparisons.stored_runs import Stored, compare_runs
    from harness.errors import UsageError
    from harness.gates.power_card import Cards
    from harness.store.run_folder import RunFolder
    from reports.advice import origin
    from reports.language import Words, language_of
    from reports.terminal.answer import print_comparison
    from reports.terminal.console import open_console
    from reports.terminal.stored_runs import print_sides
    from reports.terminal.verdicts import print_verdicts

    if Path(first).resolve() == Path(second).resolve():
        raise UsageError(f"compare: both are {first} (expected two runs)")
    one, other = (Stored(RunFolder(Path(path)).load(), Path(path)) for path in (first, second))
    verdicts = compare_runs(one, other, Cards(baselines_in(baselines or other.run.suite.baselines)))
    status = lenient(exit_status(verdicts)) if advisory else exit_status(verdicts)
    words, console = Words(lang or language_of()), open_console(stderr=as_json)
    print_sides(one.run, other.run, words, console)
    print_verdicts(verdicts, words=words, console=console, origin=origin(other.run, other.folder))
    if as_json:
        print_comparison(one.run, other.run, verdicts, status, words)
    context.exit(status)
