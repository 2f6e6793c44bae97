"""Tables for a person at a terminal, 80 columns and up."""

import statistics
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.precision.rules.op_table import PACKAGED
from harness.records import Case, Growth, LossScaling, Run, Summary, TrialResult
from reports.language import ENGLISH, Words

NOT_MEASURED = "–"
HEALTH_ROWS = 8


def print_run(
    run: Run, folder: Path, words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None
) -> None:
    """Print what failed, then the tables, then where everything is; no tables when quiet."""
    console = console or Console(highlight=False)
    print_failures(run, folder, words, console)
    if any(trial.status == "ok" for trial in run.trials) and not quiet:
        if len(run.suite.modes) == 1 and len(run.suite.cases) > 1:
            _print_cases(console, run)
        else:
            for case in run.suite.cases:
                _print_case(console, run, case)
        for growth in run.growth:
            _print_growth(console, growth)
        _print_rates(console, run)
        console.print(Text(words(_LEGEND, reference=run.reference_mode), style="dim"))
    print_record(run, folder, console)


def print_failures(run: Run, folder: Path, words: Words, console: Console) -> None:
    """Print which trials failed, with the ends of their logs, and whether the run was interrupted."""
    for trial in run.trials:
        if trial.status != "ok":
            _print_failure(console, trial, folder)
    if not run.complete:
        text = words(_INTERRUPTED, done=len(run.trials), planned=run.planned_trials, run=_shown(folder))
        console.print(Text(text, style="bold"), soft_wrap=True)


def print_record(run: Run, folder: Path, console: Console) -> None:
    """Print where everything is."""
    if run.environment.op_table != PACKAGED:
        console.print(Text(f"plans decided by the operator table {run.environment.op_table}"), soft_wrap=True)
    picture = next((trial.picture for trial in run.trials if trial.picture), None)
    if picture:
        console.print(Text(f"picture  {_shown(folder / picture)}"), soft_wrap=True)
    console.print(Text(f"record   {_shown(folder / 'run.json')}"), soft_wrap=True)


def print_paths(paths: Sequence[Path], console: Optional[Console] = None) -> None:
    """Print which reports were written."""
    for path in paths:
        (console or Console(highlight=False)).print(Text(f"report   {_shown(path)}"), soft_wrap=True)


def _print_rates(console: Console, run: Run) -> None:
    rates: Dict[str, List[float]] = {}
    for trial in run.trials:
        for name, rate in trial.matmul_rates.items():
            rates.setdefault(name, []).append(rate)
    texts = [f"{name} {statistics.median(values):.3f} TFLOP/s" for name, values in rates.items()]
    if texts:
        console.print(Text(f"matrix products of this device: {', '.join(texts)}"), soft_wrap=True)


def _print_failure(console: Console, trial: TrialResult, folder: Path) -> None:
    console.print(Text(f"{trial.status}: {trial.trial}: {trial.reason}", style="bold red"), soft_wrap=True)
    for line in trial.log_tail:
        console.print(Text(f"    {line}", style="dim"), soft_wrap=True)
    console.print(Text(f"  log {_shown(folder / trial.log)}"), soft_wrap=True)


def _print_case(console: Console, run: Run, case: Case) -> None:
    """One case in every mode: a row per mode."""
    size = f"{case.inputs.width}x{case.inputs.height}" if case.inputs else ""
    size = f"{case.batch} pictures of {size}" if case.batch > 1 else size
    title = f"{size}, {case.steps} steps from {case.initial}, network {case.network}, device {_devices(run)}"
    _print_tables(console, run, case.id, title, [row for row in run.summaries if row.case == case.id], _MODE)
    for trial in run.trials:
        if trial.case == case.id and trial.health:
            _print_health(console, trial)


def _print_cases(console: Console, run: Run) -> None:
    """Several cases in one mode: a row per case."""
    title = f"{len(run.suite.cases)} cases, device {_devices(run)}"
    _print_tables(console, run, run.suite.modes[0].name, title, run.summaries, _CASE)
    for trial in run.trials:
        if trial.health:
            _print_health(console, trial)


def _print_growth(console: Console, growth: Growth) -> None:
    law = f"{growth.mode}: {growth.quantity} grows as pixels ^ {growth.exponent:.2f}"
    interval = f"95 % interval {growth.low:.2f} to {growth.high:.2f}"
    sizes = f"{growth.sizes} sizes of {growth.pixels[0]} to {growth.pixels[1]} pixels"
    note = "; most of it is there whatever the size" if growth.quantity == "peak memory" else ""
    emulated = " (emulated)" if growth.emulated else ""
    console.print(Text(f"{law}{emulated}, {interval}, {sizes}{note}"), soft_wrap=True)


