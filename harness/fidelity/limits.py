"""How far healthy noise may move a figure: limits from the runs of an envelope, whatever the shape of the noise."""

import math
import statistics
from typing import Sequence

MARGIN = 4.0
"""Margin of regression limits: twice, for noise is on both sides of the comparison, and twice more for luck."""
FIT_MARGIN = 2.0
"""Margin of fitness limits: a mode rounds at every op, the runs of an envelope in the picture alone."""
FLOORS = {"distance": 1e-4, "level": 0.02, "growth": 1e-4, "loss": 0.01}
"""Least limits by kind of figure: 1 - SSIM, mean of a channel in levels, relative distance of a picture on the way,
relative change of a loss. Sums in another order truncate some pixels to the next level, which moves figures by less."""


def noise_limit(values: Sequence[float], kind: str, margin: float = MARGIN) -> float:
    """Return the margin times the largest effect of noise in K runs, but no less than the floor of this kind of figure.

    A further run of the same noise exceeds the largest of K with probability 1 / (K + 1) whatever its distribution
    is; the margin makes that rarer by an amount that no K runs can tell, and the tests of healthy twins count.
    """
    return max(margin * max(values), FLOORS[kind])


def loss_limit(losses: Sequence[float]) -> float:
    """Return the noise limit of a loss's relative change, from the largest distance of log losses to their median."""
    logs = [math.log(loss) if loss > 0 else -math.inf for loss in losses]
    centre = statistics.median(logs)
    return noise_limit([abs(log - centre) if log != centre else 0.0 for log in logs], "loss")
