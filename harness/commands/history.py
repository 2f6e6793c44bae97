"""bench.py history: figures over the stored runs."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Sequence

import click

from harness.commands import approved_in
from harness.commands.options import baselines_option, index_option, language_option, output_option
from harness.commands.shown import Shown

if TYPE_CHECKING:
    from harness.history.folders import Found
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
@click.option(
    "--last",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Runs shown of each case and mode.",
)
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
    from harness.history.index import Selection
    from reports.terminal import history as stored

    words = Shown.from_options("none", lang).words
    mode = _spelled(mode) if mode is not None else None
    day = since.date().isoformat() if since else None
    tables = not changes and (html, csv, asv) == (None, None, None)
    found = _stored(index, Path(output))
    series = found.runs.series(Selection(suite, case, mode, machine, branch, day), last if tables else None)
    if not series:
        _require_known(found.runs, suite, case, mode)
    approved = approved_in(baselines, found.baselines)
    if html is not None:
        from reports.html.site import write_site
        from reports.terminal.run import print_paths

        print_paths(write_site(series, Path(html), Path(output), approved, words)[:1], words)
    if csv is not None:
        from reports.documents.otava import write_otava
        from reports.terminal.run import print_paths

        print_paths(write_otava(series, Path(csv))[-1:], words)
    if asv is not None:
        from reports.documents.asv_results import write_asv
        from reports.terminal.run import print_paths

        paths, left_out = write_asv(series, Path(asv))
        print_paths(paths[:1], words)
        stored.print_left_out(left_out, words)
    if changes:
        stored.print_changes(series, words)
    if tables:
        stored.print_history(series, approved, words)
    stored.print_problems(found.problems, words)


def _spelled(mode: str) -> str:
    """Return the mode's name as records have it; one that is not known here as it was given."""
    from harness import modes

    return modes.get(mode).name if mode.strip() in modes.KNOWN else mode


def _stored(index: Optional[str], results: Path) -> "Found":
    """Return what the index holds, or the run folders."""
    from harness.history.folders import Found, index_of
    from harness.history.index import Index

    return Found(Index.open(index), [], set()) if index is not None else index_of(results)


def _require_known(runs: "Index", suite: Optional[str], case: Optional[str], mode: Optional[str]) -> None:
    """Raise UsageError for a name that no stored run has, and that is none of ours either."""
    import suites
    from harness import modes

    held = runs.names()
    _check_known("--suite", suite, [*suites.names(), *(names[0] for names in held)])
    _check_known("--case", case, [names[1] for names in held])
    _check_known("--mode", mode, [*modes.KNOWN, *(names[2] for names in held)])


def _check_known(option: str, name: Optional[str], known: Sequence[str]) -> None:
    from harness.errors import UsageError, nearest

    if name is not None and name not in known:
        expected = f"expected one of {', '.join(dict.fromkeys(known))}" if known else "there is no stored run"
        raise UsageError(f"history: {option} {name!r} is unknown{nearest(name, known)} ({expected})")
