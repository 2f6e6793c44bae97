"""Whether a fetch is right in a mode: no further from float32 than noise of one ulp on the inputs moves it."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

from harness.check import errors
from harness.records.fidelity import Fitness
from harness.records.graph_check import CheckedFetch, FetchError
from harness.remark import Remark, remark


def checked(
    name: str,
    values: Sequence[np.ndarray],
    float32: Sequence[np.ndarray],
    exact: Sequence[np.ndarray],
    noisy: Sequence[float],
) -> CheckedFetch:
    """Hold a fetch's values, one a sample, against float32's and float64's.

    Args:
        exact: float64 values; empty where there are none.
        noisy: distances of float32 values with noise on the inputs; empty where that was not measured.
    """
    found = [errors.fetch_error(value, reference) for value, reference in zip(values, float32)]
    of_exact = [errors.fetch_error(value, one).distance for value, one in zip(_alike(values, exact), exact)]
    of_float32 = [errors.fetch_error(value, one).distance for value, one in zip(_alike(float32, exact), exact)]
    limit = errors.limit(noisy)
    mean, interval = errors.mean_and_interval([error.distance for error in found])
    fitness, reasons = _judged(found, float32, limit, noisy)
    return CheckedFetch(
        name=name,
        errors=tuple(found),
        exact_errors=tuple(of_exact),
        headroom=errors.headroom(of_exact, of_float32),
        mean=mean,
        interval=interval,
        limit=limit,
        fitness=fitness,
        reasons=tuple(reasons),
    )


def _alike(values: Sequence[np.ndarray], exact: Sequence[np.ndarray]) -> List[np.ndarray]:
    """Return the values in the dtypes of the exact ones."""
    return [value.astype(one.dtype) for value, one in zip(values, exact)]


def _judged(
    found: Sequence[FetchError], float32: Sequence[np.ndarray], limit: Optional[float], noisy: Sequence[float]
) -> Tuple[Fitness, List[Remark]]:
    samples = len(found)
    broken = [error for error in found if error.not_finite]
    if broken:
        return "wrong", [remark("fetch_not_finite", elements=broken[0].not_finite, count=len(broken), samples=samples)]
    if not any(value.size for value in float32):
        return "not_judged", [remark("fetch_empty")]
    if not all(_has_numbers(value) for value in float32 if value.size):
        return "not_judged", [remark("fetch_not_finite_in_float32")]
    if all(error.distance == 0.0 for error in found):
        return "fit", []
    if limit is None:
        return "not_judged", [remark("fetch_noise_not_measured")]
    if not any(np.any(value) for value in float32):
        return "not_judged", [remark("fetch_zero")]
    if max(noisy) > errors.CHAOS:
        return "not_judged", [remark("fetch_chaotic", distance=max(noisy))]
    far = [error.distance for error in found if error.distance > limit]
    if not far:
        return "fit", []
    return "wrong", [remark("fetch_too_far", distance=max(far), limit=limit, count=len(far), samples=samples)]


def _has_numbers(value: np.ndarray) -> bool:
    """Say whether any element of a fetch is a number."""
    return value.dtype.kind != "f" or bool(np.any(np.isfinite(value)))


def overall(fetches: Sequence[CheckedFetch]) -> Fitness:
    """Return whether a mode is right: wrong where a fetch is, judged where all are."""
    found = {fetch.fitness for fetch in fetches}
    return next((fitness for fitness in _WORST_FIRST if fitness in found), "not_judged")


_WORST_FIRST: Tuple[Fitness, ...] = ("wrong", "not_judged", "fit")
