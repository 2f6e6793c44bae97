#!/usr/bin/env python3
"""StyleBench's command line: parse, call, exit status."""

import os
import sys
from typing import Any, Optional

import click

from harness.commands import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_TRIAL_FAILED, EXIT_USAGE, cache_folder
from harness.commands.against import compare_trees
from harness.commands.approve import approve
from harness.commands.blame import blame
from harness.commands.calibrate import calibrate
from harness.commands.compare import compare
from harness.commands.history import history
from harness.commands.report import report
from harness.commands.run import continue_run, measure
from harness.commands.shown import Shown, language_option


@click.group(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option("--suite", metavar="NAME", help="What to measure: perf, accuracy, smoke, scaling, reference.")
@click.option("--modes", metavar="A,B", help="Precision modes, separated by commas.")
@click.option(
    "--device",
    metavar="NAME",
    default="auto",
    show_default=True,
    help="Where steps run: auto, cpu, gpu, npu, or several as in npu:0,npu:2.",
)
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
@click.option("--loss-scale", metavar="SCALE", help="none, a number, or dynamic[:init=N,incr_every=N,…].")
@click.option(
    "--overflow", type=click.Choice(["saturate", "ieee"]), help="What the emulated chip does; the 910 saturates."
)
@click.option(
    "--emit",
    type=click.Choice(["rounded", "native"]),
    help="How a host computes float16: rounded as on the card, or in kernels of its own; bfloat16 always is.",
)
@click.option("--npu-option", "npu", metavar="KEY=VALUE", multiple=True, help="Session option of the card; repeat.")
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
    from harness import modes as precision_modes
    from harness.plans.explain import Question
    from harness.plans.explain import explain as plan
    from harness.step import inputs
    from reports.terminal import explain

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
        explain.print_json(modes, plans)
    elif other:
        explain.print_difference(modes, plans)
    else:
        explain.print_plan(modes[0], plans[0])


@cli.command()
def doctor() -> None:
    """Say what is installed, which devices work, what is missing and how to get it."""
    from harness.machine.doctor import examine
    from reports.terminal.doctor import print_checks

    checks = examine(cache_folder())
    print_checks(checks)
    sys.exit(EXIT_TRIAL_FAILED if any(check.ok is False for check in checks) else 0)


for command in (approve, compare, calibrate, blame, report, history):
    cli.add_command(command)


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
