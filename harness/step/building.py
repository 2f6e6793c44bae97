"""Builds a case's training step as one graph, with targets that are computed in the mode, as on the card."""

from typing import TYPE_CHECKING, Any, Dict, List, Optional

import numpy as np

from harness.records import Case, Mode
from harness.step.inputs import Pictures
from model import vgg

if TYPE_CHECKING:
    from harness.devices.device import Device
    from model.losses import Targets
    from model.stylization import StepGraph


def step_targets(
    case: Case,
    mode: Optional[Mode],
    device: "Device",
    pictures: Pictures,
    network: vgg.Network,
    dtype: Any = np.float32,
) -> "Targets":
    """Return the case's model.losses.Targets, from graphs in this mode, as on the card.

    Args:
        mode: None: they come from plain graphs in `dtype`, on the device's reference.
    """
    from model import stylization

    def evaluate(graph: Any, picture: Any) -> Dict[str, Any]:
        graph_def = graph.graph_def
        if mode is None:
            return device.reference.evaluate(graph_def, graph.activations, {graph.picture: picture})
        graph_def = device.prepare(graph_def, list(graph.activations.values()), mode).graph_def
        return device.evaluate(graph_def, graph.activations, {graph.picture: picture})

    return stylization.compute_targets(pictures.contents, pictures.styles, network, case.settings, evaluate, dtype)


def build_step(
    case: Case,
    mode: Optional[Mode],
    device: "Device",
    pictures: Pictures,
    network: vgg.Network,
    dtype: Any = np.float32,
    targets: "Optional[Targets]" = None,
) -> "StepGraph":
    """Return the case's model.stylization.StepGraph.

    Args:
        mode: None: targets come from plain graphs in `dtype`, on the device's reference.
        dtype: of the graph that is built, whose precision no mode has changed yet.
        targets: what step_targets returns; None: computed here.
    """
    from model import stylization

    if targets is None:
        targets = step_targets(case, mode, device, pictures, network, dtype)
    train = device.training(mode) if mode is not None else stylization.train
    initial = initial_pictures(case, pictures, network)
    return stylization.step_graph(initial, targets, network, case.settings, dtype, train)


def step_fetches(graph: "StepGraph") -> List[str]:
    """Return the names of what a step is run for: the update, the losses, and the values of loss scaling."""
    return [graph.update, *graph.losses.values(), *graph.scaling.values()]


def initial_pictures(case: Case, pictures: Pictures, network: vgg.Network) -> np.ndarray:
    """Return the start of the batch, mean pixel subtracted, of shape (batch, height, width, 3).

    Picture k, from 0, has noise of the seed + k.
    """
    from model.stylization import initial_picture

    noise_blend = 1.0 if case.initial == "noise" else case.noise_blend
    starts = []
    for index, content in enumerate(pictures.contents):
        start = content if pictures.initial is None else pictures.initial
        seed = (case.seed + index) % 2**32
        starts.append(initial_picture(content, start, noise_blend, network.mean_pixel, seed))
    return np.concatenate(starts)
