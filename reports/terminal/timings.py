"""Step times, losses and costs of a run in tables, for a person at a terminal, 60 columns and up."""

import statistics
from typing import Dict, List, Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.records import Case, Growth, LossScaling, Run, Summary, TrialResult
from reports.figures import COSTS, RESULTS, Figure, explanations, legend
from reports.language import ENGLISH, Words
from reports.stored_run import title
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_folded, print_table

HEALTH_ROWS = 8


def print_timings(run: Run, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the figures of each case in every mode, or of the one mode in every case; nothing without a good trial."""
    console = console or open_console()
    if not any(trial.status == "ok" for trial in run.trials):
        return
    if len(run.suite.modes) == 1 and len(run.suite.cases) > 1:
        _print_cases(console, run, words)
    else:
        for case in run.suite.cases:
            _print_case(console, run, case, words)
    for growth in run.growth:
        _print_growth(console, growth, words)
    _print_rates(console, run, words)
    print_folded(console, Text(explanations([*RESULTS, *COSTS], words), style="dim"))


def _print_case(console: Console, run: Run, case: Case, words: Words) -> None:
    """Print one case in every mode: a row per mode."""
    about = words.comma.join([title(case, words), f"{words('device')} {_devices(run)}"])
    _print_tables(console, run, case.id, about, [row for row in run.summaries if row.case == case.id], "mode", words)
    for trial in run.trials:
        if trial.case == case.id and trial.health:
            _print_health(console, trial, words)


def _print_cases(console: Console, run: Run, words: Words) -> None:
    """Print several cases in one mode: a row per case."""
    about = words.comma.join([words("{count} cases", count=len(run.suite.cases)), f"{words('device')} {_devices(run)}"])
    _print_tables(console, run, run.suite.modes[0].name, about, run.summaries, "case", words)
    for trial in run.trials:
        if trial.health:
            _print_health(console, trial, words)


def _print_growth(console: Console, growth: Growth, words: Words) -> None:
    law = words(
        "{mode}: {quantity} grows as pixels ^ {exponent}, 95 % interval {low} to {high}",
        mode=growth.mode,
        quantity=words(growth.quantity),
        exponent=f"{growth.exponent:.2f}",
        low=f"{growth.low:.2f}",
        high=f"{growth.high:.2f}",
    )
    first, last = growth.pixels
    parts = [law, words("{count} sizes of {first} to {last} pixels", count=growth.sizes, first=first, last=last)]
    parts += [words("emulated")] if growth.emulated else []
    parts += [words("most of it is there whatever the size")] if growth.quantity == "peak memory" else []
    print_folded(console, Text(words.sentence(parts)))


def _print_tables(
    console: Console, run: Run, name: str, about: str, rows: Sequence[Summary], first: str, words: Words
) -> None:
    """Print the figures of the rows, then what is to be said about them.

    Args:
        first: the field of a summary that tells the rows apart, `mode` or `case`; also the heading of its column.
    """
    console.print()
    print_folded(console, Text(name, style="bold") + Text(f"  {about}"))
    if any(row.ok < row.replicates for row in rows):
        counts = ", ".join(f"{getattr(row, first)} {row.ok}/{row.replicates}" for row in rows)
        text = words("Figures rest on the trials that ended well: {counts}", counts=counts)
        print_folded(console, Text(text))
    for figures in (RESULTS, COSTS):
        console.print()
        names = Column(words(first), [getattr(row, first) for row in rows], number=False)
        print_table(console, names, [_column(figure, rows, words) for figure in figures], words)
        if figures is RESULTS:
            print_folded(console, Text(legend(rows, run.reference_mode, words), style="dim"))
    console.print()
    for row in rows:
        notes = [words.semicolon.join(map(words.remark, row.unmet))] if row.unmet else []
        notes += [_scaling(row.loss_scaling, words)] if row.loss_scaling is not None else []
        for note in [*notes, *map(words.remark, row.remarks)]:
            print_folded(console, Text(getattr(row, first) + words.colon + note))


def _print_health(console: Console, trial: TrialResult, words: Words) -> None:
    """Print the ops that lost most, over all steps of a trial: saturation first, for it does the damage."""
    worst = sorted(trial.lost.items(), key=lambda item: (item[1][0] + item[1][2], item[1][1]), reverse=True)
    count = words("{count} ops lost values to float16", count=len(worst)) if worst else words("no op lost a value")
    print_folded(console, Text(trial.mode + words.colon + count, style="bold"))
    if worst:
        shown = worst[:HEALTH_ROWS]
        counts = [
            Column(words(heading), [f"{lost[index]:,}" if lost[index] else "" for _, lost in shown])
            for index, heading in enumerate(("saturated", "to zero", "NaN to 0"))
        ]
        print_table(console, Column(words("op"), [op for op, _ in shown], number=False), counts, words)
    if len(worst) > HEALTH_ROWS:
        more = words("and {count} more in {file}", count=len(worst) - HEALTH_ROWS, file=trial.health)
        print_folded(console, Text(more, style="dim"))
    console.print()


def _scaling(found: LossScaling, words: Words) -> str:
    """Return the price of loss scaling: the picture stands still in a skipped step."""
    scales = f"{found.first_scale:g}"
    if found.last_scale != found.first_scale:
        scales += f" … {found.last_scale:g}"
    parts = [
        words(
            "loss scale {scales}: {skipped} of {steps} steps overflowed and were skipped",
            scales=scales,
            skipped=found.skipped,
            steps=found.steps,
        )
    ]
    if found.skipped_first:
        parts.append(words("the first {count} in a row before any update", count=found.skipped_first))
    return "; ".join(parts)


def _devices(run: Run) -> str:
    return ", ".join(sorted({trial.device for trial in run.trials}))


def _print_rates(console: Console, run: Run, words: Words) -> None:
    rates: Dict[str, List[float]] = {}
    for trial in run.trials:
        for name, rate in trial.matmul_rates.items():
            rates.setdefault(name, []).append(rate)
    texts = [f"{name} {statistics.median(values):.3f} TFLOP/s" for name, values in rates.items()]
    if texts:
        text = words("matrix products of this device: {rates}", rates=words.comma.join(texts))
        print_folded(console, Text(text))


def _column(figure: Figure, rows: Sequence[Summary], words: Words) -> Column:
    styles = ["bold red" if figure.marks_loss(row) else "" for row in rows]
    cells = [figure.text(row, words) for row in rows]
    return Column(words(figure.heading), cells, bool(figure.form), figure.rank, styles=styles)
