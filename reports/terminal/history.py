"""Step time, plan figures and SSIM of a case over the stored runs, for a person at a terminal."""

import json
import math
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from rich.console import Console
from rich.text import Text

from harness.errors import UsageError
from harness.records import Run, Summary
from reports.figures import MARKS, NOT_MEASURED, marks
from reports.language import Words
from reports.stored_run import Evidence
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_table

_BAR = 14
"""Characters of a row's place on the common scale of step times."""
_PROBLEMS = 3
"""Unreadable runs that are named; the rest is counted."""
_APPROVED = "◆"
_ELSEWHERE = "elsewhere"
_LEGEND = {_ELSEWHERE: "another machine, step times do not compare", **MARKS}


class Entry(NamedTuple):
    """One run's figures of one case and mode."""

    run: Run
    summary: Optional[Summary]
    casts: Optional[int]
    bytes_cast: Optional[int]
    ssim: Optional[float]
    """To the reference mode of the same run."""
    approved: bool
    """A stored baseline was made from this run."""


def stored_runs(results: Path) -> Tuple[List[Run], List[str]]:
    """Return the runs below a folder, oldest first, and one line about each that cannot be read.

    Raises:
        UsageError: there is no such folder.
    """
    if not results.is_dir():
        raise UsageError(f"results {results}: no such folder (expected the one that runs are kept in; see --output)")
    runs, problems = [], []
    for record in sorted(results.glob("*/run.json")):
        try:
            runs.append(Evidence.load(record).run)
        except UsageError as error:
            problems.append(str(error))
    return sorted(runs, key=lambda run: (run.started, run.id)), problems


def approved(baselines: Path) -> Set[Tuple[str, str, str]]:
    """Return run, case and mode of every stored baseline; files that cannot be read are the gate's to complain of."""
    found = set()
    for path in baselines.glob("*/*/*.json"):
        try:
            document = json.loads(path.read_bytes())
            found.add((document["run"], document["case"], document["mode"]["name"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def histories(runs: Iterable[Run], marked: Set[Tuple[str, str, str]]) -> Dict[Tuple[str, str, str], List[Entry]]:
    """Return the entries by suite, case and mode."""
    found: Dict[Tuple[str, str, str], List[Entry]] = {}
    for run in runs:
        for case, mode in run.pairs:
            key = (case.id, mode.name)
            summary, plan, judged = run.summary_of(*key), run.plan_of(*key), run.fidelity_of(*key)
            if summary is None and plan is None and judged is None:
                continue
            distance = judged.to_reference if judged else None
            entry = Entry(
                run,
                summary,
                plan.casts if plan else None,
                plan.bytes_cast if plan else None,
                distance.ssim if distance else None,
                (run.id, *key) in marked,
            )
            found.setdefault((run.suite.name, *key), []).append(entry)
    return found


def print_history(
    runs: Sequence[Run],
    problems: Sequence[str],
    marked: Set[Tuple[str, str, str]],
    last: int,
    words: Words,
    console: Optional[Console] = None,
    suite: Optional[str] = None,
    case: Optional[str] = None,
    mode: Optional[str] = None,
) -> None:
    """Print a table per suite, case and mode that is asked for, a row per run, the latest `last` of them."""
    console = console or open_console()
    found = {
        key: entries
        for key, entries in histories(runs, marked).items()
        if all(wanted in (None, name) for wanted, name in zip((suite, case, mode), key))
    }
    for key, entries in found.items():
        console.print()
        console.print(Text("  ".join(key), style="bold"), soft_wrap=True)
        _print_entries(console, entries[-last:], words)
    if not found:
        console.print(Text(words("No stored run of that kind.")))
    legend = [_APPROVED + words.colon + words("a baseline was approved from this run")]
    legend += [words(mark) + words.colon + words(text) for mark, text in _LEGEND.items()]
    console.print(Text(words.sentence(legend), style="dim"))
    for problem in problems[:_PROBLEMS]:
        console.print(Text(words("left out: {problem}", problem=problem), style="dim"), soft_wrap=True)
    if len(problems) > _PROBLEMS:
        console.print(Text(words("and {count} more", count=len(problems) - _PROBLEMS), style="dim"))


def _print_entries(console: Console, entries: Sequence[Entry], words: Words) -> None:
    here = _machine(entries[-1].run)
    elsewhere = [_machine(entry.run) != here for entry in entries]
    styles = ["bold" if entry.approved else "dim" if away else "" for entry, away in zip(entries, elsewhere)]
    summaries = [entry.summary for entry in entries]
    seconds = [summary.step_seconds if summary else None for summary in summaries]
    times = list(filter(None, seconds))
    bars = [_bar(value, summary, times) for value, summary in zip(seconds, summaries)]
    megabytes = [entry.bytes_cast and entry.bytes_cast / 1e6 for entry in entries]
    told = [words.comma.join(map(words, _marks(summary, away))) for summary, away in zip(summaries, elsewhere)]
    started = [entry.run.started[:16].replace("T", " ") for entry in entries]
    dates = [f"{_APPROVED if entry.approved else ' '} {date}" for entry, date in zip(entries, started)]
    columns = [
        Column(words("revision"), [_revision(entry.run) for entry in entries], number=False, rank=4),
        Column(words("step s"), [_shown(value, ".3f") for value in seconds]),
        Column("", bars, number=False, rank=5),
        Column(words("casts"), [_shown(entry.casts, "d") for entry in entries], rank=2),
        Column(words("MB cast"), [_shown(value, ".1f") for value in megabytes], rank=3),
        Column("SSIM", [_shown(entry.ssim, ".4f") for entry in entries], rank=1),
        Column(words("time"), told, number=False),
    ]
    columns = [column._replace(styles=styles) for column in columns]
    print_table(console, Column(f"  {words('run')}", dates, number=False, styles=styles), columns, words)


def _machine(run: Run) -> str:
    """Return what has to be equal for step times to be compared."""
    return run.environment.machine_key or run.environment.processor


def _revision(run: Run) -> str:
    revision = run.environment.revision or NOT_MEASURED
    return revision[:7] + ("+" if revision.endswith("-dirty") else "")


def _marks(summary: Optional[Summary], elsewhere: bool) -> List[str]:
    """Return what is to be known of a step time; nothing where none was measured."""
    if summary is None or summary.step_seconds is None:
        return []
    return [*([_ELSEWHERE] if elsewhere else []), *marks(summary)]


def _shown(value: Optional[float], form: str) -> str:
    return NOT_MEASURED if value is None else format(value, form)


def _bar(seconds: Optional[float], summary: Optional[Summary], times: Sequence[float]) -> str:
    """Draw the run's place between the quickest and the slowest on a logarithmic scale, with its interval."""
    if seconds is None or summary is None:
        return ""
    low, high = math.log(min(times)), math.log(max(times))

    def place(value: float) -> int:
        share = (math.log(value) - low) / (high - low) if high > low else 0.5
        return min(max(round(share * (_BAR - 1)), 0), _BAR - 1)

    half = summary.half_width or 0.0
    line = [" "] * _BAR
    for index in range(place(seconds / (1 + half)), place(seconds * (1 + half)) + 1):
        line[index] = "─"
    line[place(seconds)] = "●"
    return "".join(line)
