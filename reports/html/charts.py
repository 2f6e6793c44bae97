"""Charts as inline SVG: colours and type come from the page's style sheet, every text and mark is escaped."""

import math
from typing import List, NamedTuple, Optional, Sequence, Tuple

from markupsafe import Markup

WIDTH = 600
LEFT, RIGHT, TOP, BOTTOM = 70, 16, 24, 44
"""Margins around the plotting area, in the units of the view box."""
_ROW, _GROUP = 14, 32
"""Heights of a process's row and of its mode's heading in a strip plot."""
_POINTS = 400
"""Most points of a curve; more cannot be seen at this width."""
_LABEL, _LETTER = 16, 7
"""Height of a label, and about the width of its letters."""


class Scale(NamedTuple):
    """Maps values to positions, linearly or by their logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, log: bool = False) -> "Scale":
        """Cover the values with some room beyond them; those that have no logarithm are left out when `log`."""
        usable = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [1.0]
        low, high = min(usable), max(usable)
        if log:
            factor = max((high / low) ** 0.06, 1.05)
            return cls(low / factor, high * factor, start, end, True)
        room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
        return cls(low - room, high + room, start, end)

    def at(self, value: float) -> float:
        """Return the position of a value, rounded to a tenth."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, wanted: int = 6) -> List[float]:
        """Return round values within the scale: powers of ten, or multiples of 1, 2 or 5 times a power of ten."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            every = max(1, math.ceil((last - first + 1) / wanted))
            if last > first:
                return [10.0**power for power in range(first, last + 1, every)]
        rough = (self.high - self.low) / wanted
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
        return [step * index for index in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


class Curve(NamedTuple):
    """A line with an optional mark and its range."""

    name: str
    color: int
    points: Sequence[Tuple[float, float]]
    mark: Optional[float] = None
    """A second value, such as the true loss."""
    mark_at: float = 0.0
    """Where on the x axis that value stands."""
    band: Optional[Tuple[float, float]] = None
    """What noise alone does to that value."""
    band_name: str = ""


class Strip(NamedTuple):
    """The samples of some processes, one row each."""

    name: str
    color: int
    rows: Sequence[Sequence[float]]
    interval: Optional[Tuple[float, float, float]] = None
    """Low, middle, high."""


class Point(NamedTuple):
    """A named place in a plane."""

    name: str
    color: int
    x: float
    y: float
    hollow: bool = False


def curves(
    found: Sequence[Curve], title: str, x_label: str, y_label: str, names: Optional[Sequence[str]] = None
) -> Markup:
    """Draw lines over a linear x and a logarithmic y; `names` stand at x = 0, 1, … in place of numbers."""
    height = 300
    if names:  # they lean, and the longest decides; the name of the axis stands below them
        height += round(max(len(name) for name in names) * _LETTER * 0.85) + 10
    bottom = 300 - BOTTOM
    ys = [y for curve in found for _, y in curve.points]
    for curve in found:
        ys += [curve.mark] if curve.mark is not None else []
        ys += curve.band or ()
    x = Scale.over([x for curve in found for x, _ in curve.points], LEFT, WIDTH - RIGHT)
    y = Scale.over(ys, bottom, TOP, log=True)
    parts = [_grid_y(y), _names(x, bottom, names) if names else _grid_x(x, TOP, bottom)]
    for curve in found:
        parts.append(_curve(curve, x, y))
    parts.append(_axis_labels(height, x_label, y_label))
    return _svg(height, title, parts)


def _curve(curve: Curve, x: Scale, y: Scale) -> Markup:
    usable = [(a, b) for a, b in curve.points if b > 0 and math.isfinite(b)]
    stride = max(1, math.ceil(len(usable) / _POINTS))
    shown = usable[::stride] + (usable[-1:] if (len(usable) - 1) % stride else [])
    parts = []
    if shown:
        path = " ".join(f"{x.at(a)},{y.at(b)}" for a, b in shown)
        line = '<polyline class="line c{}" points="{}"><title>{}</title></polyline>'
        parts.append(Markup(line).format(curve.color, path, curve.name))
    if len(shown) <= 60:
        parts += [_dot(x.at(a), y.at(b), curve.color, f"{curve.name}: {a:g}, {b:.5g}", 2.5) for a, b in shown]
    end = x.at(curve.mark_at)
    if curve.band and min(curve.band) > 0:
        top, foot = y.at(max(curve.band)), y.at(min(curve.band))
        band = '<rect class="band c{}" x="{}" y="{}" width="12" height="{}"><title>{}</title></rect>'
        text = f"{curve.name}: {curve.band_name} {min(curve.band):.5g} … {max(curve.band):.5g}"
        parts.append(Markup(band).format(curve.color, end - 6, top - 1, round(foot - top, 1) + 2, text))
    if curve.mark is not None and curve.mark > 0:
        diamond = '<path class="mark c{}" d="M{} {}l6 6l-6 6l-6 -6z"><title>{}: {:.5g}</title></path>'
        parts.append(Markup(diamond).format(curve.color, end, y.at(curve.mark) - 6, curve.name, curve.mark))
    return Markup("").join(parts)


def strips(found: Sequence[Strip], title: str, x_label: str, unit: str = "") -> Markup:
    """Draw each sample as a dot, each process as a row with a tick at its median, each mode as a group of rows."""
    height = TOP + BOTTOM + sum(_GROUP + _ROW * len(strip.rows) for strip in found)
    x = Scale.over([value for strip in found for row in strip.rows for value in row], LEFT, WIDTH - RIGHT)
    parts = [_grid_x(x, TOP, height - BOTTOM)]
    top = TOP
    for strip in found:
        label = '<text class="name" x="{}" y="{}">{}</text>'
        parts.append(Markup(label).format(LEFT, top + 17, strip.name))
        if strip.interval:
            ends = [x.at(value) for value in strip.interval]
            low, middle, high = (min(max(end, LEFT), WIDTH - RIGHT) for end in ends)
            whisker = '<path class="whisker" d="M{} {}H{}M{} {}v8"><title>{:.4g}{}, {:.4g} … {:.4g}{}</title></path>'
            values = (strip.interval[1], unit, strip.interval[0], strip.interval[2], unit)
            parts.append(Markup(whisker).format(low, top + 26, high, middle, top + 22, *values))
            # An end beyond the chart is an arrow.
            arrow = '<path class="whisker" d="M{} {}l{} -4m{} 4l{} 4"/>'
            parts += [Markup(arrow).format(low, top + 26, 7, -7, 7)] if ends[0] < low else []
            parts += [Markup(arrow).format(high, top + 26, -7, 7, -7)] if ends[-1] > high else []
        top += _GROUP
        for number, row in enumerate(strip.rows, 1):
            parts.append(Markup('<text class="row end" x="{}" y="{}">#{}</text>').format(LEFT - 8, top + 10, number))
            parts += [_dot(x.at(value), top + 6, strip.color, f"#{number}: {value:.4g}{unit}", 3) for value in row]
            middle = x.at(sorted(row)[len(row) // 2]) if row else 0
            parts.append(Markup('<path class="median" d="M{} {}v10"/>').format(middle, top + 1) if row else Markup(""))
            top += _ROW
    parts.append(_axis_labels(height, x_label, ""))
    return _svg(height, title, parts)


def plane(found: Sequence[Point], title: str, x_label: str, y_label: str) -> Markup:
    """Draw named points over a linear x and a logarithmic y."""
    height = 300
    x = Scale.over([point.x for point in found], LEFT, WIDTH - RIGHT)
    y = Scale.over([point.y for point in found], height - BOTTOM, TOP + 8, log=True)
    parts = [_grid_y(y), _grid_x(x, TOP, height - BOTTOM)]
    taken: List[Tuple[float, float, float]] = []
    for point in found:
        px, py = x.at(point.x), y.at(max(point.y, y.low))
        shape = '<circle class="{} c{}" cx="{}" cy="{}" r="6"><title>{}: {:.4g}, {:.4g}</title></circle>'
        kind = "hollow" if point.hollow else "mark"
        parts.append(Markup(shape).format(kind, point.color, px, py, point.name, point.x, point.y))
        left = px > WIDTH * 0.6
        start = px - 11 - len(point.name) * _LETTER if left else px + 11
        at = _free(start, start + len(point.name) * _LETTER, py + 4, height - BOTTOM, taken)
        text = '<text class="name {}" x="{}" y="{}">{}</text>'
        parts.append(Markup(text).format("end" if left else "", px + (-11 if left else 11), at, point.name))
    parts.append(_axis_labels(height, x_label, y_label))
    return _svg(height, title, parts)


def _free(start: float, end: float, wanted: float, bottom: float, taken: List[Tuple[float, float, float]]) -> float:
    """Return the height nearest to the wanted one where a label covers no other one, and add it to `taken`."""
    steps = [0.0, *(sign * number * _LABEL for number in range(1, 12) for sign in (-1, 1))]
    heights = [wanted + step for step in steps if TOP + 10 <= wanted + step <= bottom] or [wanted]

    def is_free(height: float) -> bool:
        return all(abs(height - other) >= _LABEL or end < low or start > high for low, high, other in taken)

    at = next((height for height in heights if is_free(height)), wanted)
    taken.append((start, end, at))
    return at


def _svg(height: float, title: str, parts: Sequence[Markup]) -> Markup:
    head = '<svg viewBox="0 0 {} {}" role="img" aria-label="{}">'
    return Markup(head).format(WIDTH, height, title) + Markup("").join(parts) + Markup("</svg>")


def _dot(x: float, y: float, color: int, text: str, radius: float) -> Markup:
    dot = '<circle class="dot c{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>'
    return Markup(dot).format(color, x, y, radius, text)


def _grid_y(y: Scale) -> Markup:
    line = '<path class="grid" d="M{} {}H{}"/><text class="tick end" x="{}" y="{}">{}</text>'
    ticks = y.ticks()
    power = y.log and y.high >= 10 * y.low
    # Over a narrow range one digit tells no two of them apart.
    digits = next((n for n in range(5) if len({_number(tick, power, n) for tick in ticks}) == len(ticks)), 5)
    lines = ((y.at(tick), _number(tick, power, digits)) for tick in ticks)
    return Markup("").join(Markup(line).format(LEFT, at, WIDTH - RIGHT, LEFT - 8, at + 4, text) for at, text in lines)


def _grid_x(x: Scale, top: float, bottom: float) -> Markup:
    line = '<path class="grid" d="M{} {}V{}"/><text class="tick middle" x="{}" y="{}">{}</text>'
    ticks = ((x.at(tick), _number(tick)) for tick in x.ticks())
    return Markup("").join(Markup(line).format(at, top, bottom, at, bottom + 16, text) for at, text in ticks)


def _names(x: Scale, bottom: float, names: Sequence[str]) -> Markup:
    line = '<path class="grid" d="M{} {}V{}"/>'
    text = '<text class="tick end" transform="translate({} {}) rotate(-55)">{}</text>'
    marks = [(x.at(index), name) for index, name in enumerate(names)]
    return Markup("").join(Markup(line + text).format(at, TOP, bottom, at + 4, bottom + 14, name) for at, name in marks)


def _axis_labels(height: float, x_label: str, y_label: str) -> Markup:
    text = '<text class="axis end" x="{}" y="{}">{}</text><text class="axis" x="{}" y="{}">{}</text>'
    return Markup(text).format(WIDTH - RIGHT, height - 6, x_label, 2, TOP - 10, y_label)


def _number(value: float, power: bool = False, digits: int = 0) -> str:
    """Return a short text: 0.55, 12, 10⁸.

    Large and small values, and with `power` all, are written with a power of ten and `digits` after the point.
    """
    if value and (power or abs(value) >= 1e5 or abs(value) < 1e-3):
        mantissa, exponent = f"{value:.{digits}e}".split("e")
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"10{raised}" if float(mantissa) == 1 else f"{mantissa}·10{raised}"
    return f"{value:.6g}"
