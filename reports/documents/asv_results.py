"""Histories as the results tree of airspeed velocity, of which `asv publish` makes graphs, regressions and a feed.

The form is of asv's developer documentation: benchmarks.json, and for each machine machine.json and a file a commit.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from harness.history.series import Entry, Series
from harness.store.files import slug, write_atomic
from reports.exporter import make_folder

_RESULTS_VERSION = 2
_BENCHMARKS_VERSION = 2
_MACHINE_VERSION = 1
_COLUMNS = ["result", "params", "version"]


class _Figure(NamedTuple):
    field: str
    name: str
    type: str
    unit: str


_FIGURES = (
    _Figure("step_seconds", "time_step", "time", "seconds"),
    _Figure("true_loss", "track_true_loss", "track", "loss"),
    _Figure("casts", "track_casts", "track", "casts"),
    _Figure("peak_memory_bytes", "peakmem_step", "peakmemory", "bytes"),
)
_Named = Dict[str, Dict[str, float]]
"""By the benchmark's name and the mode."""


def write_asv(found: Sequence[Series], folder: Path) -> Tuple[List[Path], int]:
    """Write the tree; return its files, and how many entries it cannot hold: of no commit, or of changes to one.

    Where a commit was measured several times, the last run counts; where a case or a mode's options changed, what was
    measured since. Raises UsageError when the folder cannot be made.
    """
    values: Dict[Tuple[str, str, str], _Named] = {}
    heads: Dict[Tuple[str, str, str], Entry] = {}
    entries = [entry for series in _latest_jobs(found) for entry in series.entries]
    kept = [entry for entry in entries if entry.commit and not (entry.revision or "").endswith("-dirty")]
    for entry in kept:
        place = (entry.machine, entry.device, str(entry.commit))
        heads[place] = entry
        for name, value in _values(entry).items():
            values.setdefault(place, {}).setdefault(name, {})[entry.mode] = value
    modes: Dict[str, List[str]] = {}
    for named in values.values():
        for name, by_mode in named.items():
            modes[name] = sorted({*modes.get(name, []), *by_mode})
    paths = [_written(folder / "benchmarks.json", _benchmarks(modes))]
    for machine in sorted({place[0] for place in values}):
        head = next(heads[place] for place in values if place[0] == machine)
        document = {**_machine(head), "version": _MACHINE_VERSION}
        paths.append(_written(folder / slug(machine) / "machine.json", document))
    for place, named in values.items():
        head = heads[place]
        path = folder / slug(head.machine) / f"{slug(str(head.commit))}-{_environment(head)}.json"
        paths.append(_written(path, _results(head, named, modes)))
    return paths, len(entries) - len(kept)


def _latest_jobs(found: Sequence[Series]) -> List[Series]:
    """Return of the series that differ in their jobs alone the one that was measured last."""
    latest: Dict[Tuple[str, ...], Series] = {}
    for series in found:
        other = latest.get(series.key[:5])
        if other is None or other.head.started < series.head.started:
            latest[series.key[:5]] = series
    return list(latest.values())


def _values(entry: Entry) -> Dict[str, float]:
    """Return the figures by the names of their benchmarks; an emulated time is none."""
    found = {}
    for figure in _FIGURES:
        value = getattr(entry, figure.field)
        if value is not None and not (figure.type == "time" and entry.emulated):
            found[f"{slug(entry.suite)}.{slug(entry.case)}.{figure.name}"] = value
    return found


def _benchmarks(modes: Dict[str, List[str]]) -> Dict[str, Any]:
    figures = {figure.name: figure for figure in _FIGURES}
    found: Dict[str, Any] = {"version": _BENCHMARKS_VERSION}
    for name, names in modes.items():
        figure = figures[name.rsplit(".", 1)[1]]
        found[name] = {
            "name": name,
            "code": "",
            "param_names": ["mode"],
            "params": [list(map(repr, names))],
            "type": figure.type,
            "unit": figure.unit,
            "version": "1",
            "timeout": 60,
        }
    return found


def _machine(entry: Entry) -> Dict[str, str]:
    return {"machine": slug(entry.machine), "cpu": entry.processor, "arch": "", "num_cpu": "", "os": "", "ram": ""}


def _environment(entry: Entry) -> str:
    return slug(entry.device or "none")


def _results(head: Entry, named: _Named, modes: Dict[str, List[str]]) -> Dict[str, Any]:
    return {
        "version": _RESULTS_VERSION,
        "commit_hash": head.commit,
        "date": int(datetime.fromisoformat(head.committed).timestamp() * 1000),
        "env_name": _environment(head),
        "env_vars": {},
        "params": {**_machine(head), "device": head.device, "python": ""},
        "python": "",
        "requirements": {},
        "result_columns": _COLUMNS,
        "results": {
            name: [[by_mode.get(mode) for mode in modes[name]], [list(map(repr, modes[name]))], "1"]
            for name, by_mode in named.items()
        },
        "durations": {},
    }


def _written(path: Path, document: Dict[str, Any]) -> Path:
    make_folder(path.parent)
    write_atomic(path, (json.dumps(document, indent=1) + "\n").encode())
    return path
