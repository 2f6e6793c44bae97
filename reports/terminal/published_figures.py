"""The mission's job beside what was published of it."""

import json
import statistics
from pathlib import Path
from typing import Any, Dict, List, Optional

from rich.console import Console
from rich.text import Text

from harness.records import Run, Summary, TrialResult
from reports.figures import NOT_MEASURED
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_table

PUBLISHED = Path(__file__).resolve().parent.parent.parent / "suites" / "published.json"
_OTHER_STEPS = "Ours after {ours} steps, published after {published}: not comparable."
_OTHER_NETWORK = "Ours with the synthetic network: its losses are not comparable with the real one's."
_LOSSES = ("content", "style", "tv", "total")
_RANKS = (2, 3, 4, 0, 1)
"""Which of the losses and the step time give way first."""


def print_published(run: Run, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print, mode by mode, our losses and step time beside the published ones, and where those come from."""
    console = console or open_console()
    published = json.loads(PUBLISHED.read_text())
    for case in run.suite.cases:
        console.print()
        for mode in run.suite.modes:
            _print_mode(console, run, case.id, mode.name, published["rows"], words)
        notes = [published["source"], *published["caveats"]]
        if case.steps != published["steps"]:
            notes.insert(0, words(_OTHER_STEPS, ours=case.steps, published=published["steps"]))
        if case.network == "synthetic":
            notes.insert(0, words(_OTHER_NETWORK))
        for note in notes:
            console.print(Text(note, style="dim"))


def _print_mode(console: Console, run: Run, case: str, mode: str, rows: List[Dict[str, Any]], words: Words) -> None:
    """Print a mode's own figures, and beneath them those that were published of it."""
    summary, trials = run.summary_of(case, mode), run.trials_of(case, mode)
    if summary is None:
        return
    emulated = words.aside(words("emulated")) if summary.emulated else ""
    names, cells = [f"{words('ours')}{emulated}"], [_ours(summary, trials)]
    for row in rows:
        if row["mode"] == mode:
            names.append(f"{row['label']}{words.aside(row['source'])}")
            losses = [f"{row['losses'][name]:.6g}" for name in _LOSSES]
            cells.append([*losses, f"{row['step_seconds']:.4g}"])
    headings = [*map(words, _LOSSES), "s/step"]
    columns = [Column(heading, texts, rank=rank) for heading, texts, rank in zip(headings, zip(*cells), _RANKS)]
    print_table(console, Column(mode, names, number=False), columns, words)


def _ours(summary: Summary, trials: List[TrialResult]) -> List[str]:
    cells = []
    for name in _LOSSES:
        found = [trial.final_losses[name] for trial in trials if trial.final_losses is not None]
        cells.append(f"{statistics.median(found):.6g}" if found else NOT_MEASURED)
    if summary.step_seconds is None:
        return [*cells, NOT_MEASURED]
    return [*cells, f"{summary.step_seconds:.4g}"]
