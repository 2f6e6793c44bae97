"""bench.py history: figures over the stored runs."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple

import click

from harness.commands import baselines_in
from harness.commands.options import baselines_option, index_option, language_option, output_option
from harness.commands.shown import Shown

if TYPE_CHECKING:
    from harness.history.index import Index


@click.command()
@index_option()
@click.option("--suite", metavar="NAME", help="Only this suite's runs.")
@click.option("--case", metavar="ID", help="Only this case.")
@click.option("--mode", metavar="MODE", help="Only this mode.")
@click.option("--machine", metavar="KEY", help="Only this machine key.")
@click.option("--branch", metavar="NAME", help="Only runs that were measured on this branch.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Only revisions of this day and later."
)
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="Runs shown of each case and mode.")
@click.option("--changes", is_flag=True, help="Show where step times and dtype plans changed instead.")
@click.option("--html", metavar="DIR", help="Write a site: an overview, and a page for each case.")
@click.option("--csv", metavar="DIR", help="Write tables that Apache Otava reads.")
@click.option("--asv", metavar="DIR", help="Write a results tree that asv publishes.")
@output_option("Folder that holds the runs.")
@baselines_option
@language_option
def history(
    index: Optional[str],
    suite: Optional[str],
    case: Optional[str],
    mode: Optional[str],
    machine: Optional[str],
    branch: Optional[str],
    since: Optional[datetime],
    last: int,
    changes: bool,
    html: Optional[str],
    csv: Optional[str],
    asv: Optional[str],
    output: str,
    baselines: Optional[str],
    lang: Optional[str],
) -> None:
    """Draw step time, losses, SSIM and plan figures over the stored runs, approved baselines marked."""
    from harness import modes
    from harness.history.index import Selection
    from reports.terminal import history as stored
    from reports.terminal.run import print_paths

    words = Shown.from_options("none", lang).words
    if mode is not None and mode.strip() in modes.KNOWN:
        mode = modes.get(mode).name
    day = since.date().isoformat() if since else None
    found, problems = _open(index, Path(output))
    series = found.series(Selection(suite, case, mode, machine, branch, day))
    if not series:
        _require_known(found, suite, case, mode)
    approved = baselines_in(baselines).approved()
    if html is not None:
        from reports.html.site import write_site

        print_paths(write_site(series, Path(html), Path(output), approved, words)[:1], words)
    if csv is not None:
        from reports.documents.otava import write_otava

        print_paths(write_otava(series, Path(csv))[-1:], words)
    if asv is not None:
        from reports.documents.asv_results import write_asv

        paths, left_out = write_asv(series, Path(asv))
        print_paths(paths[:1], words)
        stored.print_left_out(left_out, words)
    if changes:
        stored.print_changes(series, words)
    elif not (html or csv or asv):
        stored.print_history(series, approved, last, words)
    stored.print_problems(problems, words)


def _open(index: Optional[str], results: Path) -> "Tuple[Index, List[str]]":
    """Return the index, or one of the run folders, and one line about each run that cannot be read."""
    from harness.history.folders import index_of
    from harness.history.index import Index

    return (Index.open(index), []) if index is not None else index_of(results)


def _require_known(found: "Index", suite: Optional[str], case: Optional[str], mode: Optional[str]) -> None:
    """Raise UsageError for a name that no stored run has, and that is none of ours either."""
    import suites
    from harness import modes

    held = found.series()
    _check_known("--suite", suite, [*suites.names(), *(one.key[0] for one in held)])
    _check_known("--case", case, [one.key[1] for one in held])
    _check_known("--mode", mode, [*modes.KNOWN, *(one.key[2] for one in held)])


def _check_known(option: str, name: Optional[str], known: Sequence[str]) -> None:
    from harness.errors import UsageError, nearest

    if name is not None and name not in known:
        expected = f"expected one of {', '.join(dict.fromkeys(known))}" if known else "there is no stored run"
        raise UsageError(f"history: {option} {name!r} is unknown{nearest(name, known)} ({expected})")
