"""The Ascend card, through npu_bridge: the card's compiler lowers the graph, and nothing is emitted.

None of this has ever run on a card. It is tested against TensorFlow's own protos and a strict stand-in.
"""

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

import tensorflow.compat.v1 as tf

from harness import environment
from harness.devices import Chosen, DeviceUnavailable, Prepared, cann, graph_dump, npu_options
from harness.devices.bridge import NPU_OPTIMIZER, Bridge
from harness.devices.host import HostDevice, refusals
from harness.precision import DtypePlan, customize_dtypes_text, modify_mixlist_text, plan_graph
from harness.records import Mode, WorkerEnvironment
from model.stylization import Train, train

COMPILED = b"The model has been compiled on the Ascend AI processor"
"""What the adapter logs for each graph that the card runs (geop_npu.cc)."""
_LOG_SECONDS = 1.0
"""What the adapter's line may take to arrive."""
_MATMUL_SECONDS, _MATMUL_LARGEST = 0.005, 8192


class AscendDevice(HostDevice):
    """One card. The mode is the process's: a second one needs another process."""

    kind = "npu"
    runs_parts = False

    def __init__(self, chosen: Chosen, folder: Path) -> None:
        self.card = chosen
        self._folder = folder
        self._bridge = Bridge()
        self._mode: Optional[Mode] = None
        self._plan: Optional[DtypePlan] = None

    def environment(self) -> WorkerEnvironment:
        """Describe the card and what chose it."""
        details = {finding.name: finding.detail for finding in cann.findings()}
        return WorkerEnvironment(
            tensorflow=tf.__version__,
            kind=self.kind,
            device=f"Ascend card, driver {details['Ascend driver'] or 'of unknown version'}",
            slot=self.card.name,
            intra_op_threads=0,
            inter_op_threads=0,
            effective_threads=environment.usable_cores(),
            usable_cores=environment.usable_cores(),
            load_average=environment.load_average(),
            variables={**environment.speed_variables(), **cann.variables()},
        )

    def prepare(
        self, graph_def: tf.GraphDef, fetches: Sequence[str], mode: Mode, keep: Sequence[str] = (), health: bool = False
    ) -> Prepared:
        """Set the mode of this process; the graph stays as it is, and nothing counts what it loses."""
        if mode.overflow != "saturate":
            raise DeviceUnavailable("npu: the 910 saturates; --overflow ieee is of the emulation")
        if self._mode not in (None, mode):
            raise DeviceUnavailable(f"npu: this process runs {self._mode.name}, and {mode.name} needs one of its own")
        self._mode = mode
        if not keep:  # a graph of the targets: the step's plan is the one to compare with
            return Prepared(graph_def, lowered=True, counts=False)
        if mode.loss_scale is not None:
            # The adapter's optimiser decides with conditionals, which a plan does not follow.
            remarks = ("card: with loss scaling its casts are not planned",)
            return Prepared(graph_def, lowered=True, remarks=remarks, counts=False)
        self._plan = plan_graph(graph_def, fetches, mode.precision)
        remarks = self._plan.remarks + refusals(self._plan)
        return Prepared(graph_def, lowered=not self._plan.all_float32, remarks=remarks, counts=False)

    def training(self, mode: Mode) -> Train:
        """Loss scaling is the adapter's own."""
        return train if mode.loss_scale is None else self._bridge.scaled_training(mode.loss_scale)

    @contextmanager
    def session(self, graph_def: tf.GraphDef, optimize: bool = True) -> Iterator[tf.Session]:
        """Open a session on the card; its optimiser is the adapter, so it is always on."""
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
            with tf.Session(graph=graph, config=self._config()) as session:
                yield session

    def evaluate(self, graph_def: tf.GraphDef, fetches: Mapping[str, str], feeds: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the graph once and prove that it was the card that ran it."""
        with self.session(graph_def) as session:
            try:
                return self._run_proven(session, dict(fetches), feeds)
            except tf.errors.OpError as error:
                reason = str(error.message).strip().splitlines()[0] if error.message else type(error).__name__
                raise DeviceUnavailable(
                    f"{self.card.name}: the card did not run the graph (busy, gone, or it does not compile): {reason}"
                ) from error

    @property
    def reference(self) -> HostDevice:
        """The host beside the card: the card computes no convolution in float32."""
        return _BesideCard(self._bridge)

    def loop(self, session: tf.Session, update: str) -> Tuple[Any, int]:
        """Set the loop that the mode's options ask for."""
        assert self._mode is not None
        steps = int(self._mode.npu_options.get(npu_options.ITERATIONS_PER_LOOP, "1"))
        return self._bridge.loop(session, session.graph.get_operation_by_name(update), steps), steps

    def confirm(self, session: tf.Session, fetches: Sequence[Any]) -> Tuple[str, ...]:
        """Prove that the card ran the step, and hold its casts against the plan."""
        self._run_proven(session, list(fetches), {})
        return () if self._plan is None else (graph_dump.compare(self._plan, self._dumps()),)

    def matmul_tflops(self) -> Dict[str, float]:
        """Median rate of a float32 product as the process's mode lowers it, large enough for the call not to count."""
        size, rate = 1024, self._matmul_rate(tf.float32, 1024)
        while size < _MATMUL_LARGEST and 2 * size**3 / (rate * 1e12) < _MATMUL_SECONDS:
            size *= 2
            rate = self._matmul_rate(tf.float32, size)
        return {"float32": rate}

    def _config(self, optimize: bool = True) -> tf.ConfigProto:
        assert self._mode is not None
        return self._bridge.config(self._options(self._mode))

    def _options(self, mode: Mode) -> Dict[str, Tuple[str, Any]]:
        """The parameter_map of a mode; its files are written beside the trial."""
        options = {"use_off_line": ("b", True), **npu_options.typed(mode.npu_options)}
        precision = mode.precision
        if npu_options.PRECISION_MODE_V2 not in options:
            options["precision_mode"] = ("s", precision.mode.encode())
        if precision.custom_dtypes:
            options["customize_dtypes"] = ("s", self._file("customize_dtypes.cfg", customize_dtypes_text(precision)))
        if precision.mixlist is not None:
            options["modify_mixlist"] = ("s", self._file("modify_mixlist.json", modify_mixlist_text(precision.mixlist)))
        return options

    def _file(self, name: str, text: str) -> bytes:
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return str(path).encode()

    def _run_proven(self, session: tf.Session, fetches: Any, feeds: Mapping[str, Any]) -> Any:
        """Run, and raise DeviceUnavailable when nothing shows that the card did it.

        TensorFlow ignores an NpuOptimizer that is not registered and runs on the CPU, in float32.
        """
        ran = tf.RunMetadata()
        values = session.run(
            fetches, dict(feeds), options=tf.RunOptions(output_partition_graphs=True), run_metadata=ran
        )
        nodes = [node.op for graph in ran.partition_graphs for node in graph.node]
        if "GeOp" not in nodes and not self._log_says_compiled():
            raise DeviceUnavailable(
                f"{self.card.name}: the card was not used: no GeOp among the {len(nodes)} nodes that ran, and no line "
                f"{COMPILED.decode()!r} in the log; {NPU_OPTIMIZER} is not registered or has switched itself off"
            )
        return values

    def _log_says_compiled(self) -> bool:
        """Whether the adapter's line is in the trial's log, which the parent writes beside the trial's other files."""
        log = self._folder / "log.txt"
        deadline = time.monotonic() + _LOG_SECONDS
        while log.exists():
            if COMPILED in log.read_bytes():
                return True
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        return False

    def _dumps(self) -> Path:
        return Path(os.environ.get(graph_dump.FOLDER_VARIABLE, str(self._folder)))


class _BesideCard(HostDevice):
    """TensorFlow's CPU in a process whose sessions the adapter watches."""

    kind = "cpu"

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def _config(self, optimize: bool = True) -> tf.ConfigProto:
        # Said in as many words, for the adapter adds itself to sessions that say nothing.
        return self._bridge.config({"use_off_line": ("b", False)})
