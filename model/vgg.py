"""VGG-19: topology, the MatConvNet weight file, the synthetic weights. Imports no TensorFlow.

Topology: Simonyan and Zisserman 2014, configuration E, without its fully connected part and cut after
relu5_2, the deepest layer that any setting of the reference program uses.
"""

import hashlib
import os
import tempfile
from typing import Dict, Iterable, NamedTuple, Tuple

import numpy as np

from model.images import MEAN_PIXEL

_BLOCK_CONVOLUTIONS = (2, 2, 4, 4, 2)
_BLOCK_WIDTHS = (64, 128, 256, 512, 512)


def _layer_names() -> Tuple[str, ...]:
    names = []
    for block, convolutions in enumerate(_BLOCK_CONVOLUTIONS, 1):
        for index in range(1, convolutions + 1):
            names += [f"conv{block}_{index}", f"relu{block}_{index}"]
        names.append(f"pool{block}")
    return tuple(names[:-1])


LAYERS = _layer_names()
"""conv1_1, relu1_1, ... relu5_2: the position in this list is the layer's position in the MatConvNet file."""
CONVOLUTIONS = tuple(name for name in LAYERS if name.startswith("conv"))

MATCONVNET_FILE = (
    "imagenet-vgg-verydeep-19.mat, the MatConvNet model file of www.vlfeat.org/matconvnet/pretrained, 534.9 MB, "
    "SHA-256 abdb57167f82a2a1fbab1e1c16ad9373411883f262a1a37ee5db2e6fb0044695"
)


BUILT_IN = ("synthetic", "synthetic-narrow")
"""Names of networks that are no files; the narrow one serves tests."""


class NetworkError(ValueError):
    """A network cannot be used; the message names the file and what was expected."""


class Network(NamedTuple):
    """Weights of VGG-19 up to relu5_2."""

    kernels: Dict[str, np.ndarray]
    """By convolution: float32 of shape (height 3, width 3, inputs, outputs)."""
    biases: Dict[str, np.ndarray]
    """By convolution: float32 of shape (outputs,)."""
    mean_pixel: np.ndarray
    """RGB on the 0..255 scale, float64 of shape (3,)."""

    def digest(self) -> str:
        """SHA-256 of every number in the network, little-endian, in the order of LAYERS."""
        sha = hashlib.sha256(self.mean_pixel.astype("<f8").tobytes())
        for name in CONVOLUTIONS:
            for values in (self.kernels[name], self.biases[name]):
                sha.update(np.ascontiguousarray(values, "<f4").data)
        return sha.hexdigest()


def load(name: str, cache: str = "") -> Network:
    """Return the network of this name: `synthetic`, `synthetic-narrow`, or the path of a MatConvNet file.

    Args:
        cache: a folder where the synthetic kernels may be kept; nothing is kept when empty.

    Raises:
        NetworkError: there is no such network, or the file is not the one expected.
    """
    if name == "synthetic":
        return _cached_synthetic(cache) if cache else synthetic()
    if name == "synthetic-narrow":
        return synthetic(divide_widths_by=8)
    return read_matconvnet(name)


