"""bench.py approve: make a run's results the baselines."""

from pathlib import Path

import click

from harness.commands import BASELINES, EXIT_INCONCLUSIVE


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--missing", "what", flag_value="missing", default=True, help="Only what has no baseline (default).")
@click.option("--changed", "what", flag_value="changed", help="Only what differs from its baseline.")
@click.option("--all", "what", flag_value="all", help="Both.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; stored in each baseline.")
@click.pass_context
def approve(context: click.Context, run: str, what: str, reason: str) -> None:
    """Make a gated RUN's plans and timings, or pictures, the baselines, showing old beside new."""
    from harness.errors import UsageError
    from harness.gates import approval
    from harness.store.baselines import Baselines
    from harness.store.run_folder import RunFolder
    from reports.terminal.approval import print_proposals, print_written

    if not reason.strip():
        raise UsageError("--reason is empty (expected a sentence for whoever reads the baseline)")
    baselines = Baselines(BASELINES)
    proposals = approval.propose(RunFolder(Path(run)).load(), baselines, reason, Path(run))
    chosen = [proposal for proposal in proposals if what in ("all", proposal.kind)]
    print_proposals(chosen)
    print_written(approval.approve(chosen, baselines))
    context.exit(EXIT_INCONCLUSIVE if any(proposal.refusal for proposal in chosen) else 0)
