import numpy as np
import pytest
from scipy import stats

from harness.statistics import geometric_mean, holm, log_interval, paired_log_ratio, power_law


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


def test_the_paired_ratio_is_students_test_of_log_ratios():
    base, head = [1.0, 1.1, 0.9, 1.0], [1.1, 1.15, 1.0, 1.12]
    logs = np.log(head) - np.log(base)
    found = paired_log_ratio(base, head, bound=1.02)
    expected = stats.ttest_1samp(logs, np.log(1.02), alternative="greater").pvalue
    assert found.p_slower == pytest.approx(expected)
    assert found.estimate == pytest.approx(np.exp(logs.mean()))
    assert found.n == 4 and found.detectable > 1.02


def test_holm_rejects_as_published():
    # Holm 1979: compare the ordered p-values with alpha/4, alpha/3, ...
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert holm([0.02, 0.02], 0.05) == [True, True]
    assert holm([], 0.05) == []


@pytest.mark.parametrize("noise, power", [(0.01, 0.95), (0.03, 0.5)])
def test_false_alarms_and_power_of_five_pairs(noise, power):
    """Independent processes with this spread, no drift: 5 pairs must hold 2.5 % and find 10 % as often as stated."""
    generator = np.random.RandomState(1)
    alarms = detections = 0
    for _ in range(400):
        base, head = np.exp(generator.normal(0, noise, (2, 5)))
        alarms += paired_log_ratio(base, head, 1.02).p_slower < 0.025
        detections += paired_log_ratio(base, 1.10 * head, 1.02).p_slower < 0.025
    assert alarms <= 10
    assert detections >= power * 400


def test_a_power_law_is_a_line_through_the_logarithms():
    pixels = [1.0, 2.0, 4.0, 8.0]
    exact = power_law(pixels, [3 * size**1.5 for size in pixels])
    assert exact == pytest.approx((1.5, 1.5, 1.5))
    noisy = power_law(pixels, [1.0, 2.2, 3.9, 8.3])
    line = stats.linregress(np.log(pixels), np.log([1.0, 2.2, 3.9, 8.3]))
    half = stats.t.ppf(0.975, 2) * line.stderr
    assert noisy == pytest.approx((line.slope, line.slope - half, line.slope + half))


def test_two_sizes_make_no_power_law():
    assert power_law([1.0, 2.0, 2.0], [1.0, 2.0, 2.1]) is None
