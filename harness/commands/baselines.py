"""What results are held against: approving it, comparing with it, and saying how good the comparison is."""

from pathlib import Path
from typing import Optional

import click

from harness.commands import BASELINES, EXIT_INCONCLUSIVE, EXIT_INTERRUPTED, EXIT_TRIAL_FAILED, cache_folder


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--missing", "what", flag_value="missing", default=True, help="Only what has no baseline (default).")
@click.option("--changed", "what", flag_value="changed", help="Only what differs from its baseline.")
@click.option("--all", "what", flag_value="all", help="Both.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; stored in each baseline.")
@click.pass_context
def approve(context: click.Context, run: str, what: str, reason: str) -> None:
    """Make a gated RUN's plans and timings, or pictures, the baselines, showing old beside new."""
    from harness import approval
    from harness.errors import UsageError
    from harness.store import Baselines, RunFolder
    from reports.approval import print_proposals, print_written

    if not reason.strip():
        raise UsageError("--reason is empty (expected a sentence for whoever reads the baseline)")
    baselines = Baselines(BASELINES)
    proposals = approval.propose(RunFolder(Path(run)).load(), baselines, reason, Path(run))
    chosen = [proposal for proposal in proposals if what in ("all", proposal.kind)]
    print_proposals(chosen)
    print_written(approval.approve(chosen, baselines))
    context.exit(EXIT_INCONCLUSIVE if any(proposal.refusal for proposal in chosen) else 0)


@click.command()
@click.argument("first", metavar="RUN_A")
@click.argument("second", metavar="RUN_B")
@click.option("--advisory", is_flag=True, help="Say the same, and let no verdict be the exit status.")
@click.pass_context
def compare(context: click.Context, first: str, second: str, advisory: bool) -> None:
    """Judge what has grown from RUN_A to RUN_B, by the tests and limits of the gates."""
    from harness.compare import compare_runs
    from harness.gate import exit_status, lenient
    from harness.power import Cards
    from harness.store import Baselines, RunFolder
    from reports.verdicts import print_verdicts

    runs = [RunFolder(Path(path)).load() for path in (first, second)]
    verdicts = compare_runs(runs[0], runs[1], Cards(Baselines(BASELINES)))
    print_verdicts(verdicts)
    status = exit_status(verdicts)
    context.exit(lenient(status) if advisory else status)


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
    from harness import calibration
    from harness.errors import UsageError
    from harness.power import NeverSteadyError, make_card
    from harness.store import Baselines, RunFolder, refuse_in_ci
    from reports.power import print_card
    from reports.progress import Progress

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
