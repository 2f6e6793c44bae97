"""A static site of a history: an overview of all cases and modes, and a page for each case. It opens from disk."""

import hashlib
import os
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple
from urllib.parse import quote

import jinja2

from harness.errors import UsageError
from harness.history.changes import Change, Figure, changes, place
from harness.history.series import Entry, Key, Series
from harness.store.files import slug, write_atomic
from harness.store.run_folder import inside
from reports.exporter import make_folder
from reports.figures import marks
from reports.history_text import change_text, dated_revision, short_change_text, short_revision
from reports.html.templating import COLORS, environment
from reports.html.trends import sparkline, trends
from reports.language import Words
from reports.plain_text import printable

_ROWS = 100
"""Latest runs in the table of a series; the charts hold all."""


class Column(NamedTuple):
    """A figure in the table of a series."""

    field: str
    heading: str
    form: str
    scale: float = 1.0

    def value(self, entry: Entry) -> Optional[float]:
        """Return the number as it is shown; None where it was not measured."""
        found = getattr(entry, self.field)
        return None if found is None else found * self.scale


COLUMNS = (
    Column("step_seconds", "step s", ".3f"),
    Column("ratio", "ratio", ".3f"),
    Column("final_loss", "final loss", ".5g"),
    Column("true_loss", "true loss", ".5g"),
    Column("ssim", "SSIM", ".4f"),
    Column("casts", "casts", ".0f"),
    Column("bytes_cast", "MB cast", ".1f", 1e-6),
    Column("peak_memory_bytes", "GiB", ".2f", 2.0**-30),
)


def write_site(
    found: Sequence[Series], folder: Path, results: Path, marked: Set[Tuple[str, str, str]], words: Words
) -> List[Path]:
    """Write the pages, each whole or not at all, and return their paths, the overview first.

    Args:
        results: folder of runs, whose own reports are linked where they are there.
        marked: run, case and mode of each baseline.

    Raises:
        UsageError: the folder cannot be made.
    """
    make_folder(folder)
    pages = environment(words)
    last: Dict[Key, List[Change]] = {}
    for change in changes(found):
        last.setdefault(change.place, []).append(change)
    cases = [(key, list(series)) for key, series in groupby(found, lambda series: series.key[:2])]
    paths = [folder / "index.html"]
    for (suite, case), series in cases:
        paths.append(folder / _page_name(suite, case))
        context = {"suite": suite, "case": case, "groups": _groups(series, last, folder, results, marked, words)}
        _write(paths[-1], pages.get_template("history_case.html.j2"), context)
    rows = [_overview_row(each, _of(each, last), words) for _, series in cases for each in series]
    _write(paths[0], pages.get_template("history.html.j2"), {"rows": rows, "runs": _run_count(found)})
    return paths


def _write(path: Path, template: jinja2.Template, context: Dict[str, Any]) -> None:
    write_atomic(path, printable(template.render(columns=COLUMNS, **context)).encode())


def _page_name(suite: str, case: str) -> str:
    """Return the file of a case's page; names that are alike once they are files have different hashes."""
    return f"{slug(f'{suite}-{case}'[:80])}-{hashlib.sha256(f'{suite} {case}'.encode()).hexdigest()[:6]}.html"


def _overview_row(series: Series, found: Sequence[Change], words: Words) -> Dict[str, Any]:
    return {
        "head": series.head,
        "page": quote(_page_name(series.head.suite, series.head.case)),
        "spark": sparkline(series, 0, words),
        "runs": len(series.entries),
        "marks": marks(series.head) if series.head.step_seconds else [],
        "revision": dated_revision(series.head),
        "change": short_change_text(found[0], words) if found else "",
        "changed": found[0].after.committed if found else "",
    }


def _of(series: Series, last: Dict[Key, List[Change]]) -> List[Change]:
    """Return what changed in a series, the latest first."""
    figures: Tuple[Figure, ...] = ("step time", "casts")
    found = [change for figure in figures for change in last.get(place(figure, series.head), [])]
    return sorted(found, key=lambda change: change.after.committed, reverse=True)


def _groups(
    found: Sequence[Series],
    last: Dict[Key, List[Change]],
    folder: Path,
    results: Path,
    marked: Set[Tuple[str, str, str]],
    words: Words,
) -> List[Dict[str, Any]]:
    """Return what a case's page shows of each device and machine."""
    colors = {mode: index % COLORS for index, mode in enumerate(dict.fromkeys(series.head.mode for series in found))}
    by_place = sorted(found, key=lambda series: series.key[3:5])
    groups = []
    for (device, machine), series in groupby(by_place, lambda series: series.key[3:5]):
        members = list(series)
        groups.append(
            {
                "device": device,
                "machine": machine,
                "processor": members[-1].head.processor,
                "colors": colors,
                "trends": trends(members, colors, words),
                "changes": [
                    (each.head.mode, change_text(change, words)) for each in members for change in _of(each, last)
                ],
                "tables": [_rows(each, folder, results, marked) for each in members],
            }
        )
    return groups


def _rows(series: Series, folder: Path, results: Path, marked: Set[Tuple[str, str, str]]) -> Dict[str, Any]:
    rows = [
        {
            "entry": entry,
            "revision": short_revision(entry),
            "report": _report(entry, folder, results),
            "marks": marks(entry) if entry.step_seconds else [],
            "approved": (entry.run, entry.case, entry.mode) in marked,
        }
        for entry in series.entries[: -_ROWS - 1 : -1]
    ]
    return {"mode": series.head.mode, "rows": rows, "more": len(series.entries) - len(rows)}


def _report(entry: Entry, folder: Path, results: Path) -> str:
    """Return the link from a page to the run's own report; empty where that is not there."""
    try:
        return quote(os.path.relpath(str(inside(results, f"{entry.run}/report.html")), os.path.realpath(str(folder))))
    except (UsageError, ValueError):
        return ""


def _run_count(found: Sequence[Series]) -> int:
    return len({entry.run for series in found for entry in series.entries})
