#!/usr/bin/env python3
"""StyleBench's command line: parse, call, exit status."""

import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import click

import commands.baselines
import commands.causes
import commands.reports
from commands import (
    BASELINES,
    EXIT_INCOMPARABLE,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_TRIAL_FAILED,
    EXIT_USAGE,
    cache_folder,
)
from commands.reports import Shown, language_option


@click.group(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option("--suite", metavar="NAME", help="What to measure: perf, accuracy, smoke, scaling, reference.")
@click.option("--modes", metavar="A,B", help="Precision modes, separated by commas.")
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="Where steps run: auto, cpu, gpu.")
@click.option("--data-path", metavar="DIR", help="Folder of the files that the suite reference needs.")
@click.option("--content", metavar="FILE", multiple=True, help="Content picture; repeat for several in one batch.")
@click.option("--batch", type=int, metavar="N", help="Pictures drawn at once: the content pictures in turn.")
@click.option("--styles", metavar="FILE", multiple=True, help="Style picture; repeat for several.")
@click.option("--size", type=int, metavar="PIXELS", help="Width the content is brought to; its height follows.")
@click.option("--steps", type=int, metavar="N", help="Updates of the picture, warm-up included.")
@click.option("--network", metavar="NAME|FILE", help="synthetic, or the path of imagenet-vgg-verydeep-19.mat.")
@click.option("--init", "initial", metavar="content|noise|FILE", help="What the picture starts from.")
@click.option("--seed", type=int, metavar="N", help="Of the noise.")
@click.option("--replicates", type=int, metavar="N", help="Fresh processes per case and mode, exactly.")
@click.option("--max-replicates", type=int, metavar="N", help="Up to this many, while the interval is too wide.")
@click.option("--half-width", type=float, metavar="SHARE", help="Of the 95 % interval that is narrow enough: 0.015.")
@click.option("--budget", type=float, metavar="SECONDS", help="Time after which no further round is begun.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option(
    "--customize-dtypes", metavar="FILE", help="customize_dtypes file for all modes but must_keep_origin_dtype."
)
@click.option(
    "--health", is_flag=True, help="Also count, step by step, what float16 saturates, flushes to zero, loses."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="What one trial may take.")
@click.option("--gate", is_flag=True, help="Judge the run against the stored baselines; the exit status says how.")
@click.option("--require-fit", is_flag=True, help="Of suite accuracy: a mode whose picture is wrong fails the gate.")
@click.option("--plan-only", is_flag=True, help="Decide the card's dtypes and run no step.")
@click.option("--against", metavar="GITREF", help="Measure GITREF and this tree in turn, and judge which is slower.")
@click.option("--pairs", type=click.IntRange(2), default=5, show_default=True, help="Of --against: per case and mode.")
@click.option("--advisory", is_flag=True, help="Judge and say all, and let no verdict be the exit status.")
@click.option("--resume", metavar="RUN", help="Measure what this interrupted run's folder is missing.")
@click.option(
    "--output", metavar="DIR", default="results", show_default=True, help="Folder that gets the run's folder."
)
@click.option(
    "--report", metavar="A,B", default="html", show_default=True, help="Write html, markdown, junit, ...; or none."
)
@language_option
@click.option("--quiet", is_flag=True, help="Print failures, verdicts that do not pass, and paths alone.")
@click.pass_context
def cli(context: click.Context, suite: Optional[str], resume: Optional[str], **options: Any) -> None:
    """Benchmark neural style transfer under the Ascend 910's precision modes.

    \b
    python bench.py --suite perf      step time, throughput and loss of each mode
    python bench.py --suite accuracy  is each mode's picture still the approved one, and is it right
    python bench.py --suite smoke     does everything work, in under a minute
    python bench.py doctor            what is installed and what is missing
    """
    if context.invoked_subcommand is None:
        if (suite is None) == (resume is None):
            raise click.UsageError("expected --suite NAME, --resume RUN or a command; see --help")
        shown = Shown.from_options(*(options.pop(name) for name in ("report", "lang", "quiet")))
        given = [name for name in options if context.get_parameter_source(name).name == "COMMANDLINE"]
        refused = [name for name in given if name not in ("advisory", "require_fit")]
        if resume and refused:
            raise click.UsageError(f"--resume takes no --{refused[0]}: it goes on as the run began")
        against, pairs = options.pop("against"), options.pop("pairs")
        if resume:
            context.exit(continue_run(resume, options["advisory"], options["require_fit"], shown))
        elif against is not None:
            context.exit(compare_trees(str(suite), against, pairs, given, shown, **options))
        context.exit(measure(str(suite), shown, **options))


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
    from harness import against
    from harness.errors import UsageError
    from harness.gate import exit_status, lenient
    from harness.power import Cards
    from harness.store import Baselines
    from reports.verdicts import ComparisonProgress, print_verdicts

    timing = {"replicates", "max_replicates", "half_width", "budget"}
    refused = {"gate", "plan_only", "health", "require_fit", *timing} & set(given)
    if refused:
        raise UsageError(f"--against takes no --{refused.pop().replace('_', '-')}")
    suites.get(suite)
    passed = {name: options[name] for name in given if name in options}
    modes = passed.pop("modes").split(",") if "modes" in passed else None
    arguments = ["--suite", suite, *as_arguments(passed)]
    cards, hear = Cards(Baselines(BASELINES)), ComparisonProgress(pairs).measuring
    try:
        comparison = against.compare(revision, modes, arguments, pairs, Path(output), cards, sys.argv, hear)
    except against.IncomparableError as error:
        click.echo(f"bench.py: the two trees cannot be compared: {error}", err=True)
        return EXIT_TRIAL_FAILED if isinstance(error, against.TreeFailedError) else EXIT_INCOMPARABLE
    print_verdicts(comparison.verdicts, comparison.power_cards, shown.words, shown.quiet)
    status = exit_status(comparison.verdicts)
    return lenient(status) if advisory else status


