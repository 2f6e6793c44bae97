"""The options of bench.py itself, in the sections that `--help` shows them in."""

from gettext import gettext
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import click

from harness.commands.hosts import hosts_option
from harness.commands.pairs import PairsType
from reports.catalogue import LANGUAGES

Command = Callable[..., Any]


def language_option(command: Command) -> Command:
    """Add the option that chooses the language of what people read."""
    return click.option("--lang", type=click.Choice(LANGUAGES), help="Language; of the locale unless given.")(command)


def compiler_options(command: Command) -> Command:
    """Add the options that say which compiler decides: its age, its fusions, its operator table."""
    for option in reversed(_COMPILER):
        command = option(command)
    return command


def _use_table(context: click.Context, parameter: click.Parameter, value: Optional[str]) -> Optional[str]:
    """Let this table decide here and in every process that is started."""
    if value is not None:
        from harness.precision.rules.op_table import use_table

        use_table(value)
    return value


_COMPILER: Tuple[Callable[[Command], Command], ...] = (
    click.option("--fusion-switch", metavar="FILE", help="fusion_switch file: graph fusions that are turned off."),
    click.option(
        "--cann", type=click.Choice(["current", "early_2022"]), help="Age of the compiler; current unless given."
    ),
    click.option(
        "--op-table",
        metavar="FILE",
        callback=_use_table,
        help="Operator table of a CANN installation (ini or JSON), over the packaged one.",
    ),
)


def baselines_option(command: Command) -> Command:
    """Add the option that says where approved results and power cards lie."""
    return click.option(
        "--baselines", metavar="DIR", help="Folder of approved results and power cards; the project's unless given."
    )(command)


def index_option(default: Optional[str] = None) -> Callable[[Command], Command]:
    """Return a decorator that adds the option for an index; without a default, run folders are read in its place."""
    told = "Index: sqlite:///FILE or postgresql://USER@HOST/DATABASE."
    return click.option("--index", metavar="URL", default=default, show_default=True, help=told)


def output_option(text: str) -> Callable[[Command], Command]:
    """Return a decorator that adds the option for the folder of results; `text` is its help."""
    return click.option("--output", metavar="DIR", default="results", show_default=True, help=text)


