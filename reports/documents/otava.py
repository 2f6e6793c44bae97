"""Histories for Apache Otava, which looks for change points: a CSV for each series, and the configuration of its tests.

cd DIR && OTAVA_CONFIG=otava.yaml otava analyze TEST
"""

import csv
import io
import json
from pathlib import Path
from typing import Any, Dict, List, Sequence

from harness.history.series import Entry, Series
from harness.store.files import slug, write_atomic
from reports.exporter import make_folder
from reports.plain_text import printable

_ATTRIBUTES = ("commit", "revision", "branch", "run", "machine")
"""Columns of texts; Otava filters by the one called branch."""
_FIGURES: Dict[str, int] = {
    "step_seconds": -1,
    "ratio": -1,
    "casts": -1,
    "ssim": 1,
    "final_loss": -1,
    "true_loss": -1,
    "peak_memory_bytes": -1,
}
"""Columns of figures, and 1 where a higher one is better, -1 where a lower one is."""
_OF_TIME = ("step_seconds", "ratio")


def write_otava(found: Sequence[Series], folder: Path) -> List[Path]:
    """Write the files, each whole or not at all, and return their paths, the configuration last.

    Raises:
        UsageError: the folder cannot be made.
    """
    make_folder(folder)
    tests: Dict[str, Dict[str, Any]] = {}
    paths = []
    for series in found:
        rows = _rows(series)
        figures = _figures(rows)
        if not figures:
            continue
        name = slug("-".join(series.key))
        paths.append(folder / f"{name}.csv")
        write_atomic(paths[-1], _table(rows, figures))
        tests[name] = {
            "type": "csv",
            "file": paths[-1].name,
            "time_column": "time",
            "attributes": list(_ATTRIBUTES),
            "metrics": {figure: {"column": figure, "direction": _FIGURES[figure]} for figure in figures},
        }
    paths.append(folder / "otava.yaml")
    write_atomic(paths[-1], (json.dumps({"tests": tests}, indent=1) + "\n").encode())  # JSON is YAML
    return paths


def _rows(series: Series) -> List[Entry]:
    """Return the entries with a step time; all where none has one. Otava takes no row with a figure missing."""
    return [entry for entry in series.entries if entry.step_seconds is not None] or series.entries


def _figures(rows: Sequence[Entry]) -> List[str]:
    """Return the figures that every row has; emulated times are none."""
    emulated = any(entry.emulated for entry in rows)
    known = [name for name in _FIGURES if all(getattr(entry, name) is not None for entry in rows)]
    return [name for name in known if not (emulated and name in _OF_TIME)]


def _table(rows: Sequence[Entry], figures: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["time", *_ATTRIBUTES, *figures])
    for entry in rows:
        texts = [printable(getattr(entry, name) or "") for name in _ATTRIBUTES]
        table.writerow([entry.committed, *texts, *(repr(float(getattr(entry, name))) for name in figures)])
    return text.getvalue().encode()
