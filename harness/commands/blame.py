"""bench.py blame: which ops make a mode's picture wrong."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple, TypeVar

import click

from harness.commands.graph_run import feeding_options, graph_question, refuse_without_graph, spelled_options
from harness.commands.hosts import claimed_machines, hosts_option
from harness.commands.options import compiler_options, graph_options, language_option, output_option
from harness.errors import ChildFailedError, UsageError
from harness.gates.exit_status import INCONCLUSIVE, INTERRUPTED, PASS
from harness.store.cache import cache_folder

if TYPE_CHECKING:
    from rich.console import Console

    from harness.blame.findings import Findings
    from harness.blame.messages import Answer, Question
    from harness.check.messages import BlameQuestion
    from harness.hosts.run import HostMachines
    from harness.records import Blame, GraphBlame, Mode
    from harness.store.run_folder import RunFolder
    from reports.language import Words
    from reports.terminal.blame import BlameProgress

    Answered = TypeVar("Answered", Blame, GraphBlame)
    Find = Callable[[Question, Callable[[Answer], None]], Blame]


class Limits(NamedTuple):
    """What a search may take."""

    until: float = math.inf
    """Time on time.monotonic()'s clock after which no further set is tried."""
    tries: float = math.inf
    """Number of sets that may be tried."""


NO_LIMITS = Limits()


