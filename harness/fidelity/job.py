"""A finished stylization as the fidelity probes get it."""

import statistics
from typing import Any, Callable, List, NamedTuple, Sequence

import numpy as np

from harness.records import Losses, Trial
from harness.step.inputs import Pictures
from model.vgg import Network


class Job(NamedTuple):
    """A finished stylization, and what is needed to make its steps again."""

    trial: Trial
    device: Any
    """The harness.devices.device.Device that the trial ran on."""
    pictures: Pictures
    network: Network
    graph: Any
    """model.stylization.StepGraph of the step, with its GraphDef."""
    result: np.ndarray
    """Final pictures, mean pixel subtracted, of shape (batch, height, width, 3)."""
    losses: Sequence[Losses]
    """Losses of the picture after 0, 1, 2 ... updates, as the mode reports them."""
    score: Callable[[Sequence[np.ndarray]], List[Losses]]
    """Function that returns the losses of results in float32, against float32 targets."""


def medians(losses: Sequence[Losses]) -> Losses:
    """Return the median of each loss term over the rows."""
    return {name: statistics.median(row[name] for row in losses) for name in losses[0]}
