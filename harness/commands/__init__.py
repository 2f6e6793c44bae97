"""One file a command of bench.py: it calls the harness, hands the outcome to the reports, and returns an exit status.

Imports within the functions keep `--help` fast; reports/ lies below this room and above the rest of harness/.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Iterable, Optional, Set, Tuple

if TYPE_CHECKING:
    from harness.store.baselines import Baselines


def baselines_to_write(given: Optional[str], recorded: Optional[str]) -> "Baselines":
    """Return the approved results to add to: in the folder that the user named, else in the one that a record names.

    Raises:
        UsageError: the record is of a machine where that folder lay elsewhere.
    """
    from harness.errors import UsageError

    if given is None and recorded is not None and not Path(recorded).parent.is_dir():
        raise UsageError(
            f"baselines {recorded}, the folder of the suite: not on this machine (expected --baselines DIR)"
        )
    return baselines_in(given or recorded)


def approved_in(given: Optional[str], recorded: Iterable[Optional[str]]) -> Set[Tuple[str, str, str]]:
    """Return run, case and mode of all that was approved in the named folder, else in the project's and the runs'."""
    folders = {given} if given else {None, *recorded}
    return {found for folder in folders for found in baselines_in(folder).approved()}


def say(message: str) -> None:
    """Print one line on standard error, in the language that the command line or the locale asks for."""
    import click

    from harness.errors import one_line
    from reports.catalogue import in_chinese, language_asked_for

    said = in_chinese(message) if language_asked_for(sys.argv) == "zh" else message
    click.echo(f"bench.py: {one_line(said)}", err=True)


def baselines_in(folder: Optional[str]) -> "Baselines":
    """Return the approved results in a folder that the user or a suite named, or in the project's own."""
    from harness.store.baselines import Baselines

    return Baselines(Path(folder) if folder else Path(__file__).resolve().parent.parent.parent / "baselines")