@click.command()
@click.argument("mode", required=False)
@click.option("--modes", metavar="A,B", help="Several modes instead of MODE, one after the other.")
@graph_options
@feeding_options(steps=False)
@click.option("--content", metavar="FILE", help="Content picture; the shipped portrait unless given.")
@click.option("--styles", metavar="FILE", multiple=True, help="Style picture; repeat for several.")
@click.option("--size", type=int, metavar="PIXELS", help="Width of the picture; 64 unless given.")
@click.option("--steps", type=int, metavar="N", help="Updates of the picture, 10 unless given; of a graph 1.")
@click.option("--network", metavar="NAME|FILE", help="synthetic, or the path of imagenet-vgg-verydeep-19.mat.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option("--customize-dtypes", metavar="FILE", help="customize_dtypes file; what is found is added to it.")
@compiler_options
@click.option("--search", "seconds", type=click.FloatRange(0), metavar="SECONDS", help="What one search may take.")
@click.option("--tries", type=click.IntRange(1), metavar="N", help="Sets of ops that one search may try.")
@hosts_option
@output_option("Folder that gets the search's folder.")
@language_option
def blame(
    mode: Optional[str],
    modes: Optional[str],
    graph: Optional[str],
    content: Optional[str],
    styles: Tuple[str, ...],
    size: Optional[int],
    steps: Optional[int],
    network: Optional[str],
    mixlist: Optional[str],
    customize_dtypes: Optional[str],
    fusion_switch: Optional[str],
    cann: Optional[str],
    op_table: Optional[str],
    seconds: Optional[float],
    tries: Optional[int],
    hosts: Optional[str],
    output: str,
    lang: Optional[str],
    **of_graph: Any,
) -> None:
    """Find which ops of the step, or of your own graph, make MODE wrong.

    Parts are kept in float32 and what comes of it is judged anew, some dozens of times, until the smallest part is left
    that makes the mode fit. It is written as a customize_dtypes file.
    """
    from harness import modes as known_modes
    from reports.language import Words, language_of

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
    drawn = {"content": content, "styles": styles, "size": size, "network": network}
    compiler = {"mixlist": mixlist, "fusion_switch": fusion_switch, "cann": cann, "op_table": op_table}
    words = Words(lang or language_of())
    if graph is not None:
        for name, value in {**drawn, "hosts": hosts}.items():
            if value:
                raise UsageError(f"--{name}: it is of the style step (expected no --graph beside it)")
        searches = _of_graph(chosen, {**of_graph, "graph": graph, "steps": steps or 1}, compiler)
        click.get_current_context().exit(_search_all(searches, Path(output), words, seconds, tries))
    refuse_without_graph(of_graph)
    given = {name: value for name, value in {**drawn, "size": size or 64, "steps": steps or 10}.items() if value}
    with claimed_machines(hosts, "cpu", words) as machines:  # which emulates the card
        searches = _of_pictures(names, chosen, given, compiler, machines)
        status = _search_all(searches, Path(output), words, seconds, tries)
    click.get_current_context().exit(status)


Searching = Callable[[Path, "Words", Limits], int]
"""Searches for what makes one mode wrong, keeps and shows it in a folder below the path; returns an exit status."""


def _search_all(
    searches: List[Searching], output: Path, words: "Words", seconds: Optional[float], tries: Optional[int]
) -> int:
    """Search for one mode after the other, unless interrupted; return the worst exit status."""
    statuses = []
    for searching in searches:
        limits = Limits(math.inf if seconds is None else time.monotonic() + seconds, tries or math.inf)
        statuses.append(searching(output, words, limits))
        if statuses[-1] == INTERRUPTED:
            break
    return max(statuses)


def _of_pictures(
    names: List[str],
    chosen: "List[Mode]",
    given: Dict[str, Any],
    compiler: Dict[str, Optional[str]],
    machines: "Optional[HostMachines]",
) -> List[Searching]:
    import suites
    from harness.blame.at_hosts import HostSearches
    from harness.blame.messages import Question
    from harness.devices import memory
    from harness.plans.explain import check_op_names

    suite = suites.get("accuracy")
    first = suites.only(suite, suite.cases[0].id)
    case = memory.resolve(suites.customize(first, given, {}).cases[0], cache_folder(), chosen, "cpu")
    check_op_names([case], chosen, cache_folder())

    questions = [Question(case=case, mode=mode, cache=cache_folder()) for mode in chosen]
    find = HostSearches(machines.alike(), questions).blame if machines else None

    def searching(name: str, question: "Question") -> Searching:
        def run(output: Path, words: "Words", limits: Limits) -> int:
            command = again(first.cases[0].id, name, {**given, **compiler})
            return _status(
                lambda folder, console: search(question, folder, command, words, console, limits, find), output
            )

        return run

    return [searching(name, question) for name, question in zip(names, questions)]


def _of_graph(chosen: "List[Mode]", values: Dict[str, Any], files: Dict[str, Optional[str]]) -> List[Searching]:
    from harness.check.messages import BlameQuestion

    question, options = graph_question(values), spelled_options({**values, **files})

    def searching(mode: "Mode") -> Searching:
        def run(output: Path, words: "Words", limits: Limits) -> int:
            asked = BlameQuestion(**dict(question), mode=mode)
            return _status(lambda folder, console: search_graph(asked, folder, options, words, console, limits), output)

        return run

    return [searching(mode) for mode in chosen]


def _status(find: "Callable[[RunFolder, Console], Any]", output: Path) -> int:
    """Search in a folder of its own and return the exit status."""
    from harness.store.run_folder import RunFolder
    from reports.terminal.console import open_console

    try:
        found = find(RunFolder.create(output, "blame"), open_console())
    except TimeIsUp as stopped:
        return PASS if stopped.ops else INCONCLUSIVE
    if found is None:
        return INTERRUPTED
    return PASS if found.fit_after else INCONCLUSIVE


class TimeIsUp(Exception):
    """A search has had the time or the tries that it was given; `ops` is the smallest fitting set so far, or empty."""

    def __init__(self, ops: Tuple[str, ...] = ()) -> None:
        super().__init__("the time of the search is up")
        self.ops = ops


def search(
    question: "Question",
    folder: "RunFolder",
    command: List[str],
    words: "Words",
    console: "Console",
    limits: Limits = NO_LIMITS,
    find: "Optional[Find]" = None,
) -> "Optional[Blame]":
    """Search for what makes a mode's picture wrong, keep and show all that is found.

    Args:
        command: what draws the case in the mode and in the reference mode, without dtypes.
        find: searches; None: in a process on this machine.

    Returns:
        The answer; None when interrupted.

    Raises:
        TimeIsUp: a limit was reached before the end; what was found is kept and shown.
        UsageError: a package is missing.
        ChildFailedError: the search failed; the message says where what it had found is kept.
    """
    from harness.blame.findings import Findings
    from harness.blame.search import blame as blame_here
    from reports.terminal.blame import BlameProgress, print_blame

    findings, progress = Findings(folder), BlameProgress(question.mode.name, words)
    found = _kept(lambda hear: (find or blame_here)(question, hear), findings, progress, words, console, limits)
    if found is not None:
        print_blame(found, findings.file, command, words, console)
    return found


def search_graph(
    question: "BlameQuestion",
    folder: "RunFolder",
    options: Tuple[str, ...],
    words: "Words",
    console: "Console",
    limits: Limits,
) -> "Optional[GraphBlame]":
    """Search for what makes a mode compute a graph wrong, keep and show all that is found; raises as `search` does.

    Args:
        options: those that say which graph is run and how, as a command line has them.
    """
    from harness.blame.findings import Findings
    from harness.check.blaming import blame as find
    from reports.terminal.blame import BlameProgress
    from reports.terminal.graph_blame import PHASES, STAGES, print_graph_blame

    def answer(hear: "Callable[[Answer], None]") -> "GraphBlame":
        return find(question, hear).model_copy(update={"options": options})

    findings, progress = Findings(folder), BlameProgress(question.mode.name, words, None, PHASES, STAGES)
    found = _kept(answer, findings, progress, words, console, limits)
    if found is not None:
        print_graph_blame(found, findings.file, words, console)
    return found


def _kept(
    find: "Callable[[Callable[[Answer], None]], Answered]",
    findings: "Findings",
    progress: "BlameProgress",
    words: "Words",
    console: "Console",
    limits: Limits,
) -> "Optional[Answered]":
    """Search, and keep every set that is tried and the answer; None when interrupted."""
    from reports.terminal.blame import print_interrupted

    def hear(answer: "Answer") -> None:
        if answer.score is not None:
            findings.add(answer.score)
        progress.heard(answer)
        is_spent = answer.attempt is not None and len(findings.scores) >= limits.tries
        if is_spent or time.monotonic() > limits.until:
            raise TimeIsUp

    with progress:
        try:
            found = find(hear)
        except KeyboardInterrupt:
            print_interrupted(findings, words, console)
            return None
        except TimeIsUp:
            print_interrupted(findings, words, console)
            raise TimeIsUp(tuple(findings.smallest.ops) if findings.smallest else ()) from None
        except ChildFailedError as error:
            folder = findings.file.parent
            raise ChildFailedError(f"{error}; what it had found is kept in {folder}") from error
    findings.finish(found)
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
