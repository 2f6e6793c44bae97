"""A finished stylization, and what is needed to look at it again."""

import statistics
from typing import Any, Callable, List, NamedTuple, Sequence

import numpy as np

from harness.records import Losses, Trial
from harness.step.inputs import Pictures
from model.vgg import Network


class Job(NamedTuple):
    """A finished stylization, and what is needed to look at it again."""

    trial: Trial
    device: Any
    pictures: Pictures
    network: Network
    graph: Any
    """model.stylization.StepGraph, with its GraphDef."""
    result: np.ndarray
    """The final picture, mean pixel subtracted."""
    losses: Sequence[Losses]
    """Of the picture after 0, 1, 2 ... updates, as the mode reports them."""
    score: Callable[[Sequence[np.ndarray]], List[Losses]]
    """Losses of pictures in float32, against float32 targets."""


def medians(losses: Sequence[Losses]) -> Losses:
    """Median of each loss term."""
    return {name: statistics.median(row[name] for row in losses) for name in losses[0]}