def graph_options(command: Command) -> Command:
    """Add the options that name a graph file and what of it is meant; graphs.source.graph_source takes them."""
    options = (
        click.option("--graph", metavar="FILE", help="GraphDef or MetaGraphDef, binary or text, or SavedModel folder."),
        click.option("--signature", metavar="NAME", help="Signature of a SavedModel that is run."),
        click.option(
            "--fetch",
            "fetches",
            metavar="NAME",
            multiple=True,
            help="Tensor or operation that the graph is run for; repeat.",
        ),
        click.option(
            "--shape", "shapes", metavar="NAME=1,224,…", multiple=True, help="Shape of a placeholder; repeat."
        ),
        click.option(
            "--input", "inputs", metavar="NAME", multiple=True, help="Tensor that is fed instead of computed; repeat."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _suite_names() -> str:
    """Return the names of the suites, read off their files: importing them takes longer than `--help` may."""
    folder = Path(__file__).resolve().parent.parent.parent / "suites"
    return ", ".join(sorted(path.stem for path in folder.glob("[a-z]*.py")))


SECTIONS: Dict[str, Tuple[Callable[[Command], Command], ...]] = {
    "What to do": (
        click.option(
            "--suite", metavar="NAME|FILE.toml", help=f"What to measure: {_suite_names()}, or a suite of your own."
        ),
        click.option("--resume", metavar="RUN", help="Measure what this interrupted run's folder is missing."),
        click.option("--plan-only", is_flag=True, help="Decide the card's dtypes and run no step."),
        click.option(
            "--against", metavar="GITREF", help="Measure GITREF and this tree in turns, and judge which is slower."
        ),
        click.option(
            "--pairs",
            type=PairsType(),
            metavar="N|A..B",
            default="3..20",
            show_default=True,
            help="Of --against, per case and mode: N, or from A to B until it is decided.",
        ),
    ),
    "What is drawn": (
        click.option("--content", metavar="FILE", multiple=True, help="Content picture; repeat for more in a batch."),
        click.option("--styles", metavar="FILE", multiple=True, help="Style picture; repeat for several."),
        click.option("--size", type=int, metavar="PIXELS", help="Width the content is brought to; its height follows."),
        click.option("--steps", type=int, metavar="N", help="Updates of the picture, warm-up included."),
        click.option("--init", metavar="content|noise|FILE", help="What the picture starts from."),
        click.option("--seed", type=int, metavar="N", help="Seed of the noise."),
        click.option("--batch", type=int, metavar="N", help="Pictures drawn at once: the content pictures in turn."),
        click.option("--network", metavar="NAME|FILE", help="synthetic, or a path of imagenet-vgg-verydeep-19.mat."),
        click.option("--data-path", metavar="DIR", help="Folder of the files that the suite reference needs."),
        click.option("--case", metavar="A,B", help="Only these of the suite's cases; `list` names them."),
    ),
    "In which precision": (
        click.option("--modes", metavar="A,B", help="Precision modes, separated by commas."),
        click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes."),
        click.option(
            "--customize-dtypes",
            metavar="FILE",
            help="customize_dtypes file for all modes but must_keep_origin_dtype.",
        ),
        *_COMPILER,
        click.option("--loss-scale", metavar="SCALE", help="none, a number, or dynamic[:init=N,incr_every=N,…]."),
        click.option(
            "--overflow",
            type=click.Choice(["saturate", "ieee"]),
            help="What the emulated chip does; the 910 saturates.",
        ),
        click.option(
            "--emit",
            type=click.Choice(["rounded", "native"]),
            help="How a host computes float16: rounded as on the card, or in kernels of its own; bfloat16 always is.",
        ),
    ),
    "Where and how often": (
        click.option(
            "--device",
            metavar="NAME",
            default="auto",
            show_default=True,
            help="Where steps run: auto, cpu, gpu, npu, or several as in npu:0,npu:2.",
        ),
        hosts_option,
        click.option("--npu-option", metavar="KEY=VALUE", multiple=True, help="Session option of the card; repeat."),
        click.option("--replicates", type=int, metavar="N", help="Fresh processes per case and mode, exactly."),
        click.option("--max-replicates", type=int, metavar="N", help="Up to this many while the interval is wide."),
        click.option(
            "--half-width", type=float, metavar="SHARE", help="Half the 95 % interval that is narrow enough: 0.015."
        ),
        click.option("--budget", type=float, metavar="SECONDS", help="After which no round, or pair, is begun."),
        click.option("--timeout", type=float, metavar="SECONDS", help="What one trial may take."),
        click.option(
            "--health",
            is_flag=True,
            help="Also count, step by step, what float16 saturates, flushes to zero, loses.",
        ),
    ),
    "How it is judged": (
        click.option(
            "--gate", is_flag=True, help="Judge the run against the stored baselines; the exit status says how."
        ),
        click.option(
            "--require-fit", is_flag=True, help="Of suite accuracy: a mode whose picture is wrong fails the gate."
        ),
        click.option(
            "--inconclusive",
            type=click.Choice(["pass", "fail"]),
            default="fail",
            show_default=True,
            help="What a verdict that cannot be told is for the exit status.",
        ),
        click.option("--advisory", is_flag=True, help="Judge and say all, and let no verdict be the exit status."),
        baselines_option,
    ),
    "How it is shown": (
        output_option("Folder that gets the run's folder."),
        click.option(
            "--report",
            metavar="A,B",
            default="html",
            show_default=True,
            help="Write html, markdown, junit, ...; or none.",
        ),
        language_option,
        click.option(
            "--json", is_flag=True, help="Verdicts and table as JSON, alone on standard output; text goes to the other."
        ),
        click.option("--quiet", is_flag=True, help="Print failures, verdicts that do not pass, and paths alone."),
    ),
}
"""By heading, in the order of `--help`."""


def all_options(command: Command) -> Command:
    """Add every option of SECTIONS to a command."""
    for option in reversed([option for options in SECTIONS.values() for option in options]):
        command = option(command)
    return command


def version_option(command: Command) -> Command:
    """Add the option that says which StyleBench this is, and ends the command."""
    return click.option(
        "--version",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_say_version,
        help="Print revision, Python and TensorFlow.",
    )(command)


def _say_version(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        from harness.machine import environment, git
        from reports.terminal.version import print_version

        print_version(git.describe(), environment.installed_packages())
        context.exit()


class SectionedGroup(click.Group):
    """A group of commands whose own options are shown in the sections of SECTIONS."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, a list to each section, and the commands."""
        shown = iter([parameter.get_help_record(context) for parameter in self.get_params(context)])
        for heading, options in [*SECTIONS.items(), ("This program", ("--version", "--help"))]:
            rows: List[Tuple[str, str]] = [row for _, row in zip(options, shown) if row is not None]
            with formatter.section(gettext(heading)):
                formatter.write_dl(rows)
        self.format_commands(context, formatter)
