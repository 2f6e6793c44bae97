"""What every device can do, and what it says of a graph that it prepared."""

from typing import Any, ContextManager, Dict, Mapping, NamedTuple, Sequence, Tuple

from typing_extensions import Protocol

from harness.records import Mode, WorkerEnvironment
from harness.remark import Remark

GraphDef = Any
"""A tf.GraphDef: TensorFlow ships no types, and code that only passes graphs on does not import it."""
Session = Any
"""A tf.Session of TensorFlow's version 1 interface."""


class DeviceUnavailable(Exception):
    """A device is not there or cannot run what it was asked to; the message says what to do."""


class Prepared(NamedTuple):
    """A graph as a device runs it in a mode."""

    graph_def: GraphDef
    emulated: bool = False
    """True when the mode's arithmetic is reproduced in float32 storage: its step time says nothing about the card."""
    lowered: bool = False
    """True when the mode does not compute in float32 throughout, so that true losses have to be scored anew."""
    remarks: Tuple[Remark, ...] = ()
    """What the card would do in another way than this device, such as refuse to compile."""
    counters: Dict[str, str] = {}
    """Name of a tensor of three counts by op: values saturated, values that became zero, NaN made 0."""
    counts: bool = True
    """True when an op without a counter is known to lose nothing; False where losses cannot be counted."""


class Device(Protocol):
    """Runs TensorFlow graphs in a precision mode."""

    kind: str
    """Kind of the device, `cpu`, `gpu` or `npu`; results of different kinds are never compared."""
    runs_parts: bool
    """True when single parts of a graph can be run, with their inputs fed; the card would compile each of them anew."""

    def environment(self) -> WorkerEnvironment:
        """Describe the device and the software that drives it."""

    def prepare(
        self, graph_def: GraphDef, fetches: Sequence[str], mode: Mode, keep: Sequence[str] = (), health: bool = False
    ) -> "Prepared":
        """Make the graph ready to run in this mode.

        Args:
            fetches: names of the tensors and operations that will be run; all keep their name, shape and dtype.
            keep: names of further ones that are no part of the step, and that the mode leaves as they are.
            health: add counters of what float16 loses.

        Raises:
            DeviceUnavailable: this device cannot run this mode.
        """

    def session(self, graph_def: GraphDef, optimize: bool = True) -> ContextManager[Session]:
        """Open a tf.Session on a prepared graph.

        Args:
            optimize: let Grappler rewrite the graph; not worth its time for a graph that runs once.
        """

    def evaluate(self, graph_def: GraphDef, fetches: Mapping[str, str], feeds: Mapping[str, Any]) -> Dict[str, Any]:
        """Run a prepared graph once; return a value for each name in `fetches`.

        Raises:
            DeviceUnavailable: the graph did not run on this device.
        """

    @property
    def reference(self) -> "Device":
        """Device that runs graphs as they are, in float32 or float64: this one, or the host beside the card."""

    def training(self, mode: Mode) -> Any:
        """Return the model.stylization.Train of the mode: plain, or with the mode's loss scaling."""

    def loop(self, session: Session, update: str) -> Tuple[Any, int]:
        """Return what to run for the update, and how many steps one such run makes.

        Call this once for a session, after its variables are initialised. `confirm` proves that the steps are made.
        """

    def confirm(self, session: Session, fetches: Sequence[Any]) -> Tuple[Remark, ...]:
        """Run the step once more to prove that this device runs it; return remarks on what else that showed.

        Args:
            fetches: what the step is run for, with the operation that `loop` returned where it was called.

        Raises:
            DeviceUnavailable: the step did not run on this device, or made another number of steps than `loop` said.
        """

    def matmul_tflops(self) -> Dict[str, float]:
        """Measure the matrix-product rate by dtype, in 1e12 floating-point operations per second.

        The result always has float32, and bfloat16 where that is faster.
        """
