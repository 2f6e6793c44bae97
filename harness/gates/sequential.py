"""Pairs until decided: the error rates of a test that is made anew after each pair of processes.

A test at the level 0.025 that is made after each of 3 to 20 pairs errs in 9 % of comparisons, for it has eighteen
chances. It keeps its error rate when each look is made at one smaller, constant level (Pocock 1977, Group sequential
methods in the design and analysis of clinical trials; the intervals are the repeated confidence intervals of Jennison
and Turnbull 1989). The tables give that level for a known spread; here it is that of Student's t with the spread
estimated from the pairs themselves. Where the true ratio is the bound, the sequence of t statistics does not depend on
the spread at all, so that seeded draws of that sequence give the level, and the inverse of it, as closely as wanted.
"""

from functools import lru_cache
from typing import Any, Optional, Tuple

import numpy as np

Looks = Optional[Tuple[int, int]]
"""Fewest and most pairs of a comparison that is judged after each pair in between; None: judged once, at the end."""
_DRAWS = 100_000
"""Sequences of t statistics that the levels are estimated from."""


def nominal_level(alpha: float, looks: Looks) -> float:
    """Return the one-sided level for each look at which the chance of an error at any look is alpha."""
    if looks is None or looks[0] == looks[1]:
        return alpha
    smallest = _smallest_p_values(*looks)
    return float(smallest[int(alpha * (len(smallest) + 1)) - 1])


def overall_p(p: Any, looks: Looks) -> Any:
    """Return the chance that any look has a one-sided p-value as small as `p` where the true ratio is the bound.

    Arrays give arrays. The result may be held against any alpha at any look, and takes part in Holm's procedure as any
    p-value does. Beyond what the draws resolve it is the union bound, the p-value times the number of looks.
    """
    if looks is None or looks[0] == looks[1]:
        return p
    smallest = _smallest_p_values(*looks)
    share = (np.searchsorted(smallest, p, side="right") + 1) / (len(smallest) + 1)
    return np.minimum(share, np.multiply(p, looks[1] - looks[0] + 1))


@lru_cache(maxsize=None)
def _smallest_p_values(first: int, last: int) -> np.ndarray:
    """Draw the smallest one-sided p-value over all looks where the true ratio is the bound: _DRAWS, ascending."""
    from scipy import special

    generator = np.random.RandomState(0)
    total, squares = np.zeros(_DRAWS), np.zeros(_DRAWS)
    smallest = np.ones(_DRAWS)
    for n in range(1, last + 1):
        drawn = generator.standard_normal(_DRAWS)
        total += drawn
        squares += drawn**2
        if n >= first:
            # Standard error of the mean of the first n draws, from the sum and the sum of squares alone.
            error = np.sqrt((squares - total**2 / n) / (n - 1) / n)
            smallest = np.minimum(smallest, special.stdtr(n - 1, -total / n / error))
    return np.sort(smallest)