def as_arguments(options: Dict[str, Any]) -> List[str]:
    """The options as a command line that works in another folder: files by their absolute paths."""
    names = {"initial": "init"}
    arguments = []
    for name, given in options.items():
        for value in given if isinstance(given, tuple) else [given]:
            known_file = isinstance(value, str) and os.path.exists(value)
            option = names.get(name, name).replace("_", "-")
            arguments += [f"--{option}", os.path.abspath(value) if known_file else str(value)]
    return arguments


def measure(
    suite: str,
    shown: Shown,
    modes: Optional[str],
    device: str,
    content: Tuple[str, ...],
    styles: Tuple[str, ...],
    output: str,
    advisory: bool,
    require_fit: bool,
    **options: Any,
) -> int:
    """Run a suite, show it, return the exit status."""
    import suites
    from harness import devices, runner
    from harness import modes as precision_modes
    from reports.progress import Progress

    devices.check_name(device)
    options["styles"] = styles or None
    if content:
        options.update(content=content[0], further_contents=content[1:])
        options["batch"] = options["batch"] if options["batch"] is not None else len(content)
    given = {name: value for name, value in options.items() if value is not None}
    names = ("replicates", "max_replicates", "half_width", "budget", "timeout")
    suite_changes = {name: given.pop(name) for name in names if name in given}
    if "replicates" in suite_changes:
        suite_changes.setdefault("max_replicates", None)
    chosen = suites.from_folder(suites.get(suite), given.pop("data_path", None))
    if given["gate"]:
        chosen = suites.for_gate(chosen)
    if modes is not None:
        suite_changes["modes"] = [precision_modes.get(name) for name in dict.fromkeys(modes.split(","))]
    suite_changes["modes"] = precision_modes.with_options(
        suite_changes.get("modes", chosen.modes), given.pop("mixlist", None), given.pop("customize_dtypes", None)
    )
    health, gate, plan_only = given.pop("health"), given.pop("gate"), given.pop("plan_only")
    chosen = suites.customize(chosen, given, suite_changes)
    with Progress(quiet=shown.quiet) as progress:
        run, folder = runner.run_suite(
            chosen, device, Path(output), cache_folder(), progress, sys.argv, health, gate, plan_only
        )
    return show(run, folder, gate or bool(run.suite.fidelity), advisory, require_fit, shown)


def continue_run(path: str, advisory: bool, require_fit: bool, shown: Shown) -> int:
    """Measure what an interrupted run is missing, show it, return the exit status."""
    from harness import runner
    from reports.progress import Progress

    with Progress(quiet=shown.quiet) as progress:
        run, folder = runner.resume(Path(path), cache_folder(), progress)
    gate = bool(run.suite.fidelity) or (bool(run.plans) and not run.plan_only)
    return show(run, folder, gate, advisory, require_fit, shown)


