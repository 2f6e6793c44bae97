"""What a run says of its pictures, what is wrong first, for a person at a terminal of 80 columns and up."""

from pathlib import Path
from typing import List, Optional

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.records import Case, ModeFidelity, PictureDistance, Probe, Run, TrialResult
from reports.language import ENGLISH, Words
from reports.terminal.run import NOT_MEASURED, print_failures, print_record

_ORDER = ("wrong", "not_judged", "fit")
_STYLE = {"wrong": "bold red", "not_judged": "bold yellow", "fit": "green"}
_WORDS = {"wrong": "wrong", "not_judged": "not judged", "fit": "fit"}
_LAYERS = 6
_LEGEND = (
    "SSIM of the luminance, against the reference mode {reference} of this run and against the approved picture; "
    "losses: medians of the last {window} pictures, as the mode reports them and re-scored in float32; error: relative "
    "to float64, in the first step; headroom: that error over the reference mode's; alone: from exact inputs."
)


def print_fidelity(
    run: Run, folder: Path, words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None
) -> None:
    """Print what failed, then for each case its pictures, the losses, and the layers that lie furthest off."""
    console = console or Console(highlight=False)
    print_failures(run, folder, words, console)
    for case in run.suite.cases:
        found = [item for item in run.fidelity if item.case == case.id]
        if found and not quiet:
            _print_case(console, run, case, sorted(found, key=lambda item: _ORDER.index(item.fitness)))
    if run.fidelity and run.suite.fidelity and not quiet:
        legend = words(_LEGEND, reference=run.reference_mode, window=run.suite.fidelity.window)
        console.print(Text(legend, style="dim"))
    print_record(run, folder, console)


def _print_case(console: Console, run: Run, case: Case, found: List[ModeFidelity]) -> None:
    size = f"{case.inputs.width}x{case.inputs.height}, " if case.inputs else ""
    console.print()
    note = ", shown only" if case.advisory else ""
    about = f"  {size}{case.steps} steps from {case.initial}, network {case.network}{note}"
    console.print(Text(case.id, style="bold") + Text(about), soft_wrap=True)
    console.print()
    console.print(_pictures(found))
    console.print()
    console.print(_losses(run, found))
    for item in found:
        if item.reasons:
            console.print()
            console.print(Text(item.mode, style="bold") + Text(f": {_WORDS[item.fitness]}", _STYLE[item.fitness]))
            for reason in item.reasons:
                console.print(Text(f"    {reason}"), soft_wrap=True)
    worst = found[0]
    trial = _trial(run, worst)
    if worst.fitness == "wrong" and trial is not None and trial.fidelity is not None:
        console.print()
        console.print(_layers(worst, trial.fidelity.probes))
    console.print()


def _pictures(found: List[ModeFidelity]) -> Table:
    table = _table("mode", "picture", "SSIM ref", "PSNR", "FLIP", "SSIM base")
    for item in found:
        near, base = item.to_reference, item.to_baseline
        table.add_row(
            Text(item.mode),
            Text(_WORDS[item.fitness], _STYLE[item.fitness]),
            _ssim(near),
            _psnr(near),
            NOT_MEASURED if near is None or near.flip_mean is None else f"{near.flip_mean:.3f}",
            _ssim(base),
        )
    return table


def _losses(run: Run, found: List[ModeFidelity]) -> Table:
    table = _table("mode", "reported", "true loss", "gradient error", "headroom")
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


def _layers(item: ModeFidelity, probes: List[Probe]) -> Table:
    """The layers that add most of their own error: those are where to look, not those that only pass it on."""
    table = _table(f"first step of {item.mode}", "alone", "error", "saturated", "to zero")
    table.columns[0].overflow = "fold"
    own = [probe for probe in probes if probe.local is not None]
    for probe in sorted(own, key=lambda probe: -probe.local.relative_l2)[:_LAYERS]:
        table.add_row(
            Text(f"{probe.name} {probe.kind}"),
            f"{probe.local.relative_l2:.1e}",
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
    found = [trial for trial in run.trials if (trial.case, trial.mode, trial.status) == (item.case, item.mode, "ok")]
    return found[0] if found else None


def _ssim(distance: Optional[PictureDistance]) -> str:
    return NOT_MEASURED if distance is None else f"{distance.ssim:.4f}"


def _psnr(distance: Optional[PictureDistance]) -> str:
    if distance is None:
        return NOT_MEASURED
    return "equal" if distance.psnr is None else f"{distance.psnr:.1f}"


def _count(lost: Optional[int]) -> str:
    """Nothing for none, so that what was lost stands out."""
    if lost is None:
        return NOT_MEASURED
    return f"{lost:,}" if lost else ""
