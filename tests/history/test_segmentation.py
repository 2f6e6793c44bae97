import numpy as np
import pytest

from harness.history.segmentation import SHORTEST, noise, starts, without_outliers

pytestmark = pytest.mark.any_tensorflow
UNKNOWN = np.nan


def found(values, errors=None):
    values = np.asarray(values, dtype=float)
    errors = np.full(len(values), UNKNOWN) if errors is None else errors
    variances = noise(values, errors, 0.002)
    return starts(without_outliers(values, variances), variances)


def levels(rng, *pairs):
    """Values of these levels and lengths, with a noise of 0.01."""
    return np.concatenate([level + 0.01 * rng.standard_normal(length) for level, length in pairs])


@pytest.mark.parametrize("length", [6, 20, 200])
def test_few_series_without_a_change_have_one_found(length):
    rng = np.random.default_rng(0)
    false = sum(len(found(0.02 * rng.standard_t(5, length))) > 1 for _ in range(200))
    assert false <= 12  # of 200; 6 are expected


@pytest.mark.parametrize("side", [4, 10, 100])
def test_a_change_of_five_times_the_noise_is_found_where_it_is(side):
    rng = np.random.default_rng(1)
    near = sum(
        any(abs(start - side) <= 1 for start in found(levels(rng, (0, side), (0.05, side)))[1:]) for _ in range(100)
    )
    assert near >= 80


def test_what_was_mended_is_two_changes():
    rng = np.random.default_rng(2)
    assert found(levels(rng, (0, 20), (0.1, 10), (0, 20))) == [0, 20, 30]


def test_one_disturbed_run_is_no_change():
    values = levels(np.random.default_rng(3), (0, 30))
    values[[7, 20, 29]] += 0.5
    assert found(values) == [0]


def test_values_without_any_noise_change_where_they_differ():
    assert found([0.0] * 5 + [0.1] * 5) == [0, 5]
    assert found([0.0] * 10) == [0]


def test_too_few_values_say_nothing():
    assert found([0.0] * (SHORTEST - 1) + [9.0] * SHORTEST) == [0]
    assert found([1.0]) == [0] and found([1.0, 2.0]) == [0]


def test_values_with_wide_intervals_count_less():
    errors = np.array([0.01, 0.03, UNKNOWN, 0.01])
    variances = noise(np.array([0.0, 0.01, 0.0, 0.01]), errors, 1e-6)
    assert variances[1] > variances[0] == variances[3]


def test_long_series_keep_their_changes():
    rng = np.random.default_rng(4)
    assert found(levels(rng, (0, 2500), (0.05, 2500))) == [0, 2500]
