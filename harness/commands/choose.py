"""bench.py choose: which mode may be used for pictures of one's own, and with which configuration file."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Tuple

import click

from harness.blame.limits import Limits, TimeIsUp
from harness.commands import baselines_in
from harness.commands.options import language_option, output_option
from harness.commands.searching import again
from harness.commands.searching import search as search_cause
from harness.commands.shown import Shown
from harness.errors import UsageError
from harness.gates.exit_status import INTERRUPTED, TRIAL_FAILED
from harness.store.cache import cache_folder
from reports.terminal.opening import opening

if TYPE_CHECKING:
    from harness.records import Choice, Mode, Ready, Run, Suite

Mended = Dict[str, Tuple[Tuple[str, ...], Path]]
"""By name of a wrong mode: the ops that make it right in float32, and the file that says so."""
SIZE, STEPS = 96, 8
"""Width in pixels and updates that a few minutes suffice for."""
SEARCH_SECONDS = 120.0
"""Seconds in which a fitting set is found for the usual cause on two cores, if not the smallest."""


@click.command()
@click.option("--content", metavar="FILE", required=True, help="Content picture.")
@click.option("--styles", metavar="FILE", required=True, multiple=True, help="Style picture; repeat for several.")
@click.option("--size", type=int, metavar="PIXELS", default=SIZE, show_default=True, help="Width of the picture.")
@click.option("--steps", type=int, metavar="N", default=STEPS, show_default=True, help="Updates of the picture.")
@click.option("--init", metavar="content|noise|FILE", help="What the picture starts from.")
@click.option("--network", metavar="NAME|FILE", help="synthetic, or the path of imagenet-vgg-verydeep-19.mat.")
@click.option("--modes", metavar="A,B", help="Modes to choose from; those of suite accuracy unless given.")
@click.option(
    "--search",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=SEARCH_SECONDS,
    show_default=True,
    help="What looking for ops that spoil the wrong modes may take.",
)
@click.option("--device", metavar="NAME", default="cpu", show_default=True, help="cpu or gpu, which emulate the card.")
@output_option("Folder that gets the run's folder.")
@click.option("--report", metavar="A,B", default="html", show_default=True, help="As of a run.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Verdicts and table as JSON, alone on standard output.")
@click.option("--quiet", is_flag=True, help="Print failures, what is ready, and paths alone.")
@click.pass_context
def choose(
    context: click.Context,
    content: str,
    styles: Tuple[str, ...],
    size: int,
    steps: int,
    init: Optional[str],
    network: Optional[str],
    modes: Optional[str],
    search: float,
    device: str,
    output: str,
    report: str,
    lang: Optional[str],
    as_json: bool,
    quiet: bool,
) -> None:
    """Say which precision mode may be used for your own pictures, and why not the others.

    Draws the pictures in every mode and judges each against float32; then finds what spoils the wrong ones, and writes
    a customize_dtypes file for every mode that can be used. Takes a few minutes at the default size and steps.
    """
    with opening(lang, quiet):
        import suites
        from harness import modes as known_modes
        from harness.devices import kinds, naming
        from harness.records import REFERENCE_MODE, Choice
        from harness.step import inputs
        from reports.terminal import choice

    shown = Shown.from_options(report, lang, quiet, as_json)
    kind = naming.choose(device)[0].kind
    if kind == "npu":
        raise UsageError(f"choose --device {device}: no float32 picture can be drawn there (expected cpu or gpu)")
    asked = {"content": content, "styles": styles, "size": size, "steps": steps, "init": init, "network": network}
    changes = {"initial" if name == "init" else name: value for name, value in asked.items() if value is not None}
    first = suites.get("accuracy").cases[0].id
    # Beside the float32 picture, which the others are held against.
    names = [REFERENCE_MODE, *known_modes.split(modes)] if modes else []
    chosen = list({mode.name: mode for mode in map(known_modes.get, names)}.values())
    suite = suites.only(suites.get("accuracy"), first)
    suite = suites.customize(suite, changes, {"modes": chosen} if chosen else {})
    kinds.check(kind, suite, health=False)
    for case in suite.cases:
        inputs.resolve(case, cache_folder())  # a picture that cannot be used is refused before what is to come is told
    choice.print_beforehand(suite, size**2 * steps / (SIZE**2 * STEPS), search, shown.words, quiet)
    run, folder = _judged(suite, device, Path(output), shown)
    status = INTERRUPTED
    if run.complete:
        wanted, slow = _worth_mending(run)
        mended, left = _mended(run, wanted, folder, lambda mode: again(first, mode, asked), search, shown)
        if mended is not None:
            found = Choice(ready=_ready(run, folder, mended), slow=tuple(slow), left=tuple(left), search_seconds=search)
            _keep(found, folder, shown)
            choice.print_choice(found, folder, shown.words, shown.console)
            status = 0 if all(trial.status == "ok" for trial in run.trials) else TRIAL_FAILED
    context.exit(shown.answer(folder, status))


def _judged(suite: "Suite", device: str, output: Path, shown: Shown) -> "Tuple[Run, Path]":
    """Draw the suite's pictures, judge and show them; return the run and its folder."""
    from harness.gates import gate
    from harness.runs import runner
    from harness.store.run_folder import RunFolder
    from reports.terminal.progress import Progress
    from reports.terminal.run import print_answer

    with Progress(quiet=shown.quiet, words=shown.words) as progress:
        run, folder = runner.run_suite(suite, device, output, cache_folder(), progress, command=sys.argv, plans=True)
    baselines = baselines_in(None)
    run = gate.judged(run, baselines, folder)
    RunFolder(folder).save(run)
    written = shown.write(folder, baselines.root)
    print_answer(run, folder, shown.words, shown.quiet, shown.console)
    shown.tell(written)
    return run, folder


