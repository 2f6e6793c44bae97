"""When the times of a step have settled, and what they say then: pure functions over seconds."""

import math
import statistics
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

VALUE_SECONDS = 0.1
"""Least duration of one value: shorter steps are averaged, for one alone says more of the scheduler than of itself."""
WINDOW = 5
"""Values in each of the two windows of the steady-state rule."""
AGREEMENT = 0.05
"""Relative difference that the quartiles of the two windows may have."""
VALUE_CAP = 30
"""Values after which a process that has not settled never will,"""
SECONDS_CAP = 60.0
"""and seconds of steps after which no further one is made to find out."""
DRIFT_LIMIT = 0.03
"""Drift from which on it is worth a word."""


class Timing(NamedTuple):
    """What the steps of one process say of its speed."""

    steady: Optional[bool] = None
    """Whether a steady state was found; None when there was no step to judge."""
    warmup_steps: Optional[int] = None
    """Steps before the timed ones: the first, which compiles, and those until the steady state."""
    timed_steps: int = 0
    step_seconds: Optional[float] = None
    """Median of the timed values."""
    drift: Optional[float] = None
    """Relative change of the median from the first to the last quarter of the timed values; None below 8 values."""


def timing(seconds: Sequence[float], per_call: int = 1) -> Timing:
    """Judge the seconds of all steps after the first, in order, or of all calls that made `per_call` steps each.

    Without a steady state the figures rest on all of them, and `steady` says that they cannot be trusted.
    """
    values, per_value = _values(seconds)
    if not values:
        return Timing()
    start = steady_from(values)
    timed = values[start or 0 :]
    return Timing(
        steady=start is not None,
        warmup_steps=(1 + (start or 0) * per_value) * per_call,
        timed_steps=len(timed) * per_value * per_call,
        step_seconds=statistics.median(timed),
        drift=_drift(timed),
    )


def needs_more_steps(seconds: Sequence[float]) -> bool:
    """Whether another step may still show a steady state: none is found so far, and no cap is reached."""
    values, per_value = _values(seconds)
    if len(seconds) % per_value:
        return True  # in the middle of a value
    return steady_from(values) is None and len(values) < VALUE_CAP and sum(seconds) < SECONDS_CAP


def steady_from(values: Sequence[float]) -> Optional[int]:
    """Index of the first value of the steady state; None when it is not reached within VALUE_CAP values.

    Two adjacent windows slide over the values. They are steady when their first value is not above the upper Tukey
    fence of the rest (third quartile + 1.5 times the interquartile range), and when median and quartiles of the second
    window are within AGREEMENT of the first one's. The rule is pyperf's, shortened for steps that last long.
    """
    values = list(values[:VALUE_CAP])
    for start in range(len(values) - 2 * WINDOW + 1):
        first, second = values[start : start + WINDOW], values[start + WINDOW : start + 2 * WINDOW]
        low, high = np.percentile(first[1:] + second, [25, 75])
        if first[0] > high + 1.5 * (high - low):
            continue
        before, after = np.percentile([first, second], [25, 50, 75], axis=1).T
        if np.all(np.abs(after - before) <= AGREEMENT * before):
            return start
    return None


def _values(seconds: Sequence[float]) -> Tuple[List[float], int]:
    """Means of as many consecutive steps as always last VALUE_SECONDS, and how many those are; the rest is left out."""
    if not seconds:
        return [], 1
    per_value = max(math.ceil(VALUE_SECONDS / max(min(seconds), 1e-6)), 1)
    whole = len(seconds) // per_value
    return np.reshape(seconds[: whole * per_value], (whole, per_value)).mean(axis=1).tolist(), per_value


def _drift(values: Sequence[float]) -> Optional[float]:
    quarter = -(-len(values) // 4)
    if quarter < 2:
        return None
    return statistics.median(values[-quarter:]) / statistics.median(values[:quarter]) - 1
