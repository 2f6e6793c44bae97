"""A whole run for a person at a terminal: what failed, the decision, what the gates say, the figures, where it is."""

from pathlib import Path
from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.precision.rules.kernels import PACKAGED
from harness.records import Run, TrialResult
from reports.advice import origin
from reports.language import ENGLISH, Words
from reports.plain_text import shown_path
from reports.terminal.console import open_console
from reports.terminal.decision import print_decision
from reports.terminal.fidelity import print_fidelity
from reports.terminal.published_figures import print_published
from reports.terminal.tables import print_folded
from reports.terminal.timings import print_timings
from reports.terminal.verdicts import print_verdicts

_INTERRUPTED = "Interrupted: {done} of {planned} trials finished and are kept. Continue with --resume {run}"


def print_run(
    run: Run, folder: Path, words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None
) -> None:
    """Print everything that a run in `folder` has to say; when quiet, no tables and no verdict that passes."""
    console = console or open_console()
    print_failures(run, folder, words, console)
    if not quiet:
        print_decision(run, words, console)
    if run.verdicts:
        print_verdicts(run.verdicts, run.power_cards, words, quiet, console, origin(run, folder))
    if not quiet:
        if run.suite.fidelity and not run.plan_only:
            print_fidelity(run, words, console)
        else:
            print_timings(run, words, console)
        if run.suite.name == "reference":
            print_published(run, words, console)
    print_record(run, folder, words, console)


def print_answer(
    run: Run, folder: Path, words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None
) -> None:
    """Print what failed, the decision unless quiet, and where the rest stands: all that one screen holds."""
    console = console or open_console()
    print_failures(run, folder, words, console)
    if not quiet:
        print_decision(run, words, console)
        console.print()
    print_record(run, folder, words, console)


def print_failures(run: Run, folder: Path, words: Words, console: Console) -> None:
    """Print which trials failed, with the ends of their logs, and whether the run was interrupted."""
    for trial in run.trials:
        if trial.status != "ok":
            _print_failure(console, trial, folder, words)
    if not run.complete:
        done = sum(not trial.result_lost for trial in run.trials)
        again = shown_path(folder) + (" --hosts auto" if run.hosts else "")
        text = words(_INTERRUPTED, done=done, planned=run.planned_trials, run=again)
        print_folded(console, Text(text, style="bold"))


def print_record(run: Run, folder: Path, words: Words, console: Console) -> None:
    """Print where everything is."""
    if run.environment.op_table != PACKAGED:
        text = words("plans decided by the operator table {table}", table=run.environment.op_table)
        print_folded(console, Text(text))
    drawn = [trial for trial in run.trials if trial.picture]
    if drawn:  # of modes, the reference's is surely right
        first = min(drawn, key=lambda trial: trial.mode != run.reference_mode)
        _print_path(console, "picture", folder / str(first.picture), words)
    _print_path(console, "record", folder / "run.json", words)


def print_paths(paths: Sequence[Path], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print which reports were written."""
    for path in paths:
        _print_path(console or open_console(), "report", path, words)


def _print_path(console: Console, what: str, path: Path, words: Words) -> None:
    console.print(Text(f"{words(what):<8} {shown_path(path)}"), soft_wrap=True)


def _print_failure(console: Console, trial: TrialResult, folder: Path, words: Words) -> None:
    line = words.colon.join([words(trial.status), trial.trial, words.message(trial.reason)])
    print_folded(console, Text(line, style="bold red"))
    for line in trial.log_tail:
        console.print(Text(f"    {line}", style="dim"), soft_wrap=True)
    console.print(Text(f"  {words('log')} {shown_path(folder / trial.log)}"), soft_wrap=True)
