"""Where a step runs. Devices are opened in workers only: opening one imports TensorFlow."""

from typing import Any, ContextManager, Dict, Mapping, NamedTuple, Sequence, Tuple

from typing_extensions import Protocol

from harness.errors import UsageError
from harness.records import Mode, WorkerEnvironment

NAMES = ("auto", "cpu", "gpu")
"""auto: a GPU when TensorFlow sees one, else the CPU."""


class DeviceUnavailable(Exception):
    """The device cannot run this here; the message says what was looked for and what to do."""


class Prepared(NamedTuple):
    """A graph as a device runs it in a mode."""

    graph_def: Any
    emulated: bool = False
    remarks: Tuple[str, ...] = ()
    """What the card would do otherwise."""
    counters: Dict[str, str] = {}
    """By op of the plan: tensor of three counts, values saturated, values that became zero, NaN made 0."""


class Device(Protocol):
    """Runs TensorFlow graphs in a precision mode."""

    kind: str
    """`cpu` or `gpu`; results of different kinds are never compared."""

    def environment(self) -> WorkerEnvironment:
        """Describe the device and the software that drives it."""

    def prepare(
        self, graph_def: Any, fetches: Sequence[str], mode: Mode, keep: Sequence[str] = (), health: bool = False
    ) -> "Prepared":
        """Make the graph ready to run in this mode.

        Args:
            fetches: tensors and operations that will be run for; all keep their name, shape and dtype.
            keep: further ones that are no part of the job, and that the mode leaves alone.
            health: count what float16 loses.

        Raises:
            DeviceUnavailable: this device cannot run this mode.
        """

    def session(self, graph_def: Any, optimize: bool = True) -> ContextManager[Any]:
        """Open a tf.Session on a prepared graph.

        Args:
            optimize: let Grappler rewrite the graph; not worth its time for a graph that runs once.
        """

    def evaluate(self, graph_def: Any, fetches: Mapping[str, str], feeds: Mapping[str, Any]) -> Dict[str, Any]:
        """Run a prepared graph once; return a value for each name in `fetches`."""

    def matmul_tflops(self) -> Dict[str, float]:
        """Measure the matrix-product rate by dtype, in 1e12 floating-point operations per second.

        Always of float32; of bfloat16 where that is faster.
        """


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
