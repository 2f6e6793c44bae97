import importlib.util
import math

import numpy as np
import pytest

from harness.fidelity import distances, limits


def picture(seed=0, shape=(24, 20, 3)):
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


def test_ssim_of_one_window_is_the_published_formula():
    first, second = picture(1, (11, 11)).astype(float), picture(2, (11, 11)).astype(float)
    steps = np.arange(-5, 6)
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.5**2))
    window /= window.sum()
    means = [(window * plane).sum() for plane in (first, second)]
    covariance = np.array(
        [[(window * (x - mx) * (y - my)).sum() for y, my in zip((first, second), means)]
         for x, mx in zip((first, second), means)]
    )  # fmt: skip
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * means[0] * means[1] + c1) * (2 * covariance[0, 1] + c2)
    expected /= (means[0] ** 2 + means[1] ** 2 + c1) * (covariance[0, 0] + covariance[1, 1] + c2)
    assert distances.ssim(first, second) == pytest.approx(expected, rel=1e-9)


def test_ssim_of_flat_planes():
    dark, light = np.full((16, 16), 100.0), np.full((16, 16), 150.0)
    c1 = (0.01 * 255) ** 2
    assert distances.ssim(dark, light) == pytest.approx((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1))
    assert distances.ssim(dark, dark) == 1


def test_psnr_of_known_pairs():
    black = np.zeros((8, 8, 3), np.uint8)
    assert distances.psnr(black, black) is None
    assert distances.psnr(black + 1, black) == pytest.approx(48.1308, abs=1e-4)
    assert distances.psnr(black + 255, black) == 0


def test_a_picture_from_itself_and_from_another():
    near = distances.picture_distance(picture(), picture())
    assert (near.ssim, near.psnr, near.ssim_channels) == (1.0, None, (1.0, 1.0, 1.0))
    far = distances.picture_distance(picture(1), picture(2))
    assert far.ssim < 0.2 and 7 < far.psnr < 9
    with pytest.raises(ValueError, match="20x24 pixels, expected 20x20"):
        distances.picture_distance(picture(), picture(shape=(20, 20, 3)))


def test_without_flip_evaluator_flip_is_not_evaluated():
    evaluated = distances.picture_distance(picture(1), picture(2)).flip_mean
    if importlib.util.find_spec("flip_evaluator") is None:
        assert evaluated is None
    else:
        assert 0.1 < evaluated < 1


def test_tensor_errors():
    error = distances.tensor_error(np.array([3.0, 4.5]), np.array([3.0, 4.0]))
    assert error.relative_l2 == pytest.approx(0.1) and error.max_abs == 0.5 and 0.99 < error.cosine < 1
    assert distances.tensor_error(np.zeros(2), np.ones(2)).cosine is None
    assert distances.relative_l2(np.zeros(2), np.zeros(2)) == 0
    assert distances.relative_l2(np.ones(2), np.zeros(2)) == 1
    assert distances.headroom(1e-9, 1e-12, floor=1e-6) == 1


@pytest.mark.parametrize("distance", [1e-6, 1e-2, 0.5])
def test_sketches_tell_how_far_tensors_lie_apart(distance):
    random = np.random.RandomState(3)
    exact = random.standard_normal((1, 40, 30, 7))
    other = exact + distance * random.standard_normal(exact.shape)
    estimate = distances.sketch_distance(distances.sketch(other), distances.sketch(exact))
    assert distance / 2 < estimate < 2 * distance


@pytest.mark.parametrize("shape", ["normal", "standard_cauchy", "two peaks"])
def test_a_further_run_exceeds_the_largest_as_often_as_promised_whatever_the_shape(shape):
    random, trials, runs = np.random.RandomState(0), 4000, 12
    if shape == "two peaks":
        values = 0.01 + random.binomial(1, 0.1, (trials, runs + 1)) + 0.001 * random.rand(trials, runs + 1)
    else:
        values = 1 + np.abs(getattr(random, shape)(size=(trials, runs + 1)))
    exceeded = sum(row[-1] > limits.noise_limit(row[:-1], "distance", margin=1) for row in values)
    expected = trials / (runs + 1)
    # Five standard deviations of the binomial.
    assert abs(exceeded - expected) < 5 * math.sqrt(expected)


def test_a_limit_is_not_below_what_truncation_moves():
    assert limits.noise_limit([0.0, 1e-9, 0.0], "distance") == limits.FLOORS["distance"]
    assert limits.noise_limit([0.0, 0.01, 0.0], "distance") == limits.MARGIN * 0.01


def test_a_loss_is_held_against_how_far_noise_moved_it():
    losses = np.exp([10.0, 10.1, 9.95])
    assert limits.loss_limit(losses) == pytest.approx(limits.MARGIN * 0.1)
    assert limits.loss_limit([1e6] * 3) == limits.FLOORS["loss"]


def test_colour_has_figures_of_its_own():
    grey = np.repeat(picture()[..., :1], 3, axis=-1)
    tinted = np.clip(grey + np.array([20, 0, 0]), 0, 235).astype(np.uint8)
    found = distances.picture_distance(tinted, np.clip(grey, 0, 235))
    assert distances.furthest_channel(found) == 1 - found.ssim_channels[0] > 0
    assert distances.furthest_level(found) == pytest.approx(found.levels[0]) and found.levels[1] == 0
