"""Charts of figures over revisions."""

import math
from typing import Dict, List, NamedTuple, Optional, Sequence

from markupsafe import Markup

from harness.history.series import Entry, Series
from reports.figures import NOT_MEASURED
from reports.history_text import short_revision
from reports.html.charts import Curve, Scale, curves
from reports.language import Words

_NAMED = 30
"""Revisions that are named below a chart; more have numbers."""
_WIDTH, _HEIGHT = 120, 28
_POINTS = 60
"""Points of a sparkline."""


class Trend(NamedTuple):
    """A figure over the revisions, a line for each mode."""

    title: str
    drawing: Markup


class _Figure(NamedTuple):
    field: str
    title: str
    scale: float = 1.0
    complement: bool = False
    """What is drawn is 1 minus the figure."""

    def value(self, entry: Entry) -> Optional[float]:
        """Return what is drawn of an entry; None where there is nothing, and for emulated times."""
        found = getattr(entry, self.field)
        if found is None or (entry.emulated and self.field == "step_seconds"):
            return None
        value = 1 - found if self.complement else found * self.scale
        return float(value) if value > 0 else None


_FIGURES = (
    _Figure("step_seconds", "step time, s"),
    _Figure("true_loss", "true loss"),
    _Figure("ssim", "1 − SSIM", complement=True),
    _Figure("casts", "casts"),
    _Figure("peak_memory_bytes", "peak memory, GiB", 2.0**-30),
)


def trends(found: Sequence[Series], colors: Dict[str, int], words: Words) -> List[Trend]:
    """Return a chart of each figure that is there, over the revisions that any of the series has."""
    places = {(entry.committed, entry.version): entry for series in found for entry in series.entries}
    at = {key: index for index, key in enumerate(sorted(places))}
    names = [short_revision(places[key]) for key in sorted(places)] if len(places) <= _NAMED else None
    drawn = []
    for figure in _FIGURES:
        lines = []
        for series in found:
            values = [(at[entry.committed, entry.version], figure.value(entry)) for entry in series.entries]
            points = [(float(x), value) for x, value in values if value is not None]
            if points:
                mode = series.head.mode
                lines.append(Curve(mode, colors[mode], points))
        if lines:
            title = words(figure.title)
            drawn.append(Trend(title, curves(lines, title, words("revision"), title, names)))
    return drawn


def sparkline(series: Series, color: int, words: Words) -> Markup:
    """Draw the step times of a series as a line without axes; a dash where none was timed or all are emulated."""
    times = [entry.step_seconds for entry in series.entries if entry.step_seconds and not entry.emulated]
    if not times:
        return Markup(NOT_MEASURED)
    stride = max(1, math.ceil(len(times) / _POINTS))
    shown = times[::-1][::stride][::-1]
    x = Scale(0, max(len(shown) - 1, 1), 3, _WIDTH - 3)
    y = Scale.over(shown, _HEIGHT - 3, 3, log=True)
    points = [(x.at(index), y.at(value)) for index, value in enumerate(shown)]
    path = " ".join(f"{a},{b}" for a, b in points)
    head = '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}"><polyline class="line c{}" points="{}"/>'
    label = words("{low} to {high} s", low=f"{min(times):.3g}", high=f"{max(times):.3g}")
    dot = '<circle class="c{}" cx="{}" cy="{}" r="2.5"/></svg>'
    return Markup(head).format(_WIDTH, _HEIGHT, label, color, path) + Markup(dot).format(color, *points[-1])
