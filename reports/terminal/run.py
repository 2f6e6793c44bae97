"""Tables for a person at a terminal, 80 columns and up."""

import statistics
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.precision.rules.op_table import PACKAGED
from harness.records import Case, Growth, LossScaling, Run, Summary, TrialResult
from reports.figures import COSTS, NOT_MEASURED, RESULTS, Figure, explanations, legend
from reports.language import ENGLISH, Words
from reports.plain_text import shown_path
from reports.stored_run import title
from reports.terminal.console import open_console

__all__ = ["NOT_MEASURED", "print_failures", "print_paths", "print_record", "print_run"]

HEALTH_ROWS = 8
MARKS_WIDTH = 9
"""Columns of what is said of a step time; two words stand one under the other."""
_INTERRUPTED = "Interrupted: {done} of {planned} trials finished and are kept. Continue with --resume {run}"


def print_run(
    run: Run, folder: Path, words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None
) -> None:
    """Print what failed, then the tables, then where everything is; no tables when quiet."""
    console = console or open_console()
    print_failures(run, folder, words, console)
    if any(trial.status == "ok" for trial in run.trials) and not quiet:
        if len(run.suite.modes) == 1 and len(run.suite.cases) > 1:
            _print_cases(console, run, words)
        else:
            for case in run.suite.cases:
                _print_case(console, run, case, words)
        for growth in run.growth:
            _print_growth(console, growth, words)
        _print_rates(console, run, words)
        console.print(Text(explanations([*RESULTS, *COSTS], words), style="dim"))
    print_record(run, folder, words, console)


def print_failures(run: Run, folder: Path, words: Words, console: Console) -> None:
    """Print which trials failed, with the ends of their logs, and whether the run was interrupted."""
    for trial in run.trials:
        if trial.status != "ok":
            _print_failure(console, trial, folder, words)
    if not run.complete:
        text = words(_INTERRUPTED, done=len(run.trials), planned=run.planned_trials, run=shown_path(folder))
        console.print(Text(text, style="bold"), soft_wrap=True)


def print_record(run: Run, folder: Path, words: Words, console: Console) -> None:
    """Print where everything is."""
    if run.environment.op_table != PACKAGED:
        text = words("plans decided by the operator table {table}", table=run.environment.op_table)
        console.print(Text(text), soft_wrap=True)
    picture = next((trial.picture for trial in run.trials if trial.picture), None)
    if picture:
        _print_path(console, "picture", folder / picture, words)
    _print_path(console, "record", folder / "run.json", words)


def print_paths(paths: Sequence[Path], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print which reports were written."""
    for path in paths:
        _print_path(console or open_console(), "report", path, words)


def _print_path(console: Console, what: str, path: Path, words: Words) -> None:
    console.print(Text(f"{words(what):<8} {shown_path(path)}"), soft_wrap=True)


def _print_rates(console: Console, run: Run, words: Words) -> None:
    rates: Dict[str, List[float]] = {}
    for trial in run.trials:
        for name, rate in trial.matmul_rates.items():
            rates.setdefault(name, []).append(rate)
    texts = [f"{name} {statistics.median(values):.3f} TFLOP/s" for name, values in rates.items()]
    if texts:
        text = words("matrix products of this device: {rates}", rates=words.comma.join(texts))
        console.print(Text(text), soft_wrap=True)


def _print_failure(console: Console, trial: TrialResult, folder: Path, words: Words) -> None:
    line = f"{words(trial.status)}: {trial.trial}: {trial.reason}"
    console.print(Text(line, style="bold red"), soft_wrap=True)
    for line in trial.log_tail:
        console.print(Text(f"    {line}", style="dim"), soft_wrap=True)
    console.print(Text(f"  {words('log')} {shown_path(folder / trial.log)}"), soft_wrap=True)


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
    console.print(Text(words.sentence(parts)), soft_wrap=True)


def _print_tables(
    console: Console, run: Run, name: str, about: str, rows: Sequence[Summary], first: str, words: Words
) -> None:
    """Print the figures of the rows, then what is to be said about them.

    Args:
        first: the field of a summary that tells the rows apart, `mode` or `case`; also the heading of its column.
    """
    console.print()
    console.print(Text(name, style="bold") + Text(f"  {about}"), soft_wrap=True)
    if any(row.ok < row.replicates for row in rows):
        counts = ", ".join(f"{getattr(row, first)} {row.ok}/{row.replicates}" for row in rows)
        text = words("Figures rest on the trials that ended well: {counts}", counts=counts)
        console.print(Text(text), soft_wrap=True)
    for figures in (RESULTS, COSTS):
        console.print()
        console.print(_table(rows, first, figures, words))
        if figures is RESULTS:
            console.print(Text(legend(rows, run.reference_mode, words), style="dim"))
    console.print()
    for row in rows:
        notes = [words.semicolon.join(map(words.remark, row.unmet))] if row.unmet else []
        notes += [_scaling(row.loss_scaling, words)] if row.loss_scaling is not None else []
        for note in [*notes, *map(words.remark, row.remarks)]:
            console.print(Text(getattr(row, first) + words.colon + note))


def _print_health(console: Console, trial: TrialResult, words: Words) -> None:
    """Print the ops that lost most, over all steps of a trial: saturation first, for it does the damage."""
    worst = sorted(trial.lost.items(), key=lambda item: (item[1][0] + item[1][2], item[1][1]), reverse=True)
    count = words("{count} ops lost values to float16", count=len(worst)) if worst else words("no op lost a value")
    console.print(Text(trial.mode + words.colon + count, style="bold"), soft_wrap=True)
    if worst:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
        table.add_column(words("op"), overflow="fold")
        for heading in ("saturated", "to zero", "NaN to 0"):
            table.add_column(words(heading), justify="right", no_wrap=True)
        for op, counts in worst[:HEALTH_ROWS]:
            table.add_row(Text(op), *(f"{count:,}" if count else "" for count in counts))
        console.print(table)
    if len(worst) > HEALTH_ROWS:
        more = words("and {count} more in {file}", count=len(worst) - HEALTH_ROWS, file=trial.health)
        console.print(Text(more, style="dim"), soft_wrap=True)
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


def _table(rows: Sequence[Summary], first: str, figures: Sequence[Figure], words: Words) -> Table:
    """Return a table that takes 80 columns with the longest name of a mode: one blank between columns."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    table.add_column(words(first), overflow="fold")
    for figure in figures:
        if figure.form:
            table.add_column(words(figure.heading), justify="right", no_wrap=True)
        else:
            table.add_column(words(figure.heading), max_width=MARKS_WIDTH, overflow="fold")
    for row in rows:
        cells: List[str] = [getattr(row, first), *(figure.text(row, words) for figure in figures)]
        table.add_row(*map(Text, cells))
    return table
