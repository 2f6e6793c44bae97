"""bench.py --against: a revision and this tree, measured in turn."""

import os
import sys
from pathlib import Path
from typing import Any, Dict, List

import click

from harness.commands import BASELINES, EXIT_INCOMPARABLE, EXIT_TRIAL_FAILED
from harness.commands.shown import Shown


def compare_trees(
    suite: str,
    revision: str,
    pairs: int,
    given: List[str],
    shown: Shown,
    advisory: bool,
    output: str,
    **options: Any,
) -> int:
    """Measure a revision and this tree in turn, show the verdicts, return the exit status."""
    import suites
    from harness import modes as precision_modes
    from harness.comparisons import revisions
    from harness.devices import naming
    from harness.errors import UsageError
    from harness.gates.exit_status import exit_status, lenient
    from harness.gates.power_card import Cards
    from harness.store.baselines import Baselines
    from reports.terminal.verdicts import ComparisonProgress, print_verdicts

    timing = {"replicates", "max_replicates", "half_width", "budget"}
    refused = {"gate", "plan_only", "health", "require_fit", *timing} & set(given)
    if refused:
        raise UsageError(f"--against takes no --{refused.pop().replace('_', '-')}")
    suites.get(suite)
    passed = {name: options[name] for name in given if name in options}
    # Of emulated modes the time is not this machine's own.
    default = precision_modes.reference_name(naming.choose(options["device"])[0].kind)
    modes = passed.pop("modes", default).split(",")
    arguments = ["--suite", suite, *as_arguments(passed)]
    cards, hear = Cards(Baselines(BASELINES)), ComparisonProgress(pairs).measuring
    try:
        comparison, folder = revisions.compare(revision, modes, arguments, pairs, Path(output), cards, sys.argv, hear)
    except revisions.IncomparableError as error:
        click.echo(f"bench.py: the two trees cannot be compared: {error}", err=True)
        return EXIT_TRIAL_FAILED if isinstance(error, revisions.TreeFailedError) else EXIT_INCOMPARABLE
    print_verdicts(comparison.verdicts, comparison.power_cards, shown.words, shown.quiet)
    shown.write(folder)
    status = exit_status(comparison.verdicts)
    return lenient(status) if advisory else status


def as_arguments(options: Dict[str, Any]) -> List[str]:
    """The options as a command line that works in another folder: files by their absolute paths."""
    from harness.devices import npu_options

    names = {"initial": "init", "npu": "npu-option"}
    arguments = []
    for name, given in options.items():
        values = given if isinstance(given, tuple) else (given,)
        if name == "npu":
            values = tuple(f"{key}={value}" for key, value in npu_options.parse(values).items())
        for value in values:
            known_file = isinstance(value, str) and os.path.exists(value)
            option = names.get(name, name).replace("_", "-")
            arguments += [f"--{option}", os.path.abspath(value) if known_file else str(value)]
    return arguments
