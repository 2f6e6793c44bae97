"""bench.py history: figures over the stored runs."""

from pathlib import Path
from typing import Optional

import click

from harness.commands import BASELINES
from harness.commands.shown import Shown, language_option


@click.command()
@click.option("--suite", metavar="NAME", help="Only this suite's runs.")
@click.option("--case", metavar="ID", help="Only this case.")
@click.option("--mode", metavar="MODE", help="Only this mode.")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="Runs shown of each case and mode.")
@click.option("--output", metavar="DIR", default="results", show_default=True, help="Folder that holds the runs.")
@language_option
def history(output: str, last: int, lang: Optional[str], **wanted: Optional[str]) -> None:
    """Draw step time, plan figures and SSIM over the stored runs, approved baselines marked."""
    from reports.terminal import history as stored

    words = Shown.from_options("none", lang).words
    runs, problems = stored.stored_runs(Path(output))
    stored.print_history(runs, problems, stored.approved(BASELINES), last, words, **wanted)
