"""bench.py approve: make a run's results the baselines."""

from pathlib import Path
from typing import Optional

import click

from harness.commands import baselines_to_write
from harness.commands.options import baselines_option, language_option
from harness.gates.exit_status import INCONCLUSIVE


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--missing", "what", flag_value="missing", default=True, help="Only what has no baseline (default).")
@click.option("--changed", "what", flag_value="changed", help="Only what differs from its baseline.")
@click.option("--all", "what", flag_value="all", help="Both.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; stored in each baseline.")
@baselines_option
@language_option
@click.pass_context
def approve(
    context: click.Context, run: str, what: str, reason: str, baselines: Optional[str], lang: Optional[str]
) -> None:
    """Make a gated RUN's plans and timings, or pictures, the baselines, showing old beside new.

    The exit status is 0 once all that RUN holds is as approved, and 3 while some of it is not.
    """
    from harness.errors import UsageError
    from harness.gates import approval
    from harness.store.run_folder import RunFolder
    from reports.language import Words, language_of
    from reports.plain_text import shown_path
    from reports.terminal.approval import print_left, print_proposals, print_written

    if not reason.strip():
        raise UsageError("--reason is empty (expected a sentence for whoever reads the baseline)")
    measured = RunFolder(Path(run)).load()
    stored = baselines_to_write(baselines, measured.suite.baselines)
    proposals = approval.propose(measured, stored, reason, Path(run))
    chosen = [proposal for proposal in proposals if what in ("all", proposal.kind)]
    left = [proposal for proposal in proposals if proposal not in chosen]
    words = Words(lang or language_of())
    print_proposals(chosen, words=words)
    print_written(approval.approve(chosen, stored), words=words)
    if left:
        print_left(left, shown_path(Path(run)), "missing" if what == "changed" else "changed", words=words)
    if not proposals:
        click.echo(words("Nothing to approve: what this run holds is as approved."))
    context.exit(INCONCLUSIVE if left or any(proposal.refusal for proposal in chosen) else 0)