def _worth_mending(run: "Run") -> "Tuple[List[Mode], List[str]]":
    """Return the wrong modes that may still be the card's quickest, the least wrong first, and names of the others.

    Ops that are kept in float32 only make a mode slower. A bfloat16 mode has no kernels to swap.
    """
    (case,) = run.suite.cases
    floors: Dict[str, float] = {}
    for name in (mode.name for mode in run.suite.modes):
        plan = run.plan_of(case.id, name)
        if plan is not None and not plan.refused:
            floors[name] = plan.roofline_seconds
    found = {item.mode: item for item in run.fidelity}
    right = [floors[name] for name, item in found.items() if item.fitness == "fit" and name in floors]
    wrong = [mode for mode in run.suite.modes if mode.name in found and found[mode.name].fitness == "wrong"]
    wanted = [mode for mode in wrong if mode.emit != "native" and floors.get(mode.name, 0.0) < min(right, default=1e9)]

    def likeness(mode: "Mode") -> float:
        distance = found[mode.name].to_reference
        return distance.ssim if distance is not None else -1.0

    slow = [mode.name for mode in wrong if mode not in wanted and mode.emit != "native"]
    return sorted(wanted, key=likeness, reverse=True), slow


def _mended(
    run: "Run",
    modes: "List[Mode]",
    folder: Path,
    command: Callable[[str], List[str]],
    seconds: float,
    shown: Shown,
) -> Tuple[Optional[Mended], List[str]]:
    """Search for what spoils each of the modes.

    Returns:
        Ops and file by the mode that is fit with them, None when a search was interrupted; and the names of modes
        that the time did not suffice for.
    """
    from harness.blame.messages import Question
    from harness.store.files import slug
    from harness.store.run_folder import RunFolder

    (case,) = run.suite.cases
    mended: Mended = {}
    told = shown._replace(formats=[])  # the page of the run tells it all
    left: List[str] = []
    until = time.monotonic() + seconds
    for mode in modes:
        if time.monotonic() >= until:
            left.append(mode.name)
            continue
        home = RunFolder(folder / "blame" / slug(mode.name))
        home.path.mkdir(parents=True)
        # One cause spoils most modes: what mended one is tried first on the next.
        hints = tuple(dict.fromkeys(ops for ops, _ in mended.values()))
        question = Question(case=case, mode=mode, cache=cache_folder(), hints=hints)
        try:
            found = search_cause(question, home, command(mode.name), told, Limits(until))
        except TimeIsUp as stopped:
            if stopped.ops:  # right with these, maybe with fewer
                mended[mode.name] = (stopped.ops, home.path / "float32.cfg")
            else:
                left.append(mode.name)
            continue
        if found is None:
            return None, left
        if found.customize_dtypes:
            mended[mode.name] = (found.blocks, home.path / "float32.cfg")
    return mended, left


def _keep(found: "Choice", folder: Path, shown: Shown) -> None:
    """Keep the choice beside the run, and write the page anew where there is one: the other formats do not show it."""
    from harness.store.files import save_readable
    from reports.stored_run import CHOICE

    save_readable(folder / CHOICE, found)
    if "html" in shown.formats:
        shown._replace(formats=["html"]).write(folder, baselines_in(None).root)


def _ready(run: "Run", folder: Path, mended: Mended) -> "Tuple[Ready, ...]":
    """Write the configuration file of each mode that is right, and return these modes, the card's quickest first."""
    from harness import modes
    from harness.plans.explain import Question, explain
    from harness.plans.figures import figures
    from harness.precision import customize_dtypes_text
    from harness.records import Ready
    from harness.store.files import slug, write_atomic

    (case,) = run.suite.cases
    ready = []
    for mode in run.suite.modes:
        item, plan = run.fidelity_of(case.id, mode.name), run.plan_of(case.id, mode.name)
        # What the card's compiler refuses is ready for no card.
        if item is not None and item.fitness == "fit" and plan is not None and not plan.refused:
            file = f"{slug(mode.name)}.cfg" if mode.precision.custom_dtypes else None
            if file is not None:
                write_atomic(folder / file, customize_dtypes_text(mode.precision).encode())
            ready.append(
                Ready(
                    mode=mode.name,
                    precision_mode=mode.precision.mode,
                    file=file,
                    floor_seconds=plan.roofline_seconds,
                )
            )
    wrong = [mode for mode in run.suite.modes if mode.name in mended]
    changed = [modes.with_options([mode], customize_dtypes=str(mended[mode.name][1]))[0] for mode in wrong]
    plans = explain(Question(case=case, modes=tuple(changed), cache=cache_folder())) if changed else []
    for mode, plan_of_mended in zip(wrong, map(figures, plans)):
        if not plan_of_mended.refused:
            ops, where = mended[mode.name]
            ready.append(
                Ready(
                    mode=mode.name,
                    precision_mode=mode.precision.mode,
                    file=str(where.relative_to(folder)),
                    ops=ops,
                    floor_seconds=plan_of_mended.roofline_seconds,
                )
            )
    return tuple(sorted(ready, key=lambda each: each.floor_seconds))
