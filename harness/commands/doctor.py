"""bench.py doctor: what is installed, and what is missing."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import click

from harness.commands.options import language_option
from harness.gates.exit_status import TRIAL_FAILED
from harness.store.cache import cache_folder

if TYPE_CHECKING:
    from reports.language import Words


@click.command()
@click.option("--timing", is_flag=True, help="Run suite smoke as well, and say where the time of its trials goes.")
@language_option
@click.pass_context
def doctor(context: click.Context, timing: bool, lang: Optional[str]) -> None:
    """Say what is installed, which devices work, what is missing and how to get it."""
    from harness.machine.doctor import examine
    from reports.language import Words, language_of
    from reports.terminal.doctor import print_checks

    words = Words(lang or language_of())
    checks = examine(cache_folder())
    print_checks(checks, words)
    works = not any(check.ok is False for check in checks)
    context.exit(0 if works and (not timing or _show_timing(words)) else TRIAL_FAILED)


def _show_timing(words: "Words") -> bool:
    """Run suite smoke, print how long each part of its trials took, and return False when one did not end well."""
    import suites
    from harness.runs import runner
    from reports.terminal.console import open_console
    from reports.terminal.doctor import print_timing
    from reports.terminal.progress import Progress
    from reports.terminal.run import print_failures

    output = Path(tempfile.mkdtemp(prefix="stylebench-"))
    with Progress(words=words) as progress:
        run, folder = runner.run_suite(suites.get("smoke"), "auto", output, cache_folder(), progress)
    if run.trials:
        print_timing(run.trials, words)
    if run.complete and all(trial.status == "ok" for trial in run.trials):
        shutil.rmtree(output)
        return True
    print_failures(run, folder, words, open_console())
    return False
