"""Tells the parent process in one line of JSON which of CPU and GPU work here."""

import json
from typing import Dict

from harness.devices.device import DeviceUnavailable
from harness.devices.opening import open_device
from harness.machine.child import to_parent


def _describe(name: str) -> Dict[str, object]:
    try:
        environment = open_device(name).environment()
    except DeviceUnavailable as error:
        return {"available": False, "text": str(error)}
    return {"available": True, "text": f"{environment.device} through TensorFlow {environment.tensorflow}"}


with to_parent() as parent:
    parent.write(json.dumps({name: _describe(name) for name in ("cpu", "gpu")}) + "\n")
