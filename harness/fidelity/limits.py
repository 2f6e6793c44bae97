"""How far noise alone may move a figure: prediction bounds over the runs of an envelope."""

import math
from typing import Sequence

import numpy as np

from harness.fidelity.distances import RESOLUTION


def prediction_limit(values: Sequence[float], alpha: float, floor: float = RESOLUTION) -> float:
    """What a further value exceeds with probability `alpha`, given these of the same log-normal distribution.

    exp(m + t * s * sqrt(1 + 1/K)), m and s of the logarithms of the K values, t the quantile 1 - alpha of Student's
    distribution with K - 1 degrees of freedom (the prediction interval of one future observation; Hahn and Meeker,
    Statistical Intervals). Values below `floor` count as `floor`.

    Raises:
        ValueError: fewer than three values.
    """
    from scipy import stats

    if len(values) < 3:
        raise ValueError(f"{len(values)} values, expected three or more")
    logs = np.log(np.maximum(values, floor))
    spread = float(logs.std(ddof=1)) * math.sqrt(1 + 1 / len(logs))
    return float(np.exp(logs.mean() + float(stats.t.ppf(1 - alpha, len(logs) - 1)) * spread))


def change_limit(values: Sequence[float], alpha: float, floor: float) -> float:
    """Largest |log ratio| of two values of this distribution that is still noise, with probability 1 - `alpha`.

    t * s * sqrt(2) of the logarithms, two-sided; not below `floor`.
    """
    from scipy import stats

    logs = np.log(values)
    quantile = float(stats.t.ppf(1 - alpha / 2, len(logs) - 1))
    return max(quantile * float(logs.std(ddof=1)) * math.sqrt(2), floor)
