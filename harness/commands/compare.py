"""bench.py compare: judge one stored run against another."""

from pathlib import Path

import click

from harness.commands import BASELINES


@click.command()
@click.argument("first", metavar="RUN_A")
@click.argument("second", metavar="RUN_B")
@click.option("--advisory", is_flag=True, help="Say the same, and let no verdict be the exit status.")
@click.pass_context
def compare(context: click.Context, first: str, second: str, advisory: bool) -> None:
    """Judge what has grown from RUN_A to RUN_B, by the tests and limits of the gates."""
    from harness.comparisons.stored_runs import compare_runs
    from harness.gates.exit_status import exit_status, lenient
    from harness.gates.power_card import Cards
    from harness.store.baselines import Baselines
    from harness.store.run_folder import RunFolder
    from reports.terminal.verdicts import print_verdicts

    runs = [RunFolder(Path(path)).load() for path in (first, second)]
    verdicts = compare_runs(runs[0], runs[1], Cards(Baselines(BASELINES)))
    print_verdicts(verdicts)
    status = exit_status(verdicts)
    context.exit(lenient(status) if advisory else status)
