"""Intervals over processes: pure functions over arrays."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

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


class PairedRatio(NamedTuple):
    """How much slower the second of two paired measurements is."""

    estimate: float
    """Geometric mean of second over first."""
    low: float
    high: float
    """Interval of the estimate."""
    p_slower: float
    """One-sided p-value of "the true ratio is at most `bound`"."""
    detectable: float
    """Smallest true ratio that would be found above `bound` four times in five."""
    n: int
    """Pairs."""


def paired_log_ratio(
    first: Sequence[float], second: Sequence[float], bound: float, confidence: float = 0.95
) -> PairedRatio:
    """Student t interval and test over the logarithms of second/first; one pair of processes each.

    The interval is exp(m +- t * s / sqrt(n)), m and s of the log ratios. The smallest detectable ratio is
    bound * exp((t_confidence + t_0.8) * s / sqrt(n)), the usual approximation for a power of 0.8.

    Raises:
        ValueError: fewer than two pairs, or lists of different lengths.
    """
    from scipy import stats

    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"{len(first)} and {len(second)} measurements, expected two or more pairs")
    logs = np.log(second) - np.log(first)
    n, mean, error = len(logs), float(logs.mean()), float(stats.sem(logs))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * error
    # Without any spread the test is the comparison itself.
    p_slower = float(stats.t.sf((mean - np.log(bound)) / error, n - 1)) if error > 0 else float(mean <= np.log(bound))
    needed = float(stats.t.ppf(confidence, n - 1) + stats.t.ppf(0.8, n - 1)) * error
    return PairedRatio(
        float(np.exp(mean)),
        float(np.exp(mean - half)),
        float(np.exp(mean + half)),
        p_slower,
        bound * float(np.exp(needed)),
        n,
    )


def holm(p_values: Sequence[float], alpha: float) -> List[bool]:
    """Which null hypotheses fall while the chance of any false rejection stays at most alpha (Holm 1979)."""
    rejected = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > alpha / (len(p_values) - rank):
            break
        rejected[index] = True
    return rejected


class PowerLaw(NamedTuple):
    """y proportional to x ** exponent."""

    exponent: float
    low: float
    high: float
    """Interval of the exponent."""


def power_law(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Optional[PowerLaw]:
    """Least-squares line through (log x, log y): its slope b with the interval b +- t * se(b), t at n - 2 degrees.

    Returns None below three different x, where the line leaves nothing to judge its slope by.
    """
    from scipy import stats

    if len(set(x)) < 3:
        return None
    line = stats.linregress(np.log(x), np.log(y))
    error = np.nan_to_num(line.stderr)  # of an exact line, rounding can leave the root of a negative number
    half = float(stats.t.ppf((1 + confidence) / 2, len(x) - 2) * error)
    return PowerLaw(float(line.slope), float(line.slope) - half, float(line.slope) + half)
