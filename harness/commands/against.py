"""bench.py --against: a revision and this tree, measured in turn."""

import sys
from pathlib import Path

import click

from harness.commands import baselines_in
from harness.commands.request import Request
from harness.commands.shown import Shown
from harness.gates.exit_status import INCOMPARABLE, TRIAL_FAILED, exit_status, lenient


def compare_trees(request: Request) -> int:
    """Measure a revision and this tree in turn, show the verdicts, return the exit status."""
    import suites
    from harness.comparisons import revisions
    from harness.devices import naming
    from harness.devices.kinds import KINDS
    from harness.gates.power_card import Cards
    from reports.terminal.verdicts import ComparisonProgress, print_verdicts

    shown = Shown.from_options(request.report, request.lang, request.quiet)
    suites.get(str(request.suite))
    # Of emulated modes the time is not this machine's own.
    default = KINDS[naming.choose(request.device)[0].kind].reference_mode
    names = (request.modes or default).split(",")
    options = ["--suite", str(request.suite), *request.for_another_tree()]
    cards = Cards(baselines_in(request.baselines))
    hear = ComparisonProgress(request.pairs[1], request.quiet).measuring
    try:
        comparison, folder = revisions.compare(
            str(request.against), names, options, request.pairs, Path(request.output), cards, sys.argv, hear
        )
    except revisions.IncomparableError as error:
        click.echo(f"bench.py: the two trees cannot be compared: {error}", err=True)
        return TRIAL_FAILED if isinstance(error, revisions.TreeFailedError) else INCOMPARABLE
    print_verdicts(comparison.verdicts, comparison.power_cards, shown.words, shown.quiet)
    shown.write(folder)
    status = exit_status(comparison.verdicts, request.inconclusive)
    return lenient(status) if request.advisory else status
