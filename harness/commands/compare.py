"""bench.py compare: judge one stored run against another."""

from pathlib import Path
from typing import Optional

import click

from harness.commands import baselines_in
from harness.commands.options import baselines_option
from harness.gates.exit_status import exit_status, lenient


@click.command()
@click.argument("first", metavar="RUN_A")
@click.argument("second", metavar="RUN_B")
@click.option("--advisory", is_flag=True, help="Say the same, and let no verdict be the exit status.")
@baselines_option
@click.pass_context
def compare(context: click.Context, first: str, second: str, advisory: bool, baselines: Optional[str]) -> None:
    """Judge what has grown from RUN_A to RUN_B, by the tests and limits of the gates."""
    from harness.comparisons.stored_runs import compare_runs
    from harness.errors import UsageError
    from harness.gates.power_card import Cards
    from harness.store.run_folder import RunFolder
    from reports.advice import Origin
    from reports.terminal.verdicts import print_verdicts

    if Path(first).resolve() == Path(second).resolve():
        raise UsageError(f"compare: both are {first} (expected two runs)")
    runs = [RunFolder(Path(path)).load() for path in (first, second)]
    verdicts = compare_runs(runs[0], runs[1], Cards(baselines_in(baselines)))
    print_verdicts(verdicts, origin=Origin(second, runs[1].suite.name))
    status = exit_status(verdicts)
    context.exit(lenient(status) if advisory else status)
