"""The figures of each case and mode over many runs, and where they changed, for a person at a terminal."""

import math
from typing import Callable, Dict, List, Optional, Sequence, Set, Tuple

from rich.console import Console
from rich.text import Text

from harness.history.changes import changes
from harness.history.series import Entry, Series
from reports.figures import MARKS, NOT_MEASURED, marks
from reports.history_text import change_text, short_revision
from reports.language import Words
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_folded, print_table

_BAR = 10
"""Characters of a row's place on the common scale of step times."""
_PROBLEMS = 3
"""Unreadable runs that are named; the rest is counted."""
_APPROVED = "◆"
_RANKS = {
    "step s": 0, "": 7, "ratio": 4, "final loss": 8, "true loss": 3, "SSIM": 1, "casts": 2, "MB cast": 9, "GiB": 6,
}  # fmt: skip
"""By heading of a figure, the bar's is empty: the column of the highest rank gives way first."""


def print_history(
    found: Sequence[Series],
    marked: Set[Tuple[str, str, str]],
    words: Words,
    console: Optional[Console] = None,
) -> None:
    """Print a table for each series, a row per run.

    Args:
        marked: run, case and mode of each baseline.
    """
    console = console or open_console()
    for series in found:
        console.print()
        head = series.head
        _print_heading(series.key[:3], (head.device, head.machine, head.processor), words, console)
        _print_entries(series.entries, marked, words, console)
    if not found:
        console.print(Text(words("No stored run of that kind.")))
    legend = [_APPROVED + words.colon + words("a baseline was approved from this run")]
    legend += [words(mark) + words.colon + words(text) for mark, text in MARKS.items()]
    console.print(Text(words.sentence(legend), style="dim"))


def print_changes(found: Sequence[Series], words: Words, console: Optional[Console] = None) -> None:
    """Print where step times and casts changed, the latest revision first."""
    console = console or open_console()
    every = changes(found)
    for change in every:
        console.print()
        _print_heading(change.place[:3], change.place[3:5], words, console)
        print_folded(console, Text(change_text(change, words)), 2)
    if not every:
        console.print(Text(words("No change was found.")))
    told = words("Step times change by more than their noise, emulated ones left out; shown, and no gate.")
    console.print(Text(told, style="dim"))


def print_problems(problems: Sequence[str], words: Words, console: Optional[Console] = None) -> None:
    """Print which runs could not be read."""
    console = console or open_console()
    for problem in problems[:_PROBLEMS]:
        print_folded(console, Text(words("left out: {problem}", problem=problem), style="dim"))
    if len(problems) > _PROBLEMS:
        console.print(Text(words("and {count} more", count=len(problems) - _PROBLEMS), style="dim"))


def print_left_out(count: int, words: Words, console: Optional[Console] = None) -> None:
    """Print how many figures stand for no commit."""
    if count:
        told = words("left out: {count} figures of no commit, or of changes that were not committed", count=count)
        print_folded(console or open_console(), Text(told, style="dim"))


def _print_heading(names: Sequence[str], place: Sequence[str], words: Words, console: Console) -> None:
    """Print suite, case and mode, and below them device, machine and processor, as far as they are known."""
    print_folded(console, Text("  ".join(names), style="bold"))
    told = words.comma.join(dict.fromkeys(part for part in place if part))
    if told:
        print_folded(console, Text(told, style="dim"), 2)


def _print_entries(entries: Sequence[Entry], marked: Set[Tuple[str, str, str]], words: Words, console: Console) -> None:
    """Print a row for each entry, with as many columns as the terminal is wide enough for."""
    approved = [(entry.run, entry.case, entry.mode) in marked for entry in entries]
    styles = ["bold" if is_approved else "" for is_approved in approved]
    runs = [f"{_APPROVED if found else ' '} {entry.started[:10]}" for entry, found in zip(entries, approved)]
    told = [words.comma.join(map(words, marks(entry))) if entry.step_seconds is not None else "" for entry in entries]
    columns = [Column(words("revision"), [short_revision(entry) for entry in entries], number=False)]
    columns += [
        Column(words(heading) if heading else "", list(map(text, entries)), number=bool(heading), rank=_RANKS[heading])
        for heading, text in _columns(entries).items()
    ]
    columns.append(Column(words("time"), told, number=False))
    columns = [column._replace(styles=styles) for column in columns]
    print_table(console, Column(f"  {words('run')}", runs, number=False, styles=styles), columns, words)


def _columns(entries: Sequence[Entry]) -> Dict[str, Callable[[Entry], str]]:
    """Return what each column of figures holds, by its heading."""
    times = [entry.step_seconds for entry in entries if entry.step_seconds]
    return {
        "step s": lambda entry: _shown(entry.step_seconds, ".3f"),
        "": lambda entry: _bar(entry, times),
        "ratio": lambda entry: _shown(entry.ratio, ".3f"),
        "final loss": lambda entry: _shown(entry.final_loss, ".5g"),
        "true loss": lambda entry: _shown(entry.true_loss, ".5g"),
        "SSIM": lambda entry: _shown(entry.ssim, ".4f"),
        "casts": lambda entry: _shown(entry.casts, "d"),
        "MB cast": lambda entry: _shown(entry.bytes_cast and entry.bytes_cast / 1e6, ".1f"),
        "GiB": lambda entry: _shown(entry.peak_memory_bytes and entry.peak_memory_bytes / 2**30, ".2f"),
    }


def _shown(value: Optional[float], form: str) -> str:
    return NOT_MEASURED if value is None else format(value, form)


def _bar(entry: Entry, times: List[float]) -> str:
    """Draw the run's place between the quickest and the slowest on a logarithmic scale, with its interval."""
    seconds = entry.step_seconds
    if not seconds:
        return ""
    low, high = math.log(min(times)), math.log(max(times))

    def at(value: float) -> int:
        share = (math.log(value) - low) / (high - low) if high > low else 0.5
        return min(max(round(share * (_BAR - 1)), 0), _BAR - 1)

    line = [" "] * _BAR
    for index in range(at(entry.step_low or seconds), at(entry.step_high or seconds) + 1):
        line[index] = "─"
    line[at(seconds)] = "●"
    return "".join(line)
