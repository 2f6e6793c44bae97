"""How far healthy noise may move a figure: limits from the runs of an envelope, whatever the shape of the noise."""

import math
import statistics
from typing import Sequence

MARGIN = 4.0
"""Of a regression limit: twice, for noise is on both sides of the comparison, and twice more for luck."""
FIT_MARGIN = 2.0
"""Of a fit picture: its mode rounds at every op, the runs of an envelope in the picture alone."""
FLOORS = {"distance": 1e-4, "level": 0.02, "growth": 1e-4, "loss": 0.01}
"""Least limits by kind of figure: 1 - SSIM, mean of a channel in levels, relative distance of a picture on the way,
relative change of a loss. Other sums of the same numbers truncate some pixels to the next level: that is less."""


def noise_limit(values: Sequence[float], kind: str, margin: float = MARGIN) -> float:
    """The margin times the largest of what noise did in K runs, and not below the floor of this kind of figure.

    A further run of the same noise exceeds the largest of K with probability 1 / (K + 1) whatever its distribution
    is; the margin makes that rarer by an amount that no K runs can tell, and the tests of healthy twins count.
    """
    return max(margin * max(values), FLOORS[kind])


def loss_limit(losses: Sequence[float]) -> float:
    """The same for the logarithm of a loss: the furthest of the runs' losses from their median."""
    logs = [math.log(loss) if loss > 0 else -math.inf for loss in losses]
    centre = statistics.median(logs)
    return noise_limit([abs(log - centre) if log != centre else 0.0 for log in logs], "loss")
