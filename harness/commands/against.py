"""bench.py --against, and --resume of what it began: a revision and this tree, compared."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Tuple

import click

from harness.commands import baselines_in, say
from harness.commands.hosts import claimed_machines
from harness.commands.request import Request
from harness.commands.shown import Shown
from harness.gates.exit_status import INCOMPARABLE, INTERRUPTED, TRIAL_FAILED, exit_status, lenient
from harness.store.cache import cache_folder
from reports.terminal.opening import opening

if TYPE_CHECKING:
    from harness.gates.power_card import Cards
    from harness.hosts.run import HostMachines
    from harness.records import Comparison
    from harness.runs.observer import PairObserver

_BESIDE_TRIALS = 600.0
"""Seconds that a tree's process may take beside its trials."""


def compare_trees(request: Request) -> int:
    """Measure a revision and this tree, show the verdicts, return the exit status."""
    shown = Shown.from_options(request.report, request.lang, request.quiet, request.json)
    with claimed_machines(request.hosts, request.device, shown.words, request.quiet) as machines:
        return _compare(request, shown, machines)


def _compare(request: Request, shown: Shown, machines: "Optional[HostMachines]") -> int:
    with opening(request.lang, request.quiet):
        import suites
        from harness import modes
        from harness.comparisons import revisions
        from harness.devices import memory, naming
        from harness.devices.kinds import KINDS

    chosen = naming.choose(request.device)[0] if machines is None else naming.parse(machines.device)[0]
    suite = request.chosen_suite(chosen.kind)
    # Of emulated modes the time is not this machine's own.
    names = [modes.get(name).name for name in modes.split(request.modes or KINDS[chosen.kind].reference_mode)]
    where = os.path.abspath(str(request.suite)) if suites.is_file(str(request.suite)) else str(request.suite)
    is_held = machines is not None or memory.holds(2, suite.cases, cache_folder(), suite.modes, chosen.name)
    plan = revisions.Plan(
        modes=names,
        options=("--suite", where, *request.for_another_tree()),
        looks=request.pairs,
        budget=request.budget,
        in_turns=is_held,
        # Each of its trials ends in time by itself; what comes before and after them is short.
        timeout=2 * len(suite.cases) * suite.timeout + _BESIDE_TRIALS,
        command=sys.argv,
    )
    results, revision = Path(request.output), str(request.against)

    def measure(cards: "Cards", observer: "PairObserver") -> "Tuple[Comparison, Path]":
        return revisions.compare(revision, plan, results, cards, observer, machines)

    return _show(request, shown, suite.baselines, len(names), measure)


def continue_comparison(request: Request) -> int:
    """Measure the pairs that an interrupted comparison lacks, show the verdicts, return the exit status."""
    import suites
    from harness.comparisons import revisions
    from harness.store.run_folder import RunFolder

    folder = Path(str(request.resume))
    comparison = RunFolder(folder).load_comparison()
    options = dict(zip(*[iter(comparison.options)] * 2))
    suite = suites.get(options.get("--suite", "perf"))
    shown = Shown.from_options(request.report, request.lang, request.quiet, request.json)
    device = options.get("--device", "auto")
    with claimed_machines(request.hosts, device, shown.words, request.quiet) as machines:

        def measure(cards: "Cards", observer: "PairObserver") -> "Tuple[Comparison, Path]":
            return revisions.resume(folder, cards, observer, machines)

        return _show(request, shown, suite.baselines, len(comparison.modes), measure)


def _show(
    request: Request,
    shown: Shown,
    baselines: Optional[str],
    modes: int,
    measure: "Callable[[Cards, PairObserver], Tuple[Comparison, Path]]",
) -> int:
    from harness.comparisons.revisions import LostPairError
    from harness.comparisons.trees import IncomparableError, TreeFailedError
    from harness.gates.power_card import Cards
    from reports.stored_run import Evidence
    from reports.terminal.base_and_head import print_sides
    from reports.terminal.comparison_progress import ComparisonProgress
    from reports.terminal.verdicts import print_verdicts

    stored = baselines_in(request.baselines or baselines)
    try:
        with ComparisonProgress(request.pairs[1], modes, request.quiet, shown.words) as progress:
            comparison, folder = measure(Cards(stored), progress)
    except IncomparableError as error:
        say(f"the two trees cannot be compared: {error}")
        return TRIAL_FAILED if isinstance(error, TreeFailedError) else INCOMPARABLE
    except LostPairError as error:
        say(str(error))
        return _interrupted(request, error.pairs, error.folder)
    if not comparison.complete:
        return _interrupted(request, len(comparison.pairs), folder)
    origin = Evidence.load(folder).origin
    written = shown.write(folder, stored.root)
    if not shown.quiet:
        print_sides(comparison, shown.words, shown.console)
    print_verdicts(comparison.verdicts, comparison.power_cards, shown.words, shown.quiet, shown.console, origin)
    shown.tell(written)
    status = exit_status(comparison.verdicts, request.inconclusive)
    return shown.answer(folder, lenient(status) if request.advisory else status)


def _interrupted(request: Request, pairs: int, folder: Path) -> int:
    """Say how to go on; return the exit status."""
    say(f"interrupted after {pairs} pairs; go on with")
    hosts = f" --hosts {request.hosts}" if request.hosts else ""
    click.echo(f"    python bench.py --resume {folder}{hosts}", err=True)
    return INTERRUPTED
