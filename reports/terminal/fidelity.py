"""What a run says of its pictures, what is wrong first, for a person at a terminal of 80 columns and up."""

from pathlib import Path
from typing import List, Optional, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.records import Case, ModeFidelity, PictureDistance, Probe, Run, TrialResult
from harness.remark import remark
from reports.language import ENGLISH, Words
from reports.stored_run import title
from reports.terminal.console import open_console
from reports.terminal.run import NOT_MEASURED, print_failures, print_record

_ORDER = ("wrong", "not_judged", "fit")
_STYLE = {"wrong": "bold red", "not_judged": "bold yellow", "fit": "green"}
_LAYERS = 6
"""Rows of the table of the layers that lie furthest off."""
_LEGEND = (
    "SSIM of the luminance, against the reference mode {reference} of this run and against the approved picture; "
    "losses: medians of the last {window} pictures, as the mode reports them and re-scored in float32; error: relative "
    "to float64, in the first step; headroom: that error over the reference mode's; alone: from exact inputs."
)


def print_fidelity(
    run: Run, folder: Path, words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None
) -> None:
    """Print what failed, then of each case the pictures, the losses, and the layers that lie furthest off."""
    console = console or open_console()
    print_failures(run, folder, words, console)
    for case in run.suite.cases:
        found = [item for item in run.fidelity if item.case == case.id]
        if found and not quiet:
            _print_case(console, run, case, sorted(found, key=lambda item: _ORDER.index(item.fitness)), words)
    if run.fidelity and run.suite.fidelity and not quiet:
        legend = words(_LEGEND, reference=run.reference_mode, window=run.suite.fidelity.window)
        console.print(Text(legend, style="dim"))
    print_record(run, folder, words, console)


def _print_case(console: Console, run: Run, case: Case, found: List[ModeFidelity], words: Words) -> None:
    console.print()
    about = words.comma.join([title(case, words), *([words("shown only")] if case.advisory else [])])
    console.print(Text(case.id, style="bold") + Text(f"  {about}"), soft_wrap=True)
    console.print()
    console.print(_pictures(found, words))
    console.print()
    console.print(_losses(run, found, words))
    for item in found:
        if item.reasons:
            console.print()
            console.print(Text(item.mode, style="bold") + Text(f": {words(item.fitness)}", _STYLE[item.fitness]))
            for reason in item.reasons:
                console.print(Text(f"    {words.remark(reason)}"), soft_wrap=True)
    worst = found[0]
    trial = _trial(run, worst)
    if worst.fitness == "wrong" and trial is not None and trial.fidelity is not None:
        console.print()
        console.print(_layers(worst, trial.fidelity.probes, words))
    console.print()


def _pictures(found: List[ModeFidelity], words: Words) -> Table:
    table = _table(words("mode"), *map(words, ("picture", "SSIM ref", "PSNR", "FLIP", "SSIM base")))
    for item in found:
        near, base = item.to_reference, item.to_baseline
        table.add_row(
            Text(item.mode),
            Text(words(item.fitness), _STYLE[item.fitness]),
            _ssim(near),
            _psnr(near, words),
            NOT_MEASURED if near is None or near.flip_mean is None else f"{near.flip_mean:.3f}",
            _ssim(base),
        )
    return table


def _losses(run: Run, found: List[ModeFidelity], words: Words) -> Table:
    table = _table(words("mode"), *map(words, ("reported", "true loss", "gradient error", "headroom")))
    for item in found:
        trial = _trial(run, item)
        measured = trial.fidelity if trial else None
        probes = measured.probes if measured else ()
        gradient = [probe for probe in probes if (probe.name, probe.kind) == ("picture", "gradient")]
        table.add_row(
            Text(item.mode),
            f"{measured.reported_losses['total']:.5g}" if measured else NOT_MEASURED,
            f"{measured.true_losses['total']:.5g}" if measured else NOT_MEASURED,
            f"{gradient[0].accumulated.relative_l2:.1e}" if gradient else NOT_MEASURED,
            f"{item.headroom['picture gradient']:.3g}" if "picture gradient" in item.headroom else NOT_MEASURED,
        )
    return table


def _layers(item: ModeFidelity, probes: Sequence[Probe], words: Words) -> Table:
    """Return the layers that add most of their own error: those are where to look, not those that only pass it on."""
    headings = map(words, ("alone", "error", "saturated", "to zero"))
    table = _table(words("first step of {mode}", mode=item.mode), *headings)
    own = [(probe.local.relative_l2, probe) for probe in probes if probe.local is not None]
    for error, probe in sorted(own, key=lambda pair: -pair[0])[:_LAYERS]:
        table.add_row(
            Text(words.remark(remark(f"probe_{probe.kind}", name=probe.name))),
            f"{error:.1e}",
            f"{probe.accumulated.relative_l2:.1e}",
            _count(probe.saturated),
            _count(probe.underflowed),
        )
    return table


def _table(first: str, *headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column(first, overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _trial(run: Run, item: ModeFidelity) -> Optional[TrialResult]:
    return next(iter(run.trials_of(item.case, item.mode)), None)


def _ssim(distance: Optional[PictureDistance]) -> str:
    return NOT_MEASURED if distance is None else f"{distance.ssim:.4f}"


def _psnr(distance: Optional[PictureDistance], words: Words) -> str:
    if distance is None:
        return NOT_MEASURED
    return words("equal") if distance.psnr is None else f"{distance.psnr:.1f}"


def _count(lost: Optional[int]) -> str:
    """Return a count, and no text for none, so that what was lost stands out."""
    if lost is None:
        return NOT_MEASURED
    return f"{lost:,}" if lost else ""