def step_flop(network: Network, height: int, width: int, layers: Iterable[str], style_layers: Iterable[str]) -> int:
    """Floating-point operations of one training step on a height x width picture, two per multiply-accumulate.

    Counted are the convolutions up to the deepest of `layers`, forward and back to the picture (no kernel gradients),
    and the Gram products of `style_layers`, one forward and two back. The rest is below one percent.
    """
    deepest = max((LAYERS.index(layer) for layer in layers), default=-1)
    products, channels = 0, 3
    for name in LAYERS[: deepest + 1]:
        if name.startswith("conv"):
            channels = network.kernels[name].shape[3]
            products += 2 * network.kernels[name].size * height * width
        elif name.startswith("pool"):
            height, width = -(-height // 2), -(-width // 2)
        elif name in style_layers:
            products += 3 * channels * channels * height * width
    return 2 * products


def kept_values(network: Network, height: int, width: int, layers: Iterable[str]) -> int:
    """Values that the backward pass of a training step on a height x width picture needs of the forward pass.

    They are the outputs of the Relus and pools up to the deepest of `layers`; a convolution's are overwritten by its
    Relu.
    """
    deepest = max((LAYERS.index(layer) for layer in layers), default=-1)
    values, channels = 0, 3
    for name in LAYERS[: deepest + 1]:
        if name.startswith("conv"):
            channels = network.kernels[name].shape[3]
            continue
        if name.startswith("pool"):
            height, width = -(-height // 2), -(-width // 2)
        values += channels * height * width
    return values


# The MatConvNet file


def read_matconvnet(path: str) -> Network:
    """Read `imagenet-vgg-verydeep-19.mat`, in the layout before or after MatConvNet's DagNN change.

    Raises:
        NetworkError: the file is missing or is not that network.
    """
    import scipy.io

    def refuse(reason: str) -> NetworkError:
        return NetworkError(f"network {path}: {reason} (expected {MATCONVNET_FILE}, or the word synthetic)")

    if not os.path.isfile(path):
        raise refuse("no such file")
    try:
        data = scipy.io.loadmat(path, variable_names=["layers", "normalization", "meta"])
    except Exception as error:  # SciPy raises a dozen unrelated types on a damaged file
        raise refuse(f"not a readable MATLAB 5 file: {' '.join(str(error).split()) or type(error).__name__}") from error
    try:
        layers = data["layers"][0]
        mean_pixel = _mean_pixel(data)
        kernels, biases = {}, {}
        for position, name in enumerate(LAYERS):
            if name in CONVOLUTIONS:
                kernels[name], biases[name] = _convolution(layers[position])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise refuse(f"it does not hold the VGG-19 layers: {type(error).__name__} {error}") from error
    expected = _kernel_shapes(1)
    for name in CONVOLUTIONS:
        for part, values, shape in (
            ("kernel", kernels[name], expected[name]),
            ("bias", biases[name], expected[name][3:]),
        ):
            if values.shape != shape:
                raise refuse(f"{name} has a {part} of shape {values.shape}, expected {shape}")
    if not all(np.isfinite(kernels[name]).all() and np.isfinite(biases[name]).all() for name in CONVOLUTIONS):
        raise refuse("it holds numbers that are not finite")
    return Network(kernels, biases, mean_pixel)


def _mean_pixel(data: Dict[str, np.ndarray]) -> np.ndarray:
    if "normalization" in data:
        average_image = data["normalization"][0][0][0]
        mean = np.mean(average_image, axis=(0, 1), dtype=np.float64)
    else:
        mean = data["meta"]["normalization"][0][0][0][0][2][0][0]
    mean = np.asarray(mean, np.float64).reshape(-1)
    if mean.shape != (3,) or not np.isfinite(mean).all():
        raise ValueError(f"mean pixel of shape {mean.shape}, or not finite")
    return mean


def _convolution(layer: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    record = layer[0][0]
    # The first field holds the weights in the old layout and the layer's name in the new one.
    weights = record[0][0] if isinstance(record[0][0], np.ndarray) else record[2][0]
    kernel, bias = weights
    # MatConvNet stores kernels width first.
    return np.ascontiguousarray(np.swapaxes(kernel, 0, 1), np.float32), np.asarray(bias, np.float32).reshape(-1)


def _kernel_shapes(divide_widths_by: int) -> Dict[str, Tuple[int, int, int, int]]:
    shapes, inputs = {}, 3
    for name in CONVOLUTIONS:
        outputs = _BLOCK_WIDTHS[int(name[4]) - 1] // divide_widths_by
        shapes[name] = (3, 3, inputs, outputs)
        inputs = outputs
    return shapes


# The synthetic weights

SYNTHETIC_DIGEST = "f3d1a4fe764027dd42342e6dd1464a9d1593b1b9d4b76c94b14ffd649c0b8cd3"
_SMOOTH = 0.95
"""Share of the binomial blur in a kernel. Kernels of plain noise give speckle and a far more chaotic optimisation."""
_GAINS = {
    "relu1_1": 0.3548,
    "relu2_1": 0.9601,
    "relu3_1": 0.4441,
    "relu4_1": 0.5419,
    "relu5_1": 0.2003,
    "relu5_2": 0.09547,
}
"""Factor of every convolution up to and including that layer, back to the one before. They bring the mean activations
to those published for the real network (34, 200, 231, 791, 59, 14), so that float16 overflows where it would there."""
_BIAS_MEAN, _BIAS_SPREAD = 0.46, 0.3
"""Mean and standard deviation of a convolution's biases: those of the real network's first one, whose 64 values are
published in tutorials; of deeper ones none are."""


def synthetic(divide_widths_by: int = 1) -> Network:
    """Return random weights that are byte-identical on every machine and NumPy version.

    A kernel is a*(B x R1) + sqrt(1 - a^2)*R9 with a = 0.95, B the 3x3 binomial blur of unit norm, R1 one random number
    per input and output (variance 2/inputs), R9 one per kernel element (variance 2/(9*inputs)); biases are random too.
    Only raw PCG64 integers, whose stream NumPy guarantees, and correctly rounded arithmetic are used.
    """
    blur = np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0]) / 6.0
    gains = iter(_GAINS.items())
    until, gain = next(gains)
    kernels = {}
    for position, (name, shape) in enumerate(_kernel_shapes(divide_widths_by).items()):
        inputs = shape[2]
        bits = np.random.PCG64(position)
        smooth = _approximate_normals(bits, shape[2:]) * np.sqrt(2.0 / inputs)
        rough = _approximate_normals(bits, shape) * np.sqrt(2.0 / (9.0 * inputs))
        kernel = blur[:, :, None, None] * smooth * _SMOOTH + rough * np.sqrt(1.0 - _SMOOTH * _SMOOTH)
        kernels[name] = (kernel * gain).astype(np.float32)
        if name[4:] == until[4:]:
            until, gain = next(gains, (until, gain))
    return Network(kernels, _synthetic_biases(divide_widths_by), np.array(MEAN_PIXEL))


def _synthetic_biases(divide_widths_by: int = 1) -> Dict[str, np.ndarray]:
    """The biases by convolution, from streams of their own."""
    biases = {}
    for position, (name, shape) in enumerate(_kernel_shapes(divide_widths_by).items(), len(CONVOLUTIONS)):
        normals = _approximate_normals(np.random.PCG64(position), shape[3:])
        biases[name] = (_BIAS_MEAN + _BIAS_SPREAD * normals).astype(np.float32)
    return biases


def _approximate_normals(bits: np.random.PCG64, shape: Tuple[int, ...]) -> np.ndarray:
    """Sums of four 16-bit uniforms, shifted and scaled to mean 0 and variance 1; exact but for one multiplication."""
    raw = bits.random_raw(int(np.prod(shape))).astype("<u8").view("<u2").reshape(-1, 4)
    centred = raw.sum(axis=1, dtype=np.int64) - 2 * 65535
    normals: np.ndarray = centred.reshape(shape) / np.sqrt((65536.0**2 - 1.0) / 3.0)
    return normals


def _cached_synthetic(cache: str) -> Network:
    path = os.path.join(cache, f"synthetic-{SYNTHETIC_DIGEST[:16]}.npy")
    shapes = _kernel_shapes(1)
    mean_pixel = np.array(MEAN_PIXEL)
    try:
        # Mapped: all processes share its 80 MB, and none waits for a copy. The file is never changed in place.
        flat, start, kernels = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False)), 0, {}
        for name, shape in shapes.items():
            end = start + int(np.prod(shape))
            kernels[name], start = flat[start:end].reshape(shape), end
        network = Network(kernels, _synthetic_biases(), mean_pixel)
        if network.digest() == SYNTHETIC_DIGEST:
            return network
    except Exception:  # NumPy raises several unrelated types on a damaged file
        pass  # absent or damaged: made anew below
    network = synthetic()
    if network.digest() != SYNTHETIC_DIGEST:
        raise NetworkError(
            f"network synthetic: made {network.digest()}, expected {SYNTHETIC_DIGEST}; please report this machine"
        )
    try:
        os.makedirs(cache, exist_ok=True)
        _save_whole(path, np.concatenate([network.kernels[name].ravel() for name in shapes]))
    except OSError:
        pass  # a cache that cannot be written costs the next start a second, no more
    return network


def _save_whole(path: str, values: np.ndarray) -> None:
    """Write the array whole or not at all, and leave nothing else behind; raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.save(file, values)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
