"""Opens devices, in worker processes only, since opening one imports TensorFlow."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Optional

from harness.devices.device import Device, DeviceUnavailable
from harness.devices.naming import choose_one, core_of
from harness.errors import UsageError
from harness.machine.importing import importing_tensorflow


def open_device(name: str, folder: Optional[Path] = None) -> Device:
    """Open one device for this process.

    Args:
        folder: where the card may leave files; None: a temporary one that is removed at exit.

    Raises:
        DeviceUnavailable: the device is not there, or cannot be used.
    """
    try:
        chosen = choose_one(name)
    except UsageError as error:
        raise DeviceUnavailable(str(error)) from error
    if chosen.kind == "npu":
        # Before TensorFlow starts: the driver reads the first, the proof that the card ran needs the second.
        os.environ["ASCEND_DEVICE_ID"] = str(chosen.number)
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
        with importing_tensorflow():
            from harness.devices.ascend import AscendDevice

        folder = folder or _temporary_folder()
        # The process's own, or the dump of another trial would be taken for this one's.
        os.environ["DUMP_GRAPH_PATH"] = str(folder)
        return AscendDevice(chosen, folder)
    if chosen.number is not None:
        # Before TensorFlow starts: it counts the cores that it may use, and makes as many threads.
        os.sched_setaffinity(0, {core_of(chosen.number)})
    with importing_tensorflow():
        from harness.devices.host import HostDevice

    return HostDevice(chosen.kind, chosen.name)


def _temporary_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="stylebench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