def _print_tables(console: Console, run: Run, name: str, title: str, rows: Sequence[Summary], first: "Column") -> None:
    """The figures of the rows, then what is to be said about them; `first` is the column that tells them apart."""
    console.print()
    console.print(Text(name, style="bold") + Text(f"  {title}"), soft_wrap=True)
    if any(row.ok < row.replicates for row in rows):
        counts = ", ".join(f"{first[1](row)} {row.ok}/{row.replicates}" for row in rows)
        console.print(Text(f"Figures rest on the trials that ended well: {counts}"), soft_wrap=True)
    for columns in (_RESULT, _COST):
        console.print()
        console.print(_table(rows, [first, *columns]))
    console.print()
    for row in rows:
        notes = ["; ".join(row.unmet)] if row.unmet else []
        notes += [_scaling(row.loss_scaling)] if row.loss_scaling is not None else []
        for note in [*notes, *row.remarks]:
            console.print(Text(f"{first[1](row)}: {note}"))


def _print_health(console: Console, trial: TrialResult) -> None:
    """The ops that lost most, over all steps of a trial: saturation first, for it does the damage."""
    worst = sorted(trial.lost.items(), key=lambda item: (item[1][0] + item[1][2], item[1][1]), reverse=True)
    count = f"{len(worst)} ops lost values" if worst else "no op lost a value"
    console.print(Text(f"{trial.mode}: {count} to float16", style="bold"), soft_wrap=True)
    if worst:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
        table.add_column("op", overflow="fold")
        for heading in ("saturated", "to zero", "NaN to 0"):
            table.add_column(heading, justify="right", no_wrap=True)
        for op, counts in worst[:HEALTH_ROWS]:
            table.add_row(Text(op), *(f"{count:,}" if count else "" for count in counts))
        console.print(table)
    if len(worst) > HEALTH_ROWS:
        console.print(Text(f"and {len(worst) - HEALTH_ROWS} more in {trial.health}", style="dim"), soft_wrap=True)
    console.print()


def _scaling(found: LossScaling) -> str:
    """The price of loss scaling: the picture stands still in a skipped step."""
    start = f", the first {found.skipped_first} in a row before any update" if found.skipped_first else ""
    scales = f"{found.first_scale:g}"
    if found.last_scale != found.first_scale:
        scales += f" to {found.last_scale:g}"
    return f"loss scale {scales}: {found.skipped} of {found.steps} steps overflowed and were skipped{start}"


def _devices(run: Run) -> str:
    return ", ".join(sorted({trial.device for trial in run.trials}))


def _number(field: str, form: str, scale: float = 1.0) -> Callable[[Summary], str]:
    def show(summary: Summary) -> str:
        value = getattr(summary, field)
        return NOT_MEASURED if value is None else format(value * scale, form)

    return show


def _half_width(summary: Summary) -> str:
    mark = "~" if summary.steady is False else " "
    if summary.step_seconds_low is None or summary.step_seconds_high is None:
        return NOT_MEASURED + mark
    return f"{(summary.step_seconds_high / summary.step_seconds_low) ** 0.5 - 1:.1%}{mark}"


Column = Tuple[str, Callable[[Summary], str]]


_MODE: Column = ("mode", lambda summary: summary.mode)
_CASE: Column = ("case", lambda summary: summary.case)
_RESULT: List[Column] = [
    ("step s", lambda summary: _number("step_seconds", ".3f")(summary) + ("e" if summary.emulated else " ")),
    ("95 % ±", _half_width),
    ("ratio", _number("ratio_to_reference", ".3f")),
    ("final loss", _number("final_loss", ".5g")),
    ("true loss", _number("true_loss", ".5g")),
]


_COST: List[Column] = [
    ("img/s", _number("images_per_second", ".3f")),
    ("Mpx/s", _number("megapixels_per_second", ".4f")),
    ("first s", _number("first_step_seconds", ".2f")),
    ("TFLOP/s", _number("tflops", ".3f")),
    ("peak", _number("share_of_peak", ".0%")),
    ("GiB", _number("peak_memory_bytes", ".2f", 2.0**-30)),
]


_INTERRUPTED = "Interrupted: {done} of {planned} trials finished and are kept. Continue with --resume {run}"
_LEGEND = (
    "step s: geometric mean over processes of the median step; e: emulated, float16 as rounded float32, a time that "
    "says nothing about the card; ±: 95 % interval over processes; ~: some process was never steady; ratio: to the "
    "reference mode {reference}; first s: first step, compiling included; peak: share of the matrix-product rate "
    "of its format in the same processes; GiB: largest resident size; true loss: re-scored in float32."
)


def _table(rows: Sequence[Summary], columns: Sequence[Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for heading, _ in columns:
        is_name = heading in ("mode", "case")
        table.add_column(heading, justify="left" if is_name else "right", no_wrap=not is_name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(row)) for _, cell in columns))
    return table


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
