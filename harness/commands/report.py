"""bench.py report: show a stored run again."""

from pathlib import Path
from typing import Optional

import click

from harness.commands import baselines_in
from harness.commands.options import baselines_option, language_option


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--format",
    "names",
    metavar="A,B",
    default="html",
    show_default=True,
    help="As --report, or text: on standard output.",
)
@click.option("--output", metavar="DIR", help="Folder that gets the files; the run's own unless given.")
@baselines_option
@language_option
def report(run: str, names: str, output: Optional[str], baselines: Optional[str], lang: Optional[str]) -> None:
    """Show a stored RUN, or what --against stored, again in any format."""
    from harness.commands.shown import Shown
    from reports.formats import parse
    from reports.language import Words, language_of

    shown = Shown(parse(names), Words(lang or language_of()), quiet=False)
    shown.tell(shown.write(Path(run), baselines_in(baselines).root, Path(output) if output else None))
