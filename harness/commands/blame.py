"""bench.py blame: which ops make a mode's picture wrong."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

import click

from harness.commands.hosts import claimed_machines, hosts_option
from harness.commands.options import compiler_options, language_option, output_option
from harness.errors import ChildFailedError, UsageError
from harness.gates.exit_status import INCONCLUSIVE, INTERRUPTED
from harness.store.cache import cache_folder

if TYPE_CHECKING:
    from rich.console import Console

    from harness.blame.messages import Answer, Question
    from harness.records import Blame
    from harness.store.run_folder import RunFolder
    from reports.language import Words

    Find = Callable[[Question, Callable[[Answer], None]], Blame]


@click.command()
@click.argument("mode", required=False)
@click.option("--modes", metavar="A,B", help="Several modes instead of MODE, one after the other.")
@click.option("--content", metavar="FILE", help="Content picture; the shipped portrait unless given.")
@click.option("--styles", metavar="FILE", multiple=True, help="Style picture; repeat for several.")
@click.option("--size", type=int, metavar="PIXELS", default=64, show_default=True, help="Width of the picture.")
@click.option("--steps", type=int, metavar="N", default=10, show_default=True, help="Updates of the picture.")
@click.option("--network", metavar="NAME|FILE", help="synthetic, or the path of imagenet-vgg-verydeep-19.mat.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option("--customize-dtypes", metavar="FILE", help="customize_dtypes file; what is found is added to it.")
@compiler_options
@hosts_option
@output_option("Folder that gets the search's folder.")
@language_option
@click.pass_context
def blame(
    context: click.Context,
    mode: Optional[str],
    modes: Optional[str],
    content: Optional[str],
    styles: Tuple[str, ...],
    size: int,
    steps: int,
    network: Optional[str],
    mixlist: Optional[str],
    customize_dtypes: Optional[str],
    fusion_switch: Optional[str],
    cann: Optional[str],
    op_table: Optional[str],
    hosts: Optional[str],
    output: str,
    lang: Optional[str],
) -> None:
    """Find which ops of the step make MODE's picture wrong.

    Parts of the step are kept in float32 and the picture is scored anew, some dozens of times, until the smallest part
    is left that makes the mode fit. It is written as a customize_dtypes file.
    """
    import suites
    from harness import modes as known_modes
    from harness.blame.at_hosts import HostSearches
    from harness.blame.messages import Question
    from harness.blame.search import blame as blame_here
    from harness.devices import memory
    from harness.plans.explain import check_op_names
    from harness.store.run_folder import RunFolder
    from reports.language import Words, language_of
    from reports.terminal.console import open_console

    if (mode is None) == (modes is None):
        raise click.UsageError("blame: expected a MODE, or --modes A,B")
    names = known_modes.split(modes or str(mode))
    asked = [known_modes.get(name) for name in names]
    chosen = known_modes.with_options(asked, mixlist, customize_dtypes, fusion_switch, cann)
    for each in chosen:
        if each.emit == "native":
            raise UsageError(
                f"blame {each.name}: it swaps kernels of the 910, which has no bfloat16; expected a float16 mode"
            )
    drawn: Dict[str, Any] = {"content": content, "styles": styles, "size": size, "steps": steps, "network": network}
    given = {name: value for name, value in drawn.items() if value}
    suite = suites.get("accuracy")
    first = suites.only(suite, suite.cases[0].id)
    case = memory.resolve(suites.customize(first, given, {}).cases[0], cache_folder(), chosen, "cpu")
    check_op_names([case], chosen, cache_folder())
    words = Words(lang or language_of())
    compiler = {"mixlist": mixlist, "fusion_switch": fusion_switch, "cann": cann, "op_table": op_table}
    questions = [Question(case=case, mode=each, cache=cache_folder()) for each in chosen]
    are_fit = True
    with claimed_machines(hosts, "cpu", words) as machines:  # which emulates the card
        find = HostSearches(machines.alike(), questions).blame if machines else blame_here
        for name, question in zip(names, questions):
            command = again(first.cases[0].id, name, {**given, **compiler})
            folder = RunFolder.create(Path(output), "blame")
            found = search(question, folder, command, words, open_console(), find=find)
            if found is None:
                context.exit(INTERRUPTED)
            are_fit = are_fit and found.fit_after
    context.exit(0 if are_fit else INCONCLUSIVE)


class TimeIsUp(Exception):
    """A search has had the time that it was given; `ops` is the smallest fitting set so far, empty without one."""

    def __init__(self, ops: Tuple[str, ...] = ()) -> None:
        super().__init__("the time of the search is up")
        self.ops = ops


def search(
    question: "Question",
    folder: "RunFolder",
    command: List[str],
    words: "Words",
    console: "Console",
    until: float = math.inf,
    find: "Optional[Find]" = None,
) -> "Optional[Blame]":
    """Search for what makes a mode wrong, keep and show all that is found; return the answer, None when interrupted.

    Args:
        command: what draws the case in the mode and in the reference mode, without dtypes.
        find: searches; None: in a process on this machine.
        until: time on time.monotonic()'s clock after which no further set is tried.

    Raises:
        TimeIsUp: that time has come before the end; what was found is kept and shown.
        UsageError: a package is missing.
        ChildFailedError: the search failed; the message says where what it had found is kept.
    """
    from harness.blame.findings import Findings
    from harness.blame.messages import Answer
    from harness.blame.search import blame as blame_here
    from reports.terminal.blame import BlameProgress, print_blame, print_interrupted

    findings = Findings(folder)
    with BlameProgress(question.mode.name, words) as progress:

        def hear(answer: Answer) -> None:
            if answer.score is not None:
                findings.add(answer.score)
            progress.heard(answer)
            if time.monotonic() > until:
                raise TimeIsUp

        try:
            found = (find or blame_here)(question, hear)
        except KeyboardInterrupt:
            print_interrupted(findings, words, console)
            return None
        except TimeIsUp:
            print_interrupted(findings, words, console)
            raise TimeIsUp(tuple(findings.smallest.ops) if findings.smallest else ()) from None
        except ChildFailedError as error:
            raise ChildFailedError(f"{error}; what it had found is kept in {folder.path}") from error
    findings.finish(found)
    print_blame(found, findings.file, command, words, console)
    return found


def again(case: str, mode: str, given: Dict[str, Any]) -> List[str]:
    """Return the command line that judges what a search has drawn.

    Args:
        case: id of the case of suite accuracy that `given` changes.
        given: values by the names of their options; those that are None were not given.
    """
    command = ["python", "bench.py", "--suite", "accuracy", "--advisory", "--case", case]
    for name, value in given.items():
        for one in value if isinstance(value, tuple) else (value,):
            command += [f"--{name.replace('_', '-')}", str(one)] if one is not None else []
    return [*command, "--modes", f"must_keep_origin_dtype,{mode}"]
