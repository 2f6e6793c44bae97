"""The stored trajectory that both TensorFlows must reproduce.

To write it anew after a change of the mathematics:

    python -m tests.model.make_trajectory
"""

import json
import os

import numpy as np
import tensorflow.compat.v1 as tf

from model import losses, stylization, vgg
from model.settings import StyleSettings
from tests.model import training
from tests.model.numpy_model import picture

PATH = os.path.join(os.path.dirname(__file__), "trajectory.json")


def loss_rows(dtype, updates):
    """Loss rows of the first updates from a blend of content and noise, all terms of the loss in play."""
    network = vgg.load("synthetic-narrow")
    settings = StyleSettings(content_weight_blend=0.7, style_weight=0.01, style_blend_weights=(3, 1))
    content, styles = picture(37, 45, seed=1), [picture(40, 56, seed=2), picture(33, 48, seed=3)]
    step = stylization.step_graph(
        training.start(content, network, noise_blend=0.8),
        training.targets(content, styles, network, settings, dtype),
        network,
        settings,
        dtype,
    )
    return training.train(step, updates)[0]


def main():
    trajectory = {
        "made_by": {"tensorflow": tf.__version__, "numpy": np.__version__},
        "losses": losses.LOSSES,
        "float64": loss_rows(tf.float64, 10).tolist(),
        "float32_first": loss_rows(tf.float32, 1)[0].tolist(),
    }
    with open(PATH, "w") as file:
        json.dump(trajectory, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
