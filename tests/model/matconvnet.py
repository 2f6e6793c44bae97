"""Write `imagenet-vgg-verydeep-19.mat`, in the layout before or after MatConvNet's DagNN change."""

import numpy as np
import scipy.io

# fmt: off
LAYER_NAMES = [
    "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1",
    "conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2",
    "conv3_1", "relu3_1", "conv3_2", "relu3_2", "conv3_3", "relu3_3", "conv3_4", "relu3_4", "pool3",
    "conv4_1", "relu4_1", "conv4_2", "relu4_2", "conv4_3", "relu4_3", "conv4_4", "relu4_4", "pool4",
    "conv5_1", "relu5_1", "conv5_2", "relu5_2", "conv5_3", "relu5_3", "conv5_4", "relu5_4",
]
# fmt: on
"""Position by position, as stored; the fully connected layers that follow are of no interest here."""

AVERAGE_IMAGE_SIDE = 224


def contents(network, layout):
    """What MATLAB would save: a dict for scipy.io.savemat."""
    average_image = np.zeros((AVERAGE_IMAGE_SIDE, AVERAGE_IMAGE_SIDE, 3)) + network.mean_pixel
    # A slope that leaves the mean alone shows a reader that takes one pixel for the average.
    average_image += np.linspace(-9, 9, AVERAGE_IMAGE_SIDE)[:, None, None]
    layers = _cell([_layer(name, network, layout) for name in LAYER_NAMES])
    if layout == "old":
        return {
            "layers": layers,
            "classes": {"name": "tench"},
            "normalization": {"averageImage": average_image, "keepAspect": 1.0},
        }
    normalization = {
        "imageSize": [224.0, 224.0, 3.0],
        "keepAspect": 1.0,
        "averageImage": network.mean_pixel.reshape(1, 1, 3),
    }
    return {"layers": layers, "meta": {"classes": {"name": "tench"}, "normalization": normalization}}


def write(path, network, layout):
    """Save the network to path."""
    scipy.io.savemat(str(path), contents(network, layout))


def _layer(name, network, layout):
    if not name.startswith("conv"):
        return {"name": name, "type": name[:4]} if layout == "new" else {"type": name[:4], "name": name}
    # Layers past relu5_2 are in the file, but in no network of ours.
    kernel = network.kernels.get(name, np.zeros((3, 3, 1, 1), np.float32))
    bias = network.biases.get(name, np.zeros(1, np.float32))
    width_first = kernel.transpose(1, 0, 2, 3)
    if layout == "old":
        return {"weights": _cell([width_first, bias[None]]), "pad": 1.0, "type": "conv", "name": name}
    return {"name": name, "type": "conv", "weights": _cell([width_first, bias[:, None]]), "pad": 1.0}


def _cell(values):
    cell = np.empty((1, len(values)), object)
    for position, value in enumerate(values):
        cell[0, position] = value
    return cell
