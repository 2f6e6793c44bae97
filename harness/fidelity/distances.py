"""How far pictures and tensors lie apart, and how far noise alone may move them: pure functions over arrays."""

import math
from typing import Optional, Sequence, Tuple

import numpy as np

from harness.records import PictureDistance, TensorError

LUMINANCE = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in the luminance (ITU-R BT.601)."""
PIXELS_PER_DEGREE = 67
"""Resolution that FLIP assumes: its authors' default, a 0.7 m wide 4K monitor seen from 0.7 m."""
SKETCH_SIZE = 16
"""Numbers in the count sketch of a tensor."""


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    """Mean structural similarity of two planes of shape (height, width), values 0 to 255."""
    return ssim_map(first, second)[0]


def ssim_map(first: np.ndarray, second: np.ndarray) -> Tuple[float, np.ndarray]:
    """Mean structural similarity of two planes of shape (height, width), values 0 to 255, and that of each pixel.

    As Wang et al. (2004) computed it: Gaussian window of 11 x 11 pixels, sigma 1.5, population covariance,
    K1 = 0.01, K2 = 0.03, data range 255. The mean leaves out the border that no whole window covers.
    """
    from skimage.metrics import structural_similarity

    # scikit-image truncates the Gaussian at 3.5 sigma, which is the 11 pixels.
    mean, of_each = structural_similarity(  # type: ignore[no-untyped-call]
        first.astype(np.float64),
        second.astype(np.float64),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    return float(mean), of_each


def luminance_distance(first: np.ndarray, second: np.ndarray) -> float:
    """1 - SSIM of the luminance of two uint8 RGB pictures, not below 0."""
    return max(1.0 - ssim(first @ LUMINANCE, second @ LUMINANCE), 0.0)


def psnr(first: np.ndarray, second: np.ndarray) -> Optional[float]:
    """Peak signal-to-noise ratio of two uint8 pictures, 10 log10(255^2 / mean square error); None for equal ones."""
    error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
    return float(10 * math.log10(255**2 / error)) if error else None


def flip(test: np.ndarray, reference: np.ndarray) -> Optional[Tuple[float, float]]:
    """Mean and 99th percentile of NVIDIA's FLIP error map of uint8 RGB pictures; None without flip-evaluator.

    Andersson et al., FLIP: A Difference Evaluator for Alternating Images (2020).
    """
    try:
        import flip_evaluator
    except ImportError:
        return None
    pictures = [picture.astype(np.float32) / 255 for picture in (reference, test)]
    error, mean, _ = flip_evaluator.evaluate(
        *pictures, "LDR", applyMagma=False, parameters={"ppd": float(PIXELS_PER_DEGREE)}
    )
    return float(mean), float(np.percentile(error, 99))


def picture_distance(test: np.ndarray, reference: np.ndarray) -> PictureDistance:
    """Compare two uint8 RGB pictures of shape (height, width, 3); raises ValueError when their shapes differ."""
    if test.shape != reference.shape:
        sizes = [f"{picture.shape[1]}x{picture.shape[0]}" for picture in (test, reference)]
        raise ValueError(f"{sizes[0]} pixels, expected {sizes[1]}")
    evaluated = flip(test, reference)
    red, green, blue = (ssim(test[..., channel], reference[..., channel]) for channel in range(3))
    levels = (test.mean(axis=(0, 1)) - reference.mean(axis=(0, 1))).tolist()
    return PictureDistance(
        ssim=1.0 - luminance_distance(test, reference),
        ssim_channels=(red, green, blue),
        levels=(levels[0], levels[1], levels[2]),
        psnr=psnr(test, reference),
        flip_mean=evaluated[0] if evaluated else None,
        flip_p99=evaluated[1] if evaluated else None,
    )


def furthest_channel(distance: PictureDistance) -> float:
    """1 - SSIM of the colour channel that differs most, not below 0."""
    return max(1.0 - min(distance.ssim_channels), 0.0)


def furthest_level(distance: PictureDistance) -> float:
    """Difference of the mean of the colour channel whose mean differs most, in 8-bit levels."""
    return max(map(abs, distance.levels))


def tensor_error(tensor: np.ndarray, exact: np.ndarray, scale: Optional[np.ndarray] = None) -> TensorError:
    """Compare a tensor with the exact one of the same shape, in float64; relative to the norm of `scale`, if given."""
    x, y = np.asarray(tensor, np.float64).ravel(), np.asarray(exact, np.float64).ravel()
    norms = float(np.linalg.norm(x)), float(np.linalg.norm(y))
    return TensorError(
        relative_l2=relative_l2(x, y, y if scale is None else scale),
        cosine=float(x @ y) / (norms[0] * norms[1]) if all(norms) else None,
        max_abs=float(np.max(np.abs(x - y), initial=0.0)),
    )


def relative_l2(tensor: np.ndarray, exact: np.ndarray, scale: Optional[np.ndarray] = None) -> float:
    """||x - y|| / ||y||, or over the norm of `scale`; where that is zero, 0 when x equals y, else 1."""
    difference = float(np.linalg.norm(tensor - exact))
    norm = float(np.linalg.norm(exact if scale is None else scale))
    return difference / norm if norm else float(difference > 0)


def headroom(error: float, reference_error: float, floor: float) -> float:
    """error / reference_error, both floored: rounding below the floor is not told from none."""
    return max(error, floor) / max(reference_error, floor)


def sketch(tensor: np.ndarray) -> Tuple[float, ...]:
    """Count sketch: every element, with a random sign, added to one of SKETCH_SIZE buckets in turn.

    Linear, and E ||sketch(x)||^2 = ||x||^2, so that two sketches tell how far apart their tensors lie, to a fifth or
    so, without the tensors (Charikar, Chen and Farach-Colton, 2002). The signs are frozen for all versions of NumPy.
    """
    flat = np.asarray(tensor, np.float64).ravel()
    signs = np.unpackbits(np.frombuffer(np.random.RandomState(0).bytes(flat.size // 8 + 1), np.uint8))[: flat.size]
    padded = np.zeros(-(-flat.size // SKETCH_SIZE) * SKETCH_SIZE)
    padded[: flat.size] = np.where(signs == 1, flat, -flat)
    return tuple(float(f"{value:.9g}") for value in padded.reshape(-1, SKETCH_SIZE).sum(axis=0))


def sketch_distance(first: Sequence[float], second: Sequence[float]) -> float:
    """Estimate the relative L2 distance of a tensor from a second one, from their sketches."""
    return relative_l2(np.asarray(first), np.asarray(second))
