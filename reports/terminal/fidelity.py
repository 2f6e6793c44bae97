"""What a run says of its pictures, what is wrong first, for a person at a terminal of 60 columns and up."""

from typing import List, Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.records import Case, ModeFidelity, PictureDistance, Probe, Run, TrialResult
from harness.remark import remark
from reports.figures import NOT_MEASURED, RESULTS
from reports.language import ENGLISH, Words
from reports.stored_run import noise_source, title
from reports.terminal.console import open_console
from reports.terminal.decision import FITNESS_STYLES
from reports.terminal.tables import Column, print_folded, print_table

_ORDER = ("wrong", "not_judged", "fit")
_LAYERS = 6
"""Rows of the table of the layers that lie furthest off."""
_LEGEND = (
    "SSIM of the luminance, against the reference mode {reference} of this run and against the approved picture; "
    "losses: medians of the last {window} pictures, as the mode reports them and re-scored in float32; "
    "!: the two are far apart; error: relative "
    "to float64, in the first step; headroom: that error over the reference mode's; alone: from exact inputs."
)


def print_fidelity(run: Run, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print of each case the pictures, the losses, and the layers that lie furthest off."""
    console = console or open_console()
    for case in run.suite.cases:
        found = [item for item in run.fidelity if item.case == case.id]
        if found:
            _print_case(console, run, case, sorted(found, key=lambda item: _ORDER.index(item.fitness)), words)
    if run.fidelity and run.suite.fidelity:
        legend = words(_LEGEND, reference=run.reference_mode, window=run.suite.fidelity.window)
        print_folded(console, Text(f"{legend} {noise_source(run, words)}".strip(), style="dim"))


def _print_case(console: Console, run: Run, case: Case, found: List[ModeFidelity], words: Words) -> None:
    console.print()
    about = words.comma.join([title(case, words), *([words("shown only")] if case.advisory else [])])
    print_folded(console, Text(case.id, style="bold") + Text(f"  {about}"))
    console.print()
    print_table(console, _modes(found, words), _pictures(found, words), words)
    console.print()
    print_table(console, _modes(found, words), _losses(run, found, words), words)
    worst = found[0]
    trial = _trial(run, worst)
    if worst.fitness == "wrong" and trial is not None and trial.fidelity is not None:
        console.print()
        _print_layers(console, worst, trial.fidelity.probes, words)
    console.print()


def _modes(found: Sequence[ModeFidelity], words: Words) -> Column:
    return Column(words("mode"), [item.mode for item in found], number=False)


def _pictures(found: Sequence[ModeFidelity], words: Words) -> List[Column]:
    near, base = [item.to_reference for item in found], [item.to_baseline for item in found]
    flip = [NOT_MEASURED if one is None or one.flip_mean is None else f"{one.flip_mean:.3f}" for one in near]
    styles = [FITNESS_STYLES[item.fitness] for item in found]
    columns = [
        Column(words("picture"), [words(item.fitness) for item in found], styles=styles),
        Column(words("SSIM ref"), list(map(_ssim, near))),
        Column("PSNR", [_psnr(one, words) for one in near], rank=2),
        Column("FLIP", flip, rank=3),
        Column(words("SSIM base"), list(map(_ssim, base)), rank=1),
    ]
    return [column for column in columns if set(column.cells) != {NOT_MEASURED}]


def _losses(run: Run, found: Sequence[ModeFidelity], words: Words) -> List[Column]:
    rows = [run.summary_of(item.case, item.mode) for item in found]
    columns = []
    for name, rank in (("final_loss", 1), ("true_loss", 0)):
        (figure,) = [figure for figure in RESULTS if figure.field == name]
        cells = [figure.text(row, words) if row else NOT_MEASURED for row in rows]
        styles = ["bold red" if row and figure.marks_loss(row) else "" for row in rows]
        columns.append(Column(words(figure.heading), cells, rank=rank, styles=styles))
    trials = [_trial(run, item) for item in found]
    errors = [_gradient_error(trial.fidelity.probes if trial and trial.fidelity else ()) for trial in trials]
    headroom = [item.headroom.get("picture gradient") for item in found]
    return [
        *columns,
        Column(words("gradient error"), errors, rank=3),
        Column(words("headroom"), [NOT_MEASURED if one is None else f"{one:.3g}" for one in headroom], rank=2),
    ]


def _gradient_error(probes: Sequence[Probe]) -> str:
    found = [probe for probe in probes if (probe.name, probe.kind) == ("picture", "gradient")]
    return f"{found[0].accumulated.relative_l2:.1e}" if found else NOT_MEASURED


def _print_layers(console: Console, item: ModeFidelity, probes: Sequence[Probe], words: Words) -> None:
    """Print the layers that add most of their own error: those are where to look, not those that only pass it on."""
    own = [(probe.local.relative_l2, probe) for probe in probes if probe.local is not None]
    worst = sorted(own, key=lambda pair: -pair[0])[:_LAYERS]
    layers = [words.remark(remark(f"probe_{probe.kind}", name=probe.name)) for _, probe in worst]
    columns = [
        Column(words("alone"), [f"{error:.1e}" for error, _ in worst]),
        Column(words("error"), [f"{probe.accumulated.relative_l2:.1e}" for _, probe in worst]),
        Column(words("saturated"), [_count(probe.saturated) for _, probe in worst]),
        Column(words("to zero"), [_count(probe.underflowed) for _, probe in worst], rank=1),
    ]
    print_folded(console, Text(words("first step of {mode}", mode=item.mode)))
    print_table(console, Column(words("layer"), layers, number=False), columns, words)


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
