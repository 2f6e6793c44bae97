"""bench.py doctor: what is installed, and what is missing."""

import click

from harness.gates.exit_status import TRIAL_FAILED
from harness.store.cache import cache_folder


@click.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Say what is installed, which devices work, what is missing and how to get it."""
    from harness.machine.doctor import examine
    from reports.terminal.doctor import print_checks

    checks = examine(cache_folder())
    print_checks(checks)
    context.exit(TRIAL_FAILED if any(check.ok is False for check in checks) else 0)
