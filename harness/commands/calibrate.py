"""bench.py calibrate: make this machine's power card."""

from pathlib import Path
from typing import Optional, Tuple

import click

from harness.commands import baselines_to_write, say
from harness.commands.hosts import claimed_machines, hosts_option
from harness.commands.options import baselines_option, language_option, output_option
from harness.commands.pairs import PairsType
from harness.commands.request import given_options
from harness.gates.exit_status import INCONCLUSIVE, INTERRUPTED, TRIAL_FAILED
from harness.store.cache import cache_folder
from reports.terminal.opening import opening


@click.command()
@click.option(
    "--suite", metavar="NAME|FILE.toml", default="perf", show_default=True, help="Its first case is measured."
)
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, gpu, npu.")
@click.option("--size", type=int, metavar="PIXELS", help="Another width: a card of its own, for runs of that size.")
@click.option(
    "--comparisons", type=click.IntRange(40), metavar="N", default=40, show_default=True, help="How many; 40 or more."
)
@click.option(
    "--pairs",
    type=PairsType(),
    metavar="N|A..B",
    default="3..20",
    show_default=True,
    help="As --against has them.",
)
@click.option("--disturbed", is_flag=True, help="Beside a load that starts and stops on one core: a card of its own.")
@click.option("--resume", metavar="FOLDER", help="Alone: go on with an interrupted calibration.")
@hosts_option
@output_option("Folder that gets the calibration's folder.")
@baselines_option
@language_option
@click.pass_context
def calibrate(
    context: click.Context,
    suite: str,
    device: str,
    size: Optional[int],
    comparisons: int,
    pairs: Tuple[int, int],
    disturbed: bool,
    resume: Optional[str],
    hosts: Optional[str],
    output: str,
    baselines: Optional[str],
    lang: Optional[str],
) -> None:
    """Make this machine's power card: how often the timing gate cries wolf, and how often it sees five percent.

    Compares the suite's first case with itself, and with itself slowed down. Takes hours; leave the machine alone.
    """
    with opening(lang):
        import suites
        from harness.comparisons import calibration
        from harness.errors import UsageError
        from harness.gates.power_card import NeverSteadyError, is_decided, make_card
        from harness.store.baselines import refuse_in_ci
        from harness.store.run_folder import RunFolder
        from reports.language import Words, language_of
        from reports.terminal.calibration_progress import CalibrationProgress
        from reports.terminal.power_card import print_card

    refuse_in_ci("calibrate")
    if resume is not None and set(given_options(context)) - {"resume", "hosts", "baselines", "lang"}:
        raise UsageError("calibrate: --resume takes no other option: it goes on as the calibration began")
    if hosts is not None and disturbed:
        raise UsageError("--disturbed: its load runs on this machine (expected no --hosts beside it)")
    words = Words(lang or language_of())
    before = RunFolder(Path(resume)).load_calibration() if resume is not None else None
    with claimed_machines(hosts, before.device if before else device, words) as machines:
        if resume is not None and before is not None:
            folder, plan = RunFolder(Path(resume)), before
        else:
            changes = {"size": size} if size is not None else {}
            chosen = suites.customize(suites.get(suite), changes, {})
            where = Path(output)
            folder, plan = calibration.begin(
                chosen, device, comparisons, pairs, disturbed, where, cache_folder(), machines
            )
        limits, stored = plan.limits, baselines_to_write(baselines, plan.baselines)
        with CalibrationProgress(plan.comparisons, words) as progress:
            try:
                found = calibration.measure(plan, limits, folder, cache_folder(), progress, machines)
            except calibration.TrialFailedError as error:
                say(str(error))
                context.exit(TRIAL_FAILED)
    done = sum(is_decided(plan, group, limits) for group in found)
    if done < plan.comparisons:
        say(f"interrupted after {done} of {plan.comparisons} comparisons; go on with")
        click.echo(
            f"    python bench.py calibrate --resume {folder.path}{f' --hosts {hosts}' if hosts else ''}", err=True
        )
        context.exit(INTERRUPTED)
    try:
        card = make_card(plan, found, limits)
    except NeverSteadyError as error:
        say(str(error))
        context.exit(INCONCLUSIVE)
    print_card(card, stored.save_card(card), words)
