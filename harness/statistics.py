"""Intervals over processes: pure functions over arrays."""

from typing import Optional, Sequence, Tuple

import numpy as np


def geometric_mean(values: Sequence[float]) -> float:
    """Exponential of the mean logarithm; values must be positive."""
    return float(np.exp(np.mean(np.log(values))))


def log_interval(values: Sequence[float], confidence: float = 0.95) -> Optional[Tuple[float, float]]:
    """Student t interval of the geometric mean: exp(m +- t * s / sqrt(n)), m and s of the logarithms.

    One value per process, since the noise lies between processes. Returns None below two values. The t interval keeps
    its error rate at a handful of processes, where a bootstrap does not.
    """
    from scipy import stats

    if len(values) < 2:
        return None
    logs = np.log(values)
    half = stats.t.ppf((1 + confidence) / 2, len(logs) - 1) * stats.sem(logs)
    return float(np.exp(logs.mean() - half)), float(np.exp(logs.mean() + half))
