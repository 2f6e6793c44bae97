"""bench.py index: care of an index of runs."""

from typing import Optional

import click

from harness.commands import approved_in
from harness.commands.options import baselines_option, index_option, language_option
from harness.commands.push import DEFAULT
from harness.commands.shown import Shown


@click.group(no_args_is_help=False)  # a command that is missing is one line
def index() -> None:
    """Make an index anew of the runs that it holds, or drop old ones from it."""


@index.command()
@index_option(default=DEFAULT)
@language_option
def rebuild(index: str, lang: Optional[str]) -> None:
    """Compute the figures anew from the runs' records."""
    from harness.history.index import Index
    from reports.terminal.index import print_rebuilt

    words = Shown.from_options("none", lang).words
    count, problems = Index.open(index, write=True, existing=True, outdated=True).rebuild()
    print_rebuilt(count, problems, words)


@index.command()
@click.option("--keep", metavar="RULE", required=True, help="N latest runs of a suite and machine, 90d, or 200,90d.")
@index_option(default=DEFAULT)
@baselines_option
@language_option
def prune(keep: str, index: str, baselines: Optional[str], lang: Optional[str]) -> None:
    """Drop the runs that a rule does not keep.

    Those that baselines were approved from stay.
    """
    from harness.history.index import Index
    from harness.history.retention import Keep
    from reports.terminal.index import print_pruned

    words = Shown.from_options("none", lang).words
    rule = Keep.parse(keep)
    approved = {run for run, _, _ in approved_in(baselines, ())}
    print_pruned(Index.open(index, write=True, existing=True).prune(rule, approved), words)
