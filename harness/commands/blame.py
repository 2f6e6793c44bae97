"""bench.py blame: which ops make a mode's picture wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

import click

from harness.blame.limits import NO_LIMITS, Limits, TimeIsUp
from harness.commands.graph_run import feeding_options, graph_question, refuse_without_graph, spelled_options
from harness.commands.hosts import claimed_machines, hosts_option
from harness.commands.options import compiler_options, graph_options, language_option, output_option
from harness.commands.searching import again, search, search_graph
from harness.commands.shown import Shown
from harness.errors import UsageError
from harness.gates.exit_status import INCONCLUSIVE, INTERRUPTED, PASS
from harness.store.cache import cache_folder
from reports.terminal.opening import opening

if TYPE_CHECKING:
    from harness.blame.messages import Question
    from harness.hosts.run import HostMachines
    from harness.records import Mode
    from harness.store.run_folder import RunFolder


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
@click.option("--report", metavar="A,B", default="html", show_default=True, help="Write html; or none.")
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
    report: str,
    lang: Optional[str],
    **of_graph: Any,
) -> None:
    """Find which ops of the step, or of your own graph, make MODE wrong.

    Parts are kept in float32 and what comes of it is judged anew, some dozens of times, until the smallest part is left
    that makes the mode fit. It is written as a customize_dtypes file.
    """
    with opening(lang):
        from harness import modes as known_modes
        from reports.formats import BLAME_FORMATS, parse_among
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
    shown = Shown(parse_among(BLAME_FORMATS, report), Words(lang or language_of()), quiet=False)
    if graph is not None:
        for name, value in {**drawn, "hosts": hosts}.items():
            if value:
                raise UsageError(f"--{name}: it is of the style step (expected no --graph beside it)")
        searches = _of_graph(chosen, {**of_graph, "graph": graph, "steps": steps or 1}, compiler)
        click.get_current_context().exit(_search_all(searches, Path(output), shown, seconds, tries))
    refuse_without_graph(of_graph)
    given = {name: value for name, value in {**drawn, "size": size or 64, "steps": steps or 10}.items() if value}
    with claimed_machines(hosts, "cpu", shown.words) as machines:  # which emulates the card
        searches = _of_pictures(names, chosen, given, compiler, machines, seconds, tries)
        status = _search_all(searches, Path(output), shown, seconds, tries)
    click.get_current_context().exit(status)


Searching = Callable[[Path, Shown, Limits], int]
"""Searches for what makes one mode wrong, keeps and shows it in a folder below the path; returns an exit status."""


def _search_all(
    searches: List[Searching], output: Path, shown: Shown, seconds: Optional[float], tries: Optional[int]
) -> int:
    """Search for one mode after the other, unless interrupted; return the worst exit status."""
    statuses = []
    for searching in searches:
        statuses.append(searching(output, shown, Limits.from_now(seconds, tries)))
        if statuses[-1] == INTERRUPTED:
            break
    return max(statuses)


def _of_pictures(
    names: List[str],
    chosen: "List[Mode]",
    given: Dict[str, Any],
    compiler: Dict[str, Optional[str]],
    machines: "Optional[HostMachines]",
    seconds: Optional[float],
    tries: Optional[int],
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
    find = HostSearches(machines.alike(), questions, seconds, tries).blame if machines else None

    def searching(name: str, question: "Question") -> Searching:
        def run(output: Path, shown: Shown, limits: Limits) -> int:
            command = again(first.cases[0].id, name, {**given, **compiler})
            own = NO_LIMITS if find else limits  # of a search on a host they begin with it, there
            return _status(lambda folder: search(question, folder, command, shown, own, find), output)

        return run

    return [searching(name, question) for name, question in zip(names, questions)]


def _of_graph(chosen: "List[Mode]", values: Dict[str, Any], files: Dict[str, Optional[str]]) -> List[Searching]:
    from harness.check.messages import BlameQuestion

    question, options = graph_question(values), spelled_options({**values, **files})

    def searching(mode: "Mode") -> Searching:
        def run(output: Path, shown: Shown, limits: Limits) -> int:
            asked = BlameQuestion(**dict(question), mode=mode)
            return _status(lambda folder: search_graph(asked, folder, options, shown, limits), output)

        return run

    return [searching(mode) for mode in chosen]


def _status(find: "Callable[[RunFolder], Any]", output: Path) -> int:
    """Search in a folder of its own and return the exit status."""
    from harness.store.run_folder import RunFolder

    try:
        found = find(RunFolder.create(output, "blame"))
    except TimeIsUp as stopped:
        return PASS if stopped.ops else INCONCLUSIVE
    if found is None:
        return INTERRUPTED
    return PASS if found.fit_after else INCONCLUSIVE
