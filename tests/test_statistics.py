import numpy as np
import pytest
from scipy import stats

from harness.statistics import (
    geometric_mean,
    holm,
    log_interval,
    paired_log_ratio,
    power_law,
    stein_size,
    welch_log_ratio,
)


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


def test_the_interval_of_two_stages_has_the_spread_of_the_first():
    values = [1.0, 1.1, 0.95, 1.3, 0.7]
    logs = np.log(values)
    half = stats.t.ppf(0.975, 2) * logs[:3].std(ddof=1) / 5**0.5
    expected = np.exp(logs.mean() - half), np.exp(logs.mean() + half)
    assert log_interval(values, stage=3) == pytest.approx(expected)
    assert log_interval(values[:1], stage=2) is None


def test_the_size_is_the_least_whose_interval_is_narrow_enough():
    stage = [1.0, 1.02, 0.99]
    n = stein_size(stage, 0.02)
    half = stats.t.ppf(0.975, 2) * np.std(np.log(stage), ddof=1)
    assert half / n**0.5 <= np.log(1.02) < half / (n - 1) ** 0.5
    assert stein_size([1.0, 1.0], 0.02) == 2 and stein_size([1.0, 1e9], 1e-9) == 10**9


def test_the_paired_ratio_is_students_test_of_log_ratios():
    base, head = [1.0, 1.1, 0.9, 1.0], [1.1, 1.15, 1.0, 1.12]
    logs = np.log(head) - np.log(base)
    found = paired_log_ratio(base, head)
    expected = stats.ttest_1samp(logs, np.log(1.02), alternative="greater").pvalue
    assert found.p_above(1.02) == pytest.approx(expected)
    low, high = stats.t.interval(0.95, 3, loc=logs.mean(), scale=stats.sem(logs))
    assert found.interval(0.95) == pytest.approx((np.exp(low), np.exp(high)))
    assert found.n == 4 and found.detectable(1.02, 1.05, 0.025) > 1.05


def test_the_welch_ratio_is_welchs_test_of_logarithms():
    old, new = [1.0, 1.1, 0.9, 1.0], [1.1, 1.15, 1.0, 1.12, 1.3]
    found = welch_log_ratio(old, new)
    expected = stats.ttest_ind(np.log(new), np.log(old) + np.log(1.02), equal_var=False, alternative="greater")
    assert found.p_above(1.02) == pytest.approx(expected.pvalue)
    assert (found.mean, found.n) == (pytest.approx(np.log(new).mean() - np.log(old).mean()), 4)


def test_many_comparisons_at_once_are_those_one_by_one():
    base, head = np.exp(np.random.RandomState(0).normal(0, 0.1, (2, 3, 5)))
    together = paired_log_ratio(base, head)
    for index in range(3):
        alone = paired_log_ratio(base[index], head[index])
        assert alone.p_above(1.02) == pytest.approx(together.p_above(1.02)[index])
        assert alone.interval(0.95) == pytest.approx([side[index] for side in together.interval(0.95)])


@pytest.mark.parametrize("spread", [0.01, 0.015, 0.02, 0.03])
def test_the_welch_ratio_of_two_stages_errs_as_rarely_as_it_says(spread):
    """Five to ten processes a side, as many as their first five ask for; with the spread of all it errs in 3.8 %."""
    generator, bound = np.random.RandomState(6), 1.0

    def side():
        drawn = np.exp(generator.normal(0.0, spread, 10))
        return drawn[: min(stein_size(drawn[:5], 0.015), 10)]

    sides = [(side(), side()) for _ in range(3000)]
    errors = sum(bool(welch_log_ratio(*both, (5, 5)).p_above(bound) <= 0.025) for both in sides)
    assert errors <= stats.binom.ppf(0.9995, 3000, 0.025)


@pytest.mark.parametrize("second, p", [([1.1, 1.1, 1.1], 0.0), ([1.02, 1.02, 1.02], 1.0), ([1.0, 1.0, 1.0], 1.0)])
def test_without_any_spread_the_test_is_the_comparison(second, p):
    for ratio in (paired_log_ratio([1.0] * 3, second), welch_log_ratio([1.0] * 3, second)):
        assert ratio.p_above(1.02) == p
        assert ratio.interval(0.95) == pytest.approx((second[0], second[0]))


@pytest.mark.parametrize("first, second", [([1.0], [1.0]), ([], []), ([1.0, 1.0], [1.0])])
def test_too_few_measurements_are_refused(first, second):
    for ratio in (paired_log_ratio, welch_log_ratio):
        with pytest.raises(ValueError, match="expected two or more"):
            ratio(first, second)


def test_holm_rejects_as_published():
    # Holm 1979: compare the ordered p-values with alpha/4, alpha/3, ...
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert holm([0.02, 0.02], 0.05) == [True, True]
    assert holm([], 0.05) == []


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
