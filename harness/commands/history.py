"""bench.py history: figures over the stored runs."""

from pathlib import Path
from typing import Optional

import click

from harness.commands import baselines_in
from harness.commands.options import baselines_option, language_option, output_option
from harness.commands.shown import Shown


@click.command()
@click.option("--suite", metavar="NAME", help="Only this suite's runs.")
@click.option("--case", metavar="ID", help="Only this case.")
@click.option("--mode", metavar="MODE", help="Only this mode.")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="Runs shown of each case and mode.")
@output_option("Folder that holds the runs.")
@baselines_option
@language_option
def history(
    suite: Optional[str],
    case: Optional[str],
    mode: Optional[str],
    last: int,
    output: str,
    baselines: Optional[str],
    lang: Optional[str],
) -> None:
    """Draw step time, plan figures and SSIM over the stored runs, approved baselines marked."""
    from reports.terminal import history as stored

    words = Shown.from_options("none", lang).words
    runs, problems = stored.stored_runs(Path(output))
    stored.print_history(
        runs, problems, stored.approved(baselines_in(baselines).root), last, words, suite=suite, case=case, mode=mode
    )
