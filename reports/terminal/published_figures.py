"""The mission's job beside what was published of it."""

import json
import statistics
from pathlib import Path
from typing import Any, Dict, List, Optional

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.records import Run, Summary, TrialResult
from reports.figures import NOT_MEASURED
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console

PUBLISHED = Path(__file__).resolve().parent.parent.parent / "suites" / "published.json"
_OTHER_STEPS = "Ours after {ours} steps, published after {published}: not comparable."
_OTHER_NETWORK = "Ours with the synthetic network: its losses are not comparable with the real one's."
_LOSSES = ("content", "style", "tv", "total")


def print_published(run: Run, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print, mode by mode, our losses and step time beside the published ones, and where those come from."""
    console = console or open_console()
    published = json.loads(PUBLISHED.read_text())
    for case in run.suite.cases:
        console.print()
        console.print(_table(run, case.id, published["rows"], words))
        notes = [published["source"], *published["caveats"]]
        if case.steps != published["steps"]:
            notes.insert(0, words(_OTHER_STEPS, ours=case.steps, published=published["steps"]))
        if case.network == "synthetic":
            notes.insert(0, words(_OTHER_NETWORK))
        for note in notes:
            console.print(Text(note, style="dim"))


def _table(run: Run, case: str, rows: List[Dict[str, Any]], words: Words) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("", overflow="fold")
    for heading in (*_LOSSES, "s/step"):
        table.add_column(heading, justify="right", no_wrap=True)
    for mode in run.suite.modes:
        summary, trials = run.summary_of(case, mode.name), run.trials_of(case, mode.name)
        if summary is None:
            continue
        table.add_row(Text(mode.name, style="bold"))
        emulated = f" ({words('emulated')})" if summary.emulated else ""
        table.add_row(Text(f"  {words('ours')}{emulated}"), *_ours(summary, trials))
        for row in rows:
            if row["mode"] == mode.name:
                losses = [f"{row['losses'][name]:.6g}" for name in _LOSSES]
                table.add_row(Text(f"  {row['label']} ({row['source']})"), *losses, f"{row['step_seconds']:.4g}")
    return table


def _ours(summary: Summary, trials: List[TrialResult]) -> List[str]:
    cells = []
    for name in _LOSSES:
        found = [trial.final_losses[name] for trial in trials if trial.final_losses is not None]
        cells.append(f"{statistics.median(found):.6g}" if found else NOT_MEASURED)
    if summary.step_seconds is None:
        return [*cells, NOT_MEASURED]
    return [*cells, f"{summary.step_seconds:.4g}"]
