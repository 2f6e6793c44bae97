import numpy as np
import pytest
from scipy import stats

from harness.statistics import geometric_mean, log_interval


def test_geometric_mean_of_reciprocals_is_one():
    assert geometric_mean([0.5, 2.0, 4.0, 0.25]) == pytest.approx(1.0)


def test_the_interval_is_students_on_logarithms():
    values = [1.0, 1.1, 0.95]
    logs = np.log(values)
    low, high = stats.t.interval(0.95, 2, loc=logs.mean(), scale=logs.std(ddof=1) / 3**0.5)
    assert log_interval(values) == pytest.approx((np.exp(low), np.exp(high)))


def test_one_process_has_no_interval():
    assert log_interval([1.0]) is None


def test_the_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.RandomState(0)
    covered = 0
    for _ in range(1000):
        low, high = log_interval(np.exp(generator.normal(0.0, 0.03, size=5)))
        covered += low <= 1.0 <= high
    assert 930 <= covered <= 970  # nominal 950, standard deviation 7
