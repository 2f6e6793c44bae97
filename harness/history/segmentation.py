"""Where the level of a noisy series changes: pure functions over arrays.

A series is cut into segments of one level each by penalised least squares, exactly and in about linear time (PELT:
Killick, Fearnhead and Eckley 2012, Optimal detection of changepoints with a linear computational cost). Squares heed
single outliers too much, so those are drawn in before (Hampel 1974, The influence curve and its role in robust
estimation): what lies off the median of its neighbours by more than three standard deviations is moved to there.
"""

from typing import Any, List

import numpy as np

SHORTEST = 3
"""Values of a segment: fewer may be one disturbed measurement and its echo."""
PENALTY = 5.0
"""Of a further segment, times log(n): what it must save in squares, in units of the noise. Chosen by simulation: of
series without a change some one in thirty has one found, of 6 values or 200 (tests/history/test_segmentation.py)."""
_WINDOW = 5
_OUTLIER = 3.0
"""Standard deviations."""
_NORMAL = 1.4826
"""Standard deviation over median absolute value of a normal distribution."""
_CANDIDATES = 1000
"""Most starts of the last segment that are followed up; beyond it the better half is. It keeps the cost linear."""


def noise(values: Any, errors: Any, floor: float) -> Any:
    """Return the variance of each value about the level of its segment.

    Its shape is that of the errors and as much again for what wanders between measurements; its size follows from the
    median difference of neighbours, which changes of level hardly move.

    Args:
        errors: standard errors that are known of the values, up to a common factor; NaN where none is.
        floor: least standard deviation that is believed.
    """
    known = errors[~np.isnan(errors)] ** 2
    common = float(np.median(known)) if len(known) and np.median(known) > 0 else 1.0
    shape = np.where(np.isnan(errors), common, errors**2) + common
    steps = np.abs(np.diff(values)) / np.sqrt(shape[1:] + shape[:-1])
    scale = _NORMAL * float(np.median(steps)) if len(steps) else 0.0
    return np.maximum(shape * scale**2, floor**2)


def without_outliers(values: Any, variances: Any) -> Any:
    """Return the values, those that lie far off the median of their neighbours moved towards it."""
    if len(values) < _WINDOW:
        return values
    half = _WINDOW // 2
    padded = np.pad(values, half, mode="reflect")
    middle = np.median(np.stack([padded[i : i + len(values)] for i in range(_WINDOW)]), axis=0)
    reach = _OUTLIER * np.sqrt(variances)
    return np.clip(values, middle - reach, middle + reach)


def starts(values: Any, variances: Any) -> List[int]:
    """Return the index at which each segment begins; the first is 0.

    Args:
        values, variances: arrays of n values and their variances about the levels.
    """
    n = len(values)
    if n < 2 * SHORTEST:
        return [0]
    weights = 1 / variances
    centred = values - np.average(values, weights=weights)
    sums = [np.concatenate([[0.0], np.cumsum(weights * centred**power)]) for power in range(3)]
    penalty = PENALTY * np.log(n)
    best, previous = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=int)
    best[0] = -penalty
    candidates = np.empty(0, dtype=int)
    for end in range(SHORTEST, n + 1):
        candidates = np.append(candidates, end - SHORTEST)
        weight, first, second = (total[end] - total[candidates] for total in sums)
        costs = best[candidates] + second - first**2 / weight
        choice = int(np.argmin(costs))
        best[end], previous[end] = costs[choice] + penalty, candidates[choice]
        candidates = candidates[costs <= best[end]]
        if len(candidates) > _CANDIDATES:
            kept = _CANDIDATES // 2
            candidates = candidates[np.argpartition(costs[costs <= best[end]], kept)[:kept]]
    found, end = [], n
    while end > 0:
        end = int(previous[end])
        found.append(end)
    return found[::-1]
