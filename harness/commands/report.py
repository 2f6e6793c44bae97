"""bench.py report: show a stored run again."""

from pathlib import Path
from typing import Optional

import click

from harness.commands.options import language_option
from harness.commands.shown import Shown


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--format", "names", metavar="A,B", default="html", show_default=True, help="As --report.")
@click.option("--output", metavar="DIR", help="Folder that gets the files; the run's own unless given.")
@language_option
def report(run: str, names: str, output: Optional[str], lang: Optional[str]) -> None:
    """Show a stored RUN, or what --against stored, again in any format."""
    Shown.from_options(names, lang).write(Path(run), Path(output) if output else None)
