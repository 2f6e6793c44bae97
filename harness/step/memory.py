"""How much memory a step takes, from the pictures alone, before anything of it is built.

Measured as the largest resident size (VmHWM) of neural_style.py after two updates on square noise, one style of the
content's size, the whole network, a CPU of 2 cores; in GB:

    TensorFlow  mode                 64    128   256   512   768   1000  batch of 3 at 256   content 64, style 1024
    2.21        float32              1.43  1.47  1.52  2.08  3.04  4.29  2.27                2.32
    2.21        allow_mix_precision              1.61  2.16
    1.15        float32                          0.80  1.79  2.79  4.53                      1.60
    1.15        allow_mix_precision                    1.84
    what the backward pass needs     0.01  0.02  0.08  0.34  0.76  1.28  0.25

The figures of 256 and 1000 in float32 are the newest; the others are of steps that held a copy or two of the
weights more, 0.05 GB each.
"""

from typing import NamedTuple

from harness.step.inputs import Loaded
from model import vgg


class _Cost(NamedTuple):
    """Fitted to the figures above; the factors are over the bytes that the backward pass needs of a picture."""

    process: float
    """Bytes with TensorFlow, the whole network and hardly a pixel."""
    step: float
    """What a float32 step holds at its peak."""
    emulated_step: float
    forward: float
    """What a picture takes that only runs through the network, as styles do, once before the steps."""


_COSTS = {1: _Cost(0.60e9, 3.00, 3.08, 0.71), 2: _Cost(1.38e9, 2.25, 2.43, 0.68)}
"""By TensorFlow's major version."""


def needed_bytes(loaded: Loaded, tensorflow: int, emulated: bool, forward_only: bool = False) -> int:
    """Estimate the most memory that a process takes for a case's step on a CPU; within 15 % of what was measured.

    Args:
        tensorflow: its major version.
        emulated: the mode is rounded, or computed in a narrow format.
        forward_only: the step is planned and never made.
    """
    cost = _COSTS[tensorflow]
    content = activation_bytes(loaded, *loaded.pictures.shape)
    styles = [activation_bytes(loaded, *style.shape[:2]) for style in loaded.pictures.styles]
    forward = cost.forward * max([content, *styles])
    step = (cost.emulated_step if emulated else cost.step) * content * loaded.case.batch
    return int(cost.process + (forward if forward_only else max(forward, step)))


def activation_bytes(loaded: Loaded, height: int, width: int) -> int:
    """Return what the backward pass of a float32 step needs of one picture's activations: 80 MiB at 256 x 256."""
    settings = loaded.case.settings
    layers = {*settings.content_layers(), *settings.style_layers()}
    return 4 * vgg.kept_values(loaded.network, height, width, layers)
