"""A case's targets in one mode: computed by the first trial that needs them, and read by the others of its run."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

import numpy as np

from harness.step.building import step_targets
from harness.step.inputs import Pictures
from harness.store.files import write_atomic
from model import vgg

if TYPE_CHECKING:
    from harness.devices.device import Device
    from harness.records import Case, Mode
    from model.losses import Targets


def shared_targets(
    path: str, case: "Case", mode: "Mode", device: "Device", pictures: Pictures, network: vgg.Network
) -> "Targets":
    """Return what harness.step.building.step_targets does.

    Args:
        path: file that holds them for this case and mode, on devices of this kind; written when it is not there.
            Empty: they are computed.
    """
    if path and os.path.exists(path):
        return _read(path)
    targets = step_targets(case, mode, device, pictures, network)
    if path:
        write_atomic(Path(path), _npz(targets))  # another device may be at it too
    return targets


def _npz(targets: "Targets") -> bytes:
    arrays: Dict[str, Any] = {
        f"{kind} {index} {layer}": array
        for kind, of_kind in zip(("contents", "styles"), targets)
        for index, layers in enumerate(of_kind)
        for layer, array in layers.items()
    }
    stored = io.BytesIO()
    # How many there are of a kind does not follow from the arrays: a content without layers has none.
    arrays.update(contents=len(targets.contents), styles=len(targets.styles))
    np.savez(stored, **arrays)
    return stored.getvalue()


def _read(path: str) -> "Targets":
    from model.losses import Targets

    found: Dict[str, List[Dict[str, np.ndarray]]] = {}
    with np.load(path) as stored:
        for kind in ("contents", "styles"):
            found[kind] = [{} for _ in range(int(stored[kind]))]
        for name in stored.files:
            if " " in name:
                kind, index, layer = name.split(" ")
                found[kind][int(index)][layer] = stored[name]
    return Targets(tuple(found["contents"]), tuple(found["styles"]))
