"""bench.py calibrate: make this machine's power card."""

from pathlib import Path
from typing import Optional

import click

from harness.commands import BASELINES, EXIT_INCONCLUSIVE, EXIT_INTERRUPTED, EXIT_TRIAL_FAILED, cache_folder


@click.command()
@click.option("--suite", metavar="NAME", default="perf", show_default=True, help="Whose first case is measured.")
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, gpu, npu.")
@click.option("--size", type=int, metavar="PIXELS", help="Another width: a card of its own, for runs of that size.")
@click.option("--comparisons", type=click.IntRange(1), default=40, show_default=True)
@click.option("--pairs", type=click.IntRange(2), default=5, show_default=True, help="Of processes, per comparison.")
@click.option("--resume", metavar="FOLDER", help="Alone: go on with an interrupted calibration.")
@click.option("--output", metavar="DIR", default="results", show_default=True, help="Gets the calibration's folder.")
@click.pass_context
def calibrate(
    context: click.Context,
    suite: str,
    device: str,
    size: Optional[int],
    comparisons: int,
    pairs: int,
    resume: Optional[str],
    output: str,
) -> None:
    """Make this machine's power card: how often the timing gate cries wolf, and how often it sees ten percent.

    Compares the suite's first case with itself, and with itself slowed down. Takes hours; leave the machine alone.
    """
    import suites
    from harness.comparisons import calibration
    from harness.errors import UsageError
    from harness.gates.power_card import NeverSteadyError, make_card
    from harness.store.baselines import Baselines, refuse_in_ci
    from harness.store.run_folder import RunFolder
    from reports.terminal.power_card import print_card
    from reports.terminal.progress import Progress

    refuse_in_ci("calibrate")
    if resume is not None:
        given = [name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"]
        if given != ["resume"]:
            raise UsageError("calibrate: --resume takes no other option: it goes on as the calibration began")
        folder = RunFolder(Path(resume))
        plan = folder.load_calibration()
    else:
        changes = {"size": size} if size is not None else {}
        chosen = suites.customize(suites.get(suite), changes, {})
        folder, plan = calibration.begin(chosen, device, comparisons, pairs, Path(output), cache_folder())
    limits = suites.get(plan.suite).limits
    with Progress() as progress:
        try:
            found = calibration.measure(plan, folder, cache_folder(), progress)
        except calibration.TrialFailedError as error:
            click.echo(f"bench.py: {error}", err=True)
            context.exit(EXIT_TRIAL_FAILED)
    if len(found) < plan.planned_pairs:
        click.echo(f"bench.py: interrupted after {len(found)} of {plan.planned_pairs} pairs; go on with", err=True)
        click.echo(f"    python bench.py calibrate --resume {folder.path}", err=True)
        context.exit(EXIT_INTERRUPTED)
    try:
        card = make_card(plan, found, limits)
    except NeverSteadyError as error:
        click.echo(f"bench.py: {error}", err=True)
        context.exit(EXIT_INCONCLUSIVE)
    print_card(card, Baselines(BASELINES).save_card(card))
