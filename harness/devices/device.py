"""What every device can do, and what it says of a graph that it prepared."""

from typing import Any, ContextManager, Dict, Mapping, NamedTuple, Sequence, Tuple

from typing_extensions import Protocol

from harness.records import Mode, WorkerEnvironment
from harness.remark import Remark

GraphDef = Any
"""tf.GraphDef. TensorFlow has no types of its own, and what only passes graphs on does not import it."""
Session = Any
"""tf.Session, of TensorFlow's version 1 interface."""


class DeviceUnavailable(Exception):
    """The device cannot run this here; the message says what was looked for and what to do."""


class Prepared(NamedTuple):
    """A graph as a device runs it in a mode."""

    graph_def: GraphDef
    emulated: bool = False
    lowered: bool = False
    """The mode does not compute in float32 throughout, so that a loss has to be scored again to be true."""
    remarks: Tuple[Remark, ...] = ()
    """What the card would do otherwise."""
    counters: Dict[str, str] = {}
    """By op of the plan: tensor of three counts, values saturated, values that became zero, NaN made 0."""
    counts: bool = True
    """What is not among the counters lost nothing; False when nothing is counted."""


class Device(Protocol):
    """Runs TensorFlow graphs in a precision mode."""

    kind: str
    """`cpu`, `gpu` or `npu`; results of different kinds are never compared."""
    runs_parts: bool
    """Whether parts of a graph can be run alone, with others fed: the card would compile each of them anew."""

    def environment(self) -> WorkerEnvironment:
        """Describe the device and the software that drives it."""

    def prepare(
        self, graph_def: GraphDef, fetches: Sequence[str], mode: Mode, keep: Sequence[str] = (), health: bool = False
    ) -> "Prepared":
        """Make the graph ready to run in this mode.

        Args:
            fetches: tensors and operations that will be run for; all keep their name, shape and dtype.
            keep: further ones that are no part of the job, and that the mode leaves alone.
            health: count what float16 loses.

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
            DeviceUnavailable: it did not run on this device.
        """

    @property
    def reference(self) -> "Device":
        """Where graphs run as they are, in float32 or float64: itself, or the host beside the card."""

    def training(self, mode: Mode) -> Any:
        """Return the model.stylization.Train of the mode: plain, or with its loss scaling."""

    def loop(self, session: Session, update: str) -> Tuple[Any, int]:
        """Return what to run for the update, and how many steps that makes; to be asked once, when all is set.

        Whether it does make them, `confirm` proves.
        """

    def confirm(self, session: Session, fetches: Sequence[Any]) -> Tuple[Remark, ...]:
        """Run the step once, for nothing else, and prove that this device runs it; return what else it showed.

        Args:
            fetches: what a step is run for, with the operation of `loop` where that was asked for.

        Raises:
            DeviceUnavailable: it did not run on this device, or made other than the steps of `loop`.
        """

    def matmul_tflops(self) -> Dict[str, float]:
        """Measure the matrix-product rate by dtype, in 1e12 floating-point operations per second.

        Always of float32; of bfloat16 where that is faster.
        """
