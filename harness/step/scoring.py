"""Scores finished pictures anew in float32, and sums losses over a batch."""

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence

import numpy as np

from harness.records import Case, Losses
from harness.step.inputs import Pictures
from model import vgg

if TYPE_CHECKING:
    from harness.devices.device import Device


def score(
    device: "Device", results: Sequence[np.ndarray], pictures: Pictures, network: vgg.Network, case: Case
) -> List[Losses]:
    """Return the losses of each result in float32, against float32 targets, summed over the batch.

    Args:
        results: batches of pictures, mean pixel subtracted, each of shape (batch, height, width, 3).
    """
    from model import stylization

    shapes = [style.shape[:2] for style in pictures.styles]
    graph = stylization.score_graph(pictures.shape, shapes, network, case.settings)
    styles = {name: (style - network.mean_pixel)[None] for name, style in zip(graph.styles, pictures.styles)}
    with device.reference.session(graph.graph_def, optimize=False) as session:

        def score_one(picture: np.ndarray, content: np.ndarray) -> Dict[str, Any]:
            feeds = {graph.picture: picture[None], graph.content: (content - network.mean_pixel)[None]}
            losses: Dict[str, Any] = session.run(graph.losses, {**styles, **feeds})
            return losses

        scored = [list(map(score_one, result, pictures.contents)) for result in results]
    return [summed({name: [row[name] for row in rows] for name in rows[0]}) for rows in scored]


def summed(losses: Mapping[str, Any]) -> Losses:
    """Return the sum over the batch of each loss of a model.stylization.StepGraph."""
    return {name: float(np.sum(value, dtype=np.float64)) for name, value in losses.items()}
