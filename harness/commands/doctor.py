"""bench.py doctor: what is installed, and what is missing."""

from typing import Optional

import click

from harness.commands.options import language_option
from harness.gates.exit_status import TRIAL_FAILED
from harness.store.cache import cache_folder


@click.command()
@language_option
@click.pass_context
def doctor(context: click.Context, lang: Optional[str]) -> None:
    """Say what is installed, which devices work, what is missing and how to get it."""
    from harness.machine.doctor import examine
    from reports.language import Words, language_of
    from reports.terminal.doctor import print_checks

    checks = examine(cache_folder())
    print_checks(checks, Words(lang or language_of()))
    context.exit(TRIAL_FAILED if any(check.ok is False for check in checks) else 0)
