"""Where a step runs. Devices are opened in workers only: opening one imports TensorFlow."""

from typing import Any, ContextManager, Dict, Mapping

from typing_extensions import Protocol

from harness.errors import UsageError
from harness.records import Mode, WorkerEnvironment

NAMES = ("auto", "cpu", "gpu")
"""auto: a GPU when TensorFlow sees one, else the CPU."""


class DeviceUnavailable(Exception):
    """The device cannot run this here; the message says what was looked for and what to do."""


class Device(Protocol):
    """Runs TensorFlow graphs in a precision mode."""

    kind: str
    """`cpu` or `gpu`; results of different kinds are never compared."""

    def environment(self) -> WorkerEnvironment:
        """Describe the device and the software that drives it."""

    def prepare(self, graph_def: Any, mode: Mode) -> Any:
        """Return the graph as this device runs it in this mode; raises DeviceUnavailable when it cannot."""

    def session(self, graph_def: Any, optimize: bool = True) -> ContextManager[Any]:
        """Open a tf.Session on a prepared graph.

        Args:
            optimize: let Grappler rewrite the graph; not worth its time for a graph that runs once.
        """

    def evaluate(self, graph_def: Any, fetches: Mapping[str, str], feeds: Mapping[str, Any]) -> Dict[str, Any]:
        """Run a prepared graph once; return a value for each name in `fetches`."""

    def matmul_tflops(self) -> float:
        """Measure the float32 matrix-product rate, in 1e12 floating-point operations per second."""


def check_name(name: str) -> None:
    """Raise UsageError unless there is a device of this name."""
    if name.startswith("npu"):
        raise UsageError(f"device {name}: this version does not drive the Ascend card yet (use {', '.join(NAMES)})")
    if name not in NAMES:
        raise UsageError(f"device {name!r} is unknown (expected one of {', '.join(NAMES)})")


def open_device(name: str) -> Device:
    """Open the device of this name; raises DeviceUnavailable."""
    from harness.devices.host import HostDevice

    return HostDevice(name)
