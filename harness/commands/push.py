"""bench.py push: stored runs into an index."""

from pathlib import Path
from typing import Optional, Tuple

import click

from harness.commands import approved_in
from harness.commands.options import baselines_option, index_option, language_option
from harness.commands.shown import Shown

DEFAULT = "sqlite:///results/history.db"


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@index_option(default=DEFAULT)
@baselines_option
@language_option
def push(runs: Tuple[str, ...], index: str, baselines: Optional[str], lang: Optional[str]) -> None:
    """Add stored runs to an index; one that is there already is left as it is."""
    from harness.history.index import Index
    from harness.history.parcel import Parcel
    from harness.store.run_folder import RunFolder
    from reports.terminal.index import print_pushed

    words = Shown.from_options("none", lang).words
    # All are read before anything is written.
    parcels = [Parcel.of(*RunFolder(Path(run)).load_with_bytes()) for run in runs]
    approved = {run for run, _, _ in approved_in(baselines, [parcel.baselines for parcel in parcels])}
    opened = Index.open(index, write=True)
    print_pushed([opened.push(parcel, parcel.run in approved) for parcel in parcels], index, words)