def show(run: Any, folder: Path, gate: bool, advisory: bool, require_fit: bool, shown: Shown) -> int:
    """Print the run and, if asked for, the gates' verdicts; return the exit status."""
    from harness.gate import exit_status, lenient
    from reports import formats
    from reports.evidence import Evidence
    from reports.fidelity import print_fidelity
    from reports.published import print_published
    from reports.terminal import print_paths, print_run
    from reports.verdicts import print_verdicts

    if gate:
        run = judge(run, folder, require_fit)
    if run.suite.fidelity and not run.plan_only:
        print_fidelity(run, folder, shown.words, shown.quiet)
    else:
        print_run(run, folder, shown.words, shown.quiet)
    if run.suite.name == "reference" and not shown.quiet:
        print_published(run)
    if gate:
        print_verdicts(run.verdicts, run.power_cards, shown.words, shown.quiet)
    print_paths(formats.write(shown.formats, Evidence(run, folder), folder, shown.words))
    if not run.complete:
        return EXIT_INTERRUPTED
    if not all(trial.status == "ok" for trial in run.trials):
        return EXIT_TRIAL_FAILED
    status = exit_status(run.verdicts) if gate else 0
    return lenient(status) if advisory else status


def judge(run: Any, folder: Path, require_fit: bool) -> Any:
    """Return the run with its verdicts, and on the disk; what seems slower is measured once more before it can fail."""
    from harness import gate, runner
    from harness.store import Baselines, RunFolder
    from harness.timings import unconfirmed
    from reports.progress import Progress

    baselines = Baselines(BASELINES)
    run = gate.judged(run, baselines, folder, require_fit)
    suspects = unconfirmed(run.verdicts)
    if suspects and run.complete:
        with Progress() as progress:
            run = runner.confirm(run, folder, suspects, cache_folder(), progress)
        run = gate.judged(run, baselines, folder)
    RunFolder(folder).save(run)
    return run


@cli.command()
@click.argument("mode")
@click.argument("other", required=False, metavar="[MODE_B]")
@click.option("--json", "as_json", is_flag=True, help="Print plans and totals as JSON.")
@click.option("--graph", metavar="FILE.pb", help="Plan this frozen or training graph instead of the style step.")
@click.option(
    "--fetch", "fetches", metavar="NAME", multiple=True, help="Of --graph: what is run for; repeat for several."
)
@click.option("--size", type=int, metavar="PIXELS", help="Of the style step.")
@click.option("--batch", type=int, metavar="N", help="Of the style step: pictures drawn at once.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option(
    "--customize-dtypes", metavar="FILE", help="customize_dtypes file for all modes but must_keep_origin_dtype."
)
def explain(mode: str, other: Optional[str], as_json: bool, graph: Optional[str], **options: Any) -> None:
    """Say why each op of the step gets its dtype in MODE; with MODE_B, what differs."""
    import suites
    from harness import inputs
    from harness import modes as precision_modes
    from harness.explain import Question
    from harness.explain import explain as plan
    from reports import explanation

    modes = precision_modes.with_options(
        [precision_modes.get(name) for name in (mode, other) if name],
        options["mixlist"],
        options["customize_dtypes"],
    )
    if graph:
        question = Question(graph=os.path.abspath(graph), fetches=options["fetches"], modes=modes)
    else:
        changes = {name: options[name] for name in ("size", "batch") if options[name] is not None}
        case = suites.customize(suites.get("perf"), changes, {}).cases[0]
        question = Question(case=inputs.resolve(case, cache_folder()), modes=modes, cache=cache_folder())
    plans = plan(question)
    if as_json:
        explanation.print_json(modes, plans)
    elif other:
        explanation.print_difference(modes, plans)
    else:
        explanation.print_plan(modes[0], plans[0])


@cli.command()
def doctor() -> None:
    """Say what is installed, which devices work, what is missing and how to get it."""
    from harness.doctor import examine
    from reports.terminal import print_checks

    checks = examine(cache_folder())
    print_checks(checks)
    sys.exit(EXIT_TRIAL_FAILED if any(check.ok is False for check in checks) else 0)


cli.add_command(commands.baselines.approve)
cli.add_command(commands.baselines.compare)
cli.add_command(commands.baselines.calibrate)
cli.add_command(commands.causes.blame)
cli.add_command(commands.reports.report)
cli.add_command(commands.reports.history)


def main() -> int:
    """Run the command line and return the exit status."""
    try:
        return cli.main(standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("bench.py: interrupted", err=True)
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        click.echo(f"bench.py: {error.format_message()}", err=True)
        return EXIT_USAGE
    except OSError as error:
        # A full or failing disk: what the journal holds is kept, and --resume measures the rest.
        click.echo(f"bench.py: {error}", err=True)
        return EXIT_INTERNAL
    except ValueError as error:
        from harness.errors import UsageError
        from model.images import ImageError
        from model.vgg import NetworkError

        if not isinstance(error, (UsageError, ImageError, NetworkError)):
            raise
        click.echo(f"bench.py: {error}", err=True)
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
