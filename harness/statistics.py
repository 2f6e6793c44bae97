"""Intervals over processes: pure functions over arrays."""

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np


def geometric_mean(values: Sequence[float]) -> float:
    """Return the exponential of the mean logarithm; values must be positive."""
    return float(np.exp(np.mean(np.log(values))))


def log_interval(
    values: Sequence[float], confidence: float = 0.95, stage: Optional[int] = None
) -> Optional[Tuple[float, float]]:
    """Student t interval of the geometric mean: exp(m +- t * s / sqrt(n)), m and s of the logarithms.

    One value per process, since the noise lies between processes. Returns None below two values. The t interval keeps
    its error rate at a handful of processes, where a bootstrap does not.

    Args:
        stage: number of first values, from which s and the degrees of t are taken; they decided how many values there
            are (see stein_size). None: all values.
    """
    logs = np.log(values)
    if len(logs[:stage]) < 2:
        return None
    half = _quantile((1 + confidence) / 2, len(logs[:stage]) - 1) * logs[:stage].std(ddof=1) / np.sqrt(len(logs))
    return float(np.exp(logs.mean() - half)), float(np.exp(logs.mean() + half))


def half_width(low: float, high: float) -> float:
    """Return half the width of an interval of a positive quantity, relative to its geometric centre."""
    return float((high / low) ** 0.5 - 1)


def stein_size(stage: Sequence[float], half_width: float, confidence: float = 0.95) -> int:
    """Return how many values, the first stage included, have an interval of at most this relative half-width.

    The least n with t * s / sqrt(n) <= log(1 + half_width), t and s of the first stage, which has two values or more.
    Its mean says nothing of s, so that the interval with this s covers as often as it says whatever n is (Stein 1945,
    A two-sample test for a linear hypothesis whose power is independent of the variance). An interval of all values
    that is asked again after each of them until it is narrow covers less often, for a small s is what stops it.
    """
    logs = np.log(stage)
    wide = _quantile((1 + confidence) / 2, len(logs) - 1) * logs.std(ddof=1) / np.log1p(half_width)
    return max(len(logs), int(np.ceil(min(wide**2, 1e9))))


class LogRatio(NamedTuple):
    """An estimate of log(second / first) of two measurements, with its standard error and degrees of freedom.

    The fields are numbers or, for many measurements at once, arrays of one shape.
    """

    mean: Any
    error: Any
    """Standard error of the mean."""
    freedom: Any
    """Degrees of freedom of the error."""
    n: int
    """Number of pairs; of processes that are not paired, those on the side that has fewer."""

    def interval(self, confidence: float) -> Tuple[Any, Any]:
        """Return the two-sided Student t interval of the ratio: exp(mean +- t * error)."""
        half = _quantile((1 + confidence) / 2, self.freedom) * self.error
        return np.exp(self.mean - half), np.exp(self.mean + half)

    def p_above(self, bound: float) -> Any:
        """Return the one-sided p-value of "the true ratio is at most `bound`"."""
        from scipy import special

        distance = self.mean - np.log(bound)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = special.stdtr(self.freedom, -distance / self.error)
        # Without any spread the test is the comparison itself.
        return np.where(self.error > 0, p, np.where(distance > 0, 0.0, 1.0))

    def detectable(self, bound: float, limit: float, alpha: float, power: float = 0.8) -> Any:
        """Return the smallest true ratio whose interval lies above `bound` and reaches `limit` with the given power.

        The larger of bound * exp((t_alpha + t_power) * error), the usual approximation to the noncentral t, and
        limit * exp((t_power - t_alpha) * error).

        Args:
            alpha: error rate of each side of the interval.
        """
        above = _quantile(power, self.freedom) * self.error
        half = _quantile(1 - alpha, self.freedom) * self.error
        return np.maximum(bound * np.exp(above + half), limit * np.exp(above - half))


def _quantile(probability: float, freedom: Any) -> Any:
    from scipy import special

    return special.stdtrit(freedom, probability)  # scipy.stats.t.ppf, a hundred times quicker


def paired_log_ratio(first: Any, second: Any) -> LogRatio:
    """Return the mean log(second / first) over pairs of processes, with error s / sqrt(n) on n - 1 degrees.

    Args:
        first, second: positive values of shape (..., n); the last axis runs over the pairs.

    Raises:
        ValueError: fewer than two pairs, or different shapes.
    """
    shapes = np.shape(first), np.shape(second)
    if shapes[0] != shapes[1] or not shapes[0] or shapes[0][-1] < 2:
        raise ValueError(f"measurements of shapes {shapes[0]} and {shapes[1]}, expected two or more pairs")
    logs = np.log(second) - np.log(first)
    n = logs.shape[-1]
    return LogRatio(logs.mean(axis=-1), logs.std(axis=-1, ddof=1) / np.sqrt(n), n - 1, n)


def twin_log_ratio(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the median of log(second / first) over steps that two processes made in turns.

    Whatever slows the machine for seconds slows both steps of a pair, so that the median of their ratios is nearer to
    the truth than the ratio of the two medians.
    """
    count = min(len(first), len(second))
    return float(np.median(np.log(second[:count]) - np.log(first[:count])))


def welch_log_ratio(
    first: Sequence[float], second: Sequence[float], stages: Tuple[Optional[int], Optional[int]] = (None, None)
) -> LogRatio:
    """Return the log ratio of the geometric means of two independent groups of processes, whose spreads may differ.

    Error sqrt(s1^2 / n1 + s2^2 / n2) on Welch and Satterthwaite's degrees of freedom (Welch 1947).

    Args:
        stages: numbers of first processes of each side that s1 and s2 are taken from; None: all processes.

    Raises:
        ValueError: fewer than two processes on a side, or in its first stage.
    """
    logs = np.log(first), np.log(second)
    early = [side[:stage] for side, stage in zip(logs, stages)]
    if min(map(len, early)) < 2:
        raise ValueError(f"{len(early[0])} and {len(early[1])} processes, expected two or more on each side")
    parts = [part.var(ddof=1) / len(side) for part, side in zip(early, logs)]
    total = sum(parts)
    weights = sum(part**2 / (len(side) - 1) for part, side in zip(parts, early))
    freedom = total**2 / weights if weights > 0 else float(min(map(len, early)) - 1)
    return LogRatio(float(logs[1].mean() - logs[0].mean()), float(np.sqrt(total)), freedom, min(map(len, logs)))


def holm(p_values: Sequence[float], alpha: float) -> List[bool]:
    """Return which null hypotheses are rejected, with a chance of at most alpha of any false rejection (Holm 1979)."""
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
    """Lower end of the exponent's interval."""
    high: float
    """Upper end of the exponent's interval."""


def power_law(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Optional[PowerLaw]:
    """Fit a line through (log x, log y) by least squares: slope b, interval b +- t * se(b) with t at n - 2 degrees.

    Returns None below three different x, where the line leaves nothing to judge its slope by.
    """
    from scipy import stats

    if len(set(x)) < 3:
        return None
    line = stats.linregress(np.log(x), np.log(y))
    error = np.nan_to_num(line.stderr)  # of an exact line, rounding can leave the root of a negative number
    half = float(stats.t.ppf((1 + confidence) / 2, len(x) - 2) * error)
    return PowerLaw(float(line.slope), float(line.slope) - half, float(line.slope) + half)
