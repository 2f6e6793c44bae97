"""Where a figure changed from one revision to the next; shown, and never a gate.

Step times change by the noise that they have, within one series, which is of one machine key; emulated and unsteady
ones are left out. Casts do not depend on the machine, but on the table of operators, and they are exact: any other
number is a change. A change that was mended later stays one.
"""

import math
from itertools import groupby
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from typing_extensions import Literal

from harness.history.segmentation import noise, starts, without_outliers
from harness.history.series import Entry, Key, Series, by_revision, key

Figure = Literal["step time", "casts"]
_FLOOR = 0.002
"""Standard deviation of log step times below which none is believed."""
_HALF_WIDTH = 2.0
"""Standard errors that half an interval of 95 % is about; the noise's size comes from the series itself."""
_SURE = 1.959964
"""Standard errors of a two-sided interval of 95 %."""


class Change(NamedTuple):
    """One change of one figure."""

    figure: Figure
    before: Entry
    """Of the last revision at the old level."""
    after: Entry
    """Of the first revision at the new level."""
    old: float
    """Level before: geometric mean of the step times in seconds, or number of casts."""
    new: float
    """Level after."""
    low: Optional[float] = None
    """Lower end of the 95 % interval of new / old, its place taken as known; None where the figure is exact."""
    high: Optional[float] = None
    """Upper end of the 95 % interval of new / old."""
    mended: Optional[Entry] = None
    """Of the first later revision that took back more than half of the change."""

    @property
    def ratio(self) -> Optional[float]:
        """new / old; None from 0."""
        return self.new / self.old if self.old else None

    @property
    def place(self) -> Key:
        """What changed: the key of the series; of casts, which are no machine's, without device and machine."""
        return place(self.figure, self.after)


class _Level(NamedTuple):
    """The entries from one change to the next."""

    first: Entry
    last: Entry
    mean: float
    """Of the logarithms, or the number."""
    error: float
    """Standard error of the mean."""


def place(figure: Figure, entry: Entry) -> Key:
    """Return where a figure of an entry may change: see Change.place."""
    suite, case, mode, device, machine, job = key(entry)
    return (suite, case, mode, "", "", job) if figure == "casts" else (suite, case, mode, device, machine, job)


def changes(found: Sequence[Series]) -> List[Change]:
    """Return the changes in all series, the latest revision first."""
    plans: Dict[Tuple[Key, str], List[Entry]] = {}
    for series in found:
        for entry in series.entries:
            plans.setdefault((place("casts", entry), entry.op_table), []).append(entry)
    every = [change for series in found for change in step_time_changes(series)]
    every += [change for entries in plans.values() for change in cast_changes(sorted(entries, key=by_revision))]
    return sorted(every, key=lambda change: (change.after.committed, change.place), reverse=True)


def step_time_changes(series: Series) -> List[Change]:
    """Return the changes of the step time, in order; the runs of one revision count as one."""
    timed = [entry for entry in series.entries if entry.step_seconds and not entry.emulated and entry.steady]
    points = [_point(list(entries)) for _, entries in groupby(timed, lambda entry: entry.version)]
    if not points:
        return []
    values = np.array([value for _, value, _ in points])
    variances = noise(values, np.array([error for _, _, error in points]), _FLOOR)
    values = without_outliers(values, variances)
    levels = []
    bounds = [*starts(values, variances), len(points)]
    for start, end in zip(bounds, bounds[1:]):
        weights = 1 / variances[start:end]
        mean = float(np.average(values[start:end], weights=weights))
        levels.append(_Level(points[start][0][0], points[end - 1][0][-1], mean, float(weights.sum() ** -0.5)))
    found = []
    for index, (old, new) in enumerate(zip(levels, levels[1:])):
        half = _SURE * (old.error**2 + new.error**2) ** 0.5
        low, high = (float(np.exp(new.mean - old.mean + sign * half)) for sign in (-1, 1))
        level = float(np.exp(old.mean)), float(np.exp(new.mean))
        mended = _mended(levels, index)
        found.append(Change("step time", old.last, new.first, *level, low, high, mended))
    return found


def cast_changes(entries: Sequence[Entry]) -> List[Change]:
    """Return the changes of the number of casts that the card's dtype plan adds, of entries in order."""
    planned = [entry for entry in entries if entry.casts is not None]
    equal = [list(alike) for _, alike in groupby(planned, lambda entry: entry.casts)]
    levels = [_Level(alike[0], alike[-1], float(alike[0].casts or 0), 0.0) for alike in equal]
    return [
        Change("casts", old.last, new.first, old.mean, new.mean, mended=_mended(levels, index))
        for index, (old, new) in enumerate(zip(levels, levels[1:]))
    ]


def _point(entries: List[Entry]) -> Tuple[List[Entry], float, float]:
    """Return the runs of a revision with the mean of their log step times and its standard error, NaN if unknown."""
    logs = [math.log(entry.step_seconds or 1.0) for entry in entries]
    errors = [
        math.log(entry.step_high / entry.step_low) / (2 * _HALF_WIDTH)
        for entry in entries
        if entry.step_low and entry.step_high and entry.step_high > entry.step_low
    ]
    squares = sum(error**2 for error in errors)
    error = math.sqrt(squares / len(errors) / len(entries)) if errors else math.nan
    return entries, sum(logs) / len(logs), error


def _mended(levels: Sequence[_Level], index: int) -> Optional[Entry]:
    """Return the first entry of the first level after change `index` that lies nearer to the old level than the new."""
    old, new = levels[index], levels[index + 1]
    later = levels[index + 2 :]
    return next((level.first for level in later if (level.mean - old.mean) / (new.mean - old.mean) < 0.5), None)
