"""Whether the times of a step have settled, and the step time after that: pure functions over seconds."""

import math
import statistics
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

VALUE_SECONDS = 0.1
"""Least seconds of one value: shorter steps are averaged, since a single one mostly shows the scheduler's noise."""
WINDOW = 5
"""Values in each of the two windows of the steady-state rule."""
AGREEMENT = 0.05
"""Largest relative difference that quartiles and median of the two windows may have in the steady state."""
VALUE_CAP = 30
"""Number of values after which a process that has not settled counts as never settling."""
SECONDS_CAP = 60.0
"""Seconds of steps after which no further step is made to look for a steady state."""
DRIFT_LIMIT = 0.03
"""Relative drift beyond which a timing is reported as drifting."""


class Timing(NamedTuple):
    """The step time of one process, and how far it can be trusted."""

    steady: Optional[bool] = None
    """True when a steady state was found; None when there was no step to judge."""
    warmup_steps: Optional[int] = None
    """Steps before the timed ones: the first, which compiles, and those until the steady state."""
    timed_steps: int = 0
    """Steps that step_seconds rests on."""
    step_seconds: Optional[float] = None
    """Median of the timed values, each a step's time or the mean of several."""
    drift: Optional[float] = None
    """Relative change of the median from the first to the last quarter of the timed values; None below 8 values."""


def timing(seconds: Sequence[float], per_call: int = 1) -> Timing:
    """Judge the step times of a process; without a steady state the figures rest on all steps but the first.

    Args:
        seconds: time of a step in each call after the first, in order.
        per_call: steps that one call made.
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
    """Return True when a further step may still show a steady state: none is found so far, and no cap is reached."""
    values, per_value = _values(seconds)
    if len(seconds) % per_value:
        return True  # in the middle of a value
    return steady_from(values) is None and len(values) < VALUE_CAP and sum(seconds) < SECONDS_CAP


def steady_from(values: Sequence[float]) -> Optional[int]:
    """Return the index of the first value of the steady state; None when it is not reached within VALUE_CAP values.

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
    """Return the means over consecutive steps that last VALUE_SECONDS or longer, and over how many steps each is.

    Steps at the end that fill no whole value are left out.
    """
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
