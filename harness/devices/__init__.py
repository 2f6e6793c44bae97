"""Where a step runs. Devices are opened in workers only: opening one imports TensorFlow."""

import os
import tempfile
from pathlib import Path
from typing import Any, ContextManager, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from typing_extensions import Protocol

from harness.devices import cann
from harness.errors import UsageError
from harness.records import Mode, WorkerEnvironment

KINDS = ("auto", "cpu", "gpu", "npu")
"""auto: an Ascend card when there is one, else a GPU when TensorFlow sees one, else the CPU."""


class Chosen(NamedTuple):
    """One device that a worker has for itself: `npu:2`, one core of the CPU as in `cpu:1`, or a kind alone."""

    kind: str
    number: Optional[int] = None

    @property
    def name(self) -> str:
        """As the user names it."""
        return self.kind if self.number is None else f"{self.kind}:{self.number}"


class DeviceUnavailable(Exception):
    """The device cannot run this here; the message says what was looked for and what to do."""


class Prepared(NamedTuple):
    """A graph as a device runs it in a mode."""

    graph_def: Any
    emulated: bool = False
    lowered: bool = False
    """The mode does not compute in float32 throughout, so that a loss has to be scored again to be true."""
    remarks: Tuple[str, ...] = ()
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
        """Run a prepared graph once; return a value for each name in `fetches`.

        Raises:
            DeviceUnavailable: it did not run on this device.
        """

    @property
    def reference(self) -> "Device":
        """Where graphs run as they are, in float32 or float64: itself, or the host beside the card."""

    def training(self, mode: Mode) -> Any:
        """Return the model.stylization.Train of the mode: plain, or with its loss scaling."""

    def loop(self, session: Any, update: str) -> Tuple[Any, int]:
        """Return what to run for the update, and how many steps that makes; to be asked once, when all is set.

        Whether it does make them, `confirm` proves.
        """

    def confirm(self, session: Any, fetches: Sequence[Any]) -> Tuple[str, ...]:
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


def choose(text: str) -> Tuple[Chosen, ...]:
    """Return the devices that trials are spread over.

    Args:
        text: a kind, or devices of one kind with commas between: `npu:0,npu:2` or `cpu:0,cpu:1`.

    Raises:
        UsageError: no such device, or it is not there.
    """
    if text == "auto" and not cann.is_usable():
        return (Chosen("auto"),)
    chosen = parse(f"npu:{cann.chosen_card()}" if text in ("auto", "npu") else text)
    for device in chosen:
        if device.kind == "npu" and device.number is not None:
            cann.check_card(device.number)
        elif device.number is not None:
            _core(device.number)
    return chosen


def parse(text: str) -> Tuple[Chosen, ...]:
    """Return the devices that this names, there or not; raises UsageError when it names none, or of several kinds."""
    if text in KINDS:
        return (Chosen(text),)
    chosen = tuple(_numbered(name, text) for name in text.split(","))
    if len({device.kind for device in chosen}) > 1 or len(set(chosen)) < len(chosen):
        raise UsageError(f"device {text!r}: expected different devices of one kind")
    return chosen


def named(chosen: Sequence[Chosen]) -> str:
    """The devices as `parse` reads them."""
    return ",".join(device.name for device in chosen)


def choose_one(text: str) -> Chosen:
    """Return the one device of this name; raises UsageError as `choose` does, and when it names several."""
    chosen = choose(text)
    if len(chosen) > 1:
        raise UsageError(f"device {text}: expected one device, for this is one job")
    return chosen[0]


def open_device(name: str, folder: Optional[Path] = None) -> Device:
    """Open one device for this process.

    Args:
        folder: where the card may leave files; a new temporary one when None.

    Raises:
        DeviceUnavailable: it is not there, or cannot be used.
    """
    try:
        chosen = choose_one(name)
    except UsageError as error:
        raise DeviceUnavailable(str(error)) from error
    if chosen.kind == "npu":
        # Before TensorFlow starts: the driver reads the first, the proof that the card ran needs the second.
        os.environ["ASCEND_DEVICE_ID"] = str(chosen.number)
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
        from harness.devices.ascend import AscendDevice

        folder = folder or Path(tempfile.mkdtemp(prefix="stylebench-"))
        # The process's own, or the dump of another trial would be taken for this one's.
        os.environ["DUMP_GRAPH_PATH"] = str(folder)
        return AscendDevice(chosen, folder)
    if chosen.number is not None:
        # Before TensorFlow starts: it counts the cores that it may use, and makes as many threads.
        os.sched_setaffinity(0, {_core(chosen.number)})
    from harness.devices.host import HostDevice

    return HostDevice(chosen.kind, chosen.name)


def _numbered(name: str, text: str) -> Chosen:
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "npu") or not number.isdigit():
        expected = f"{', '.join(KINDS)}, or some of npu:0, npu:1, … or cpu:0, cpu:1, …"
        raise UsageError(f"device {text!r} is unknown (expected one of {expected})")
    return Chosen(kind, int(number))


def _core(number: int) -> int:
    """The processor of the core that `cpu:NUMBER` stands for, of those that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        raise UsageError(f"device cpu:{number}: this system cannot pin a process to a core (use --device cpu)")
    cores = sorted(os.sched_getaffinity(0))
    if number >= len(cores):
        raise UsageError(f"device cpu:{number}: this process may use {len(cores)} cores, cpu:0 to cpu:{len(cores) - 1}")
    return cores[number]
