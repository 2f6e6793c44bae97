"""How far two values of a fetch lie apart, and how far noise may move it: pure functions over arrays."""

from typing import Optional, Sequence, Tuple

import numpy as np

from harness.fidelity.distances import relative_l2
from harness.fidelity.limits import FIT_MARGIN
from harness.precision.number_formats import FLOAT16, FLOAT32
from harness.records.graph_check import FetchError
from harness.statistics import geometric_mean, log_interval

FLOOR = FLOAT16.ulp
"""Least limit of a fetch's distance: rounding a result itself to float16 moves it by half of this at most."""
CHAOS = 0.25
"""Distance from which on what noise does says nothing of a mode: the fetch is not the same thing any more."""
_SMALLEST = 1e-12
"""Distances are floored by this before their logarithms are taken: far below one ulp of float32."""


def fetch_error(value: np.ndarray, reference: np.ndarray) -> FetchError:
    """Compare a fetch with its reference of the same dtype."""
    x, y = np.asarray(value).ravel(), np.asarray(reference).ravel()
    if x.shape != y.shape:  # as of an op that picks what it keeps, such as Where
        return FetchError(distance=1.0, largest=0.0)
    if y.dtype.kind != "f":
        differs = x != y
        largest = float(np.max(np.abs(x.astype(np.float64) - y.astype(np.float64)), initial=0.0))
        return FetchError(distance=float(np.mean(differs)) if y.size else 0.0, largest=largest)
    x, y = x.astype(np.float64), y.astype(np.float64)
    finite = np.isfinite(x) & np.isfinite(y)
    unlike = ~finite & ~((x == y) | (np.isnan(x) & np.isnan(y)))
    x, y = x[finite], y[finite]
    norms = float(np.linalg.norm(x)), float(np.linalg.norm(y))
    return FetchError(
        distance=relative_l2(x, y),
        cosine=float(np.clip(x @ y / norms[0] / norms[1], -1, 1)) if all(norms) else None,
        largest=float(np.max(np.abs(x - y), initial=0.0)),
        not_finite=int(np.count_nonzero(unlike)),
    )


def limit(noisy: Sequence[float]) -> Optional[float]:
    """Return the largest distance that noise explains, from the distances of noisy runs; None without any.

    The margin times the largest of them, but no less than FLOOR: see harness.fidelity.limits.noise_limit.
    """
    return max(FIT_MARGIN * max(noisy), FLOOR) if noisy else None


def mean_and_interval(distances: Sequence[float]) -> Tuple[float, Optional[Tuple[float, float]]]:
    """Return the geometric mean of the distances of a sample each, and its interval over the samples.

    Without any distance the mean is 0, and there is no interval.
    """
    if not any(distances):
        return 0.0, None
    floored = [max(distance, _SMALLEST) for distance in distances]
    interval = log_interval(floored)
    # Two samples far apart leave an interval that no number holds.
    return geometric_mean(floored), None if interval is None else (interval[0], min(interval[1], 1e100))


def headroom(errors: Sequence[float], float32_errors: Sequence[float]) -> Optional[float]:
    """Return the geometric mean of error / float32's error, both floored by one ulp of float32; None without any."""
    floor = FLOAT32.ulp
    ratios = [max(one, floor) / max(other, floor) for one, other in zip(errors, float32_errors)]
    return geometric_mean(ratios) if ratios else None
