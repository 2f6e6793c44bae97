"""bench.py --against, and --resume of what it began: a revision and this tree, compared."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Tuple

import click

from harness.commands import baselines_in
from harness.commands.request import Request
from harness.commands.shown import Shown
from harness.gates.exit_status import INCOMPARABLE, INTERRUPTED, TRIAL_FAILED, exit_status, lenient
from harness.store.cache import cache_folder

if TYPE_CHECKING:
    from harness.comparisons.trees import Hear
    from harness.gates.power_card import Cards
    from harness.records import Comparison

_BESIDE_TRIALS = 600.0
"""Seconds that a tree's process may take beside its trials."""


def compare_trees(request: Request) -> int:
    """Measure a revision and this tree, show the verdicts, return the exit status."""
    from harness.comparisons import revisions
    from harness.devices import memory, naming
    from harness.devices.kinds import KINDS

    chosen = naming.choose(request.device)[0]
    suite = request.chosen_suite(chosen.kind)
    # Of emulated modes the time is not this machine's own.
    names = (request.modes or KINDS[chosen.kind].reference_mode).split(",")
    plan = revisions.Plan(
        modes=names,
        options=("--suite", str(request.suite), *request.for_another_tree()),
        looks=request.pairs,
        budget=request.budget,
        in_turns=memory.holds(2, suite.cases, cache_folder(), suite.modes, chosen.name),
        # Each of its trials ends in time by itself; what comes before and after them is short.
        timeout=2 * len(suite.cases) * suite.timeout + _BESIDE_TRIALS,
        command=sys.argv,
    )
    results = Path(request.output)
    return _show(request, lambda cards, hear: revisions.compare(str(request.against), plan, results, cards, hear))


def continue_comparison(request: Request) -> int:
    """Measure the pairs that an interrupted comparison lacks, show the verdicts, return the exit status."""
    from harness.comparisons import revisions

    return _show(request, lambda cards, hear: revisions.resume(Path(str(request.resume)), cards, hear))


def _show(request: Request, measure: "Callable[[Cards, Hear], Tuple[Comparison, Path]]") -> int:
    from harness.comparisons.trees import IncomparableError, TreeFailedError
    from harness.gates.power_card import Cards
    from reports.stored_run import Evidence
    from reports.terminal.base_and_head import print_sides
    from reports.terminal.verdicts import ComparisonProgress, print_verdicts

    shown = Shown.from_options(request.report, request.lang, request.quiet)
    hear = ComparisonProgress(request.pairs[1], request.quiet, shown.words).measuring
    try:
        comparison, folder = measure(Cards(baselines_in(request.baselines)), hear)
    except IncomparableError as error:
        click.echo(f"bench.py: the two trees cannot be compared: {error}", err=True)
        return TRIAL_FAILED if isinstance(error, TreeFailedError) else INCOMPARABLE
    if not comparison.complete:
        click.echo(f"bench.py: interrupted after {len(comparison.pairs)} pairs; go on with", err=True)
        click.echo(f"    python bench.py --resume {folder}", err=True)
        return INTERRUPTED
    origin = Evidence.load(folder).origin
    if not shown.quiet:
        print_sides(comparison, shown.words)
    print_verdicts(comparison.verdicts, comparison.power_cards, shown.words, shown.quiet, origin=origin)
    shown.write(folder)
    status = exit_status(comparison.verdicts, request.inconclusive)
    return lenient(status) if request.advisory else status
