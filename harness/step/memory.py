"""How much memory a step takes, from the pictures alone, before anything of it is built.

Measured as the largest resident size (VmHWM) of neural_style.py after two updates on square noise, one style of the
content's size, the whole network, a CPU of 2 cores; in GB:

    TensorFlow  mode                 64    128   256   512   768   batch of 3 at 256   content 64, style 1024
    2.21        float32              1.43  1.47  1.60  2.08  3.04  2.27                2.32
    2.21        allow_mix_precision              1.61  2.16
    1.15        float32                          0.88  1.79  2.79                      1.60
    1.15        allow_mix_precision                    1.84
"""

from typing import NamedTuple

from harness.step.inputs import Loaded
from model import vgg


class _Cost(NamedTuple):
    """Fitted to the figures above; the factors are over one float32 for each value that the network computes."""

    process: float
    """Bytes with TensorFlow, the whole network and hardly a pixel."""
    step: float
    """What a float32 step holds at its peak."""
    emulated_step: float
    forward: float
    """What a picture takes that only runs through the network, as styles do, once before the steps."""


_COSTS = {1: _Cost(0.65e9, 1.61, 1.66, 0.39), 2: _Cost(1.44e9, 1.13, 1.22, 0.36)}
"""By TensorFlow's major version."""


def needed_bytes(loaded: Loaded, tensorflow: int, emulated: bool, forward_only: bool = False) -> int:
    """Estimate the most memory that a process takes for a case's step on a CPU; within a quarter of what was measured.

    Args:
        tensorflow: its major version.
        emulated: the mode is rounded, or computed in a narrow format.
        forward_only: the step is planned and never made.
    """
    cost = _COSTS[tensorflow]
    height, width = loaded.pictures.shape
    pixels = height * width
    style = max((picture.shape[0] * picture.shape[1] for picture in loaded.pictures.styles), default=0)
    forward = cost.forward * max(pixels, style)
    step = (cost.emulated_step if emulated else cost.step) * pixels * loaded.case.batch
    at_peak = forward if forward_only else max(forward, step)
    return int(cost.process + 4 * values_per_pixel(loaded.network) * at_peak)


def values_per_pixel(network: vgg.Network) -> float:
    """Values that the network's layers, pools left out, compute for one pixel of a picture: 584 for VGG-19."""
    values, share = 0.0, 1.0
    for name in vgg.LAYERS:
        if name.startswith("pool"):
            share /= 4
        elif name.startswith("conv"):
            values += 2 * network.kernels[name].shape[3] * share  # and its Relu
    return values
