"""Prints one line of JSON that says of each device whether it works here."""

import json
from typing import Dict

from harness.devices.device import DeviceUnavailable
from harness.devices.opening import open_device


def _describe(name: str) -> Dict[str, object]:
    try:
        environment = open_device(name).environment()
    except DeviceUnavailable as error:
        return {"available": False, "text": str(error)}
    return {"available": True, "text": f"{environment.device} through TensorFlow {environment.tensorflow}"}


print(json.dumps({name: _describe(name) for name in ("cpu", "gpu")}))
