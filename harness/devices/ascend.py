"""The Ascend card, through npu_bridge: the card's compiler lowers the graph, and nothing is emitted.

None of this has ever run on a card. It is tested against TensorFlow's own protos and a strict stand-in.
"""

import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

import tensorflow.compat.v1 as tf

from harness.devices import graph_dump, npu_options
from harness.devices.bridge import NPU_OPTIMIZER, Bridge
from harness.devices.device import DeviceUnavailable, Prepared
from harness.devices.host import HostDevice, refusals
from harness.devices.naming import Chosen
from harness.machine import cann, environment
from harness.precision import DtypePlan, customize_dtypes_text, fusion_switch_text, modify_mixlist_text, plan_graph
from harness.records import Mode, WorkerEnvironment
from harness.remark import Remark, remark
from model.settings import StyleSettings
from model.stylization import Train, Update, train

COMPILED = b"The model has been compiled on the Ascend AI processor"
"""What the adapter logs for each graph that the card runs (geop_npu.cc)."""
_LOG_SECONDS = 1.0
"""Longest time that the adapter's line may take to reach the log."""
_PRODUCTS = ("Conv2D", "MatMul")
"""Parts of the names of ops that must run on the card: convolutions and matrix products."""
_STEPS_MADE = "steps_made"
"""Variable that counts the steps of the card's loop."""
_MATMUL_SECONDS, _MATMUL_LARGEST = 0.005, 8192


class AscendDevice(HostDevice):
    """One Ascend card; a process runs one mode, and another mode needs another process."""

    kind = "npu"
    runs_parts = False

    def __init__(self, chosen: Chosen, folder: Path) -> None:
        self.card = chosen
        self._folder = folder
        self._bridge = Bridge()
        self._mode: Optional[Mode] = None
        self._plan: Optional[DtypePlan] = None
        self._per_call = 1

    def environment(self) -> WorkerEnvironment:
        """Describe the card, its driver, and the environment variables that choose it or change its speed."""
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
        """Set the mode of this process and leave the graph as it is; losses of float16 are not counted.

        Raises:
            DeviceUnavailable: the card cannot run the mode, or this process runs another one already.
        """
        if mode.overflow != "saturate":
            raise DeviceUnavailable("npu: the 910 saturates; --overflow ieee is of the emulation")
        if mode.precision.is_bf16:
            raise DeviceUnavailable(f"npu: the 910 has no bfloat16 and refuses {mode.name}; use --device cpu")
        if mode.emit == "native":
            raise DeviceUnavailable("npu: the card's own compiler narrows the graph; --emit native is of hosts")
        if self._mode not in (None, mode):
            raise DeviceUnavailable(f"npu: this process runs {self._mode.name}, and {mode.name} needs one of its own")
        self._mode = mode
        if not keep:  # a graph of the targets: the step's plan is the one to compare with
            return Prepared(graph_def, lowered=True, counts=False)
        if mode.loss_scale is not None:
            # The adapter's optimiser decides with conditionals, which a plan does not follow.
            remarks: Tuple[Remark, ...] = (remark("casts_not_planned"),)
            return Prepared(graph_def, lowered=True, remarks=remarks, counts=False)
        self._plan = plan_graph(graph_def, fetches, mode.precision)
        remarks = self._plan.remarks + refusals(self._plan)
        return Prepared(graph_def, lowered=not self._plan.all_float32, remarks=remarks, counts=False)

    def training(self, mode: Mode) -> Train:
        """Return the training program; loss scaling is the adapter's own, and loops of several steps are counted.

        The count lets `confirm` prove that the loop made its steps.
        """
        program = train if mode.loss_scale is None else self._bridge.scaled_training(mode.loss_scale)
        return program if npu_options.loop_steps(mode.npu_options) == 1 else _counted(program)

    @contextmanager
    def session(self, graph_def: tf.GraphDef, optimize: bool = True) -> Iterator[tf.Session]:
        """Open a session on the card; `optimize` has no effect, since the adapter is one of Grappler's optimisers.

        Raises:
            DeviceUnavailable: the card did not run what was asked of the session.
        """
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
            del graph_def  # the session has its own copy of the weights
            with self._translated(), tf.Session(graph=graph, config=self._config()) as session:
                yield session

    def evaluate(self, graph_def: tf.GraphDef, fetches: Mapping[str, str], feeds: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the graph once; raises DeviceUnavailable unless the card is seen to run it."""
        with self.session(graph_def) as session:
            values: Dict[str, Any] = self._run_proven(session, dict(fetches), feeds)
        return values

    @property
    def reference(self) -> HostDevice:
        """The host beside the card, for the card computes no convolution in float32."""
        return _BesideCard(self._bridge)

    def loop(self, session: tf.Session, update: str) -> Tuple[Any, int]:
        """Set the loop that the mode's options ask for; return the operation to run and the steps it makes."""
        assert self._mode is not None
        self._per_call = npu_options.loop_steps(self._mode.npu_options)
        update = session.graph.get_operation_by_name(update)
        return self._bridge.loop(session, update, self._per_call), self._per_call

    def confirm(self, session: tf.Session, fetches: Sequence[Any]) -> Tuple[Remark, ...]:
        """Run the step once, prove that the card made all steps of its loop, and compare its casts with the plan's.

        Raises:
            DeviceUnavailable: the step did not run on the card, or the loop made another number of steps.
        """
        before = self._steps_made(session)
        self._run_proven(session, list(fetches), {})
        made = self._steps_made(session) - before
        if self._per_call > 1 and made != self._per_call:
            raise DeviceUnavailable(
                f"{self.card.name}: {npu_options.ITERATIONS_PER_LOOP}={self._per_call} took no effect: "
                f"a call made {made} steps; leave the option out"
            )
        return () if self._plan is None else (graph_dump.compare(self._plan, self._folder),)

    def matmul_tflops(self) -> Dict[str, float]:
        """Median rate of a float32 product as the process's mode lowers it, large enough for the call not to count."""
        with self._translated():
            size, rate = 1024, self._matmul_rate(tf.float32, 1024)
            while size < _MATMUL_LARGEST and 2 * size**3 / (rate * 1e12) < _MATMUL_SECONDS:
                size *= 2
                rate = self._matmul_rate(tf.float32, size)
        return {"float32": rate}

    def _config(self, optimize: bool = True) -> tf.ConfigProto:
        assert self._mode is not None
        return self._bridge.config(self._options(self._mode))

    def _options(self, mode: Mode) -> Dict[str, Tuple[str, Any]]:
        """Return the NpuOptimizer's parameter_map for a mode, and write the files that it names beside the trial."""
        options = {"use_off_line": ("b", True), **npu_options.typed(mode.npu_options)}
        precision = mode.precision
        if npu_options.PRECISION_MODE_V2 not in options:
            options["precision_mode"] = ("s", precision.mode.encode())
        if precision.custom_dtypes:
            options["customize_dtypes"] = ("s", self._file("customize_dtypes.cfg", customize_dtypes_text(precision)))
        if precision.mixlist is not None:
            options["modify_mixlist"] = ("s", self._file("modify_mixlist.json", modify_mixlist_text(precision.mixlist)))
        if precision.fusion_switches:
            options["fusion_switch_file"] = ("s", self._file("fusion_switch.cfg", fusion_switch_text(precision)))
        return options

    def _file(self, name: str, text: str) -> bytes:
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return str(path).encode()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn TensorFlow's errors into DeviceUnavailable with one line."""
        try:
            yield
        except tf.errors.OpError as error:
            reason = str(error.message).strip().splitlines()[0] if error.message else type(error).__name__
            raise DeviceUnavailable(
                f"{self.card.name}: the card did not run the graph (busy, gone, or it does not compile): {reason}"
            ) from error

    def _run_proven(self, session: tf.Session, fetches: Any, feeds: Mapping[str, Any]) -> Any:
        """Run what this session has not run before, and raise DeviceUnavailable unless the card is seen to run it.

        TensorFlow ignores an NpuOptimizer that is not registered, and runs the graph on the CPU in float32. It also
        runs there what mix_compile_mode leaves to it.
        """
        ran, compiled = tf.RunMetadata(), self._compiled()
        values = session.run(
            fetches, dict(feeds), options=tf.RunOptions(output_partition_graphs=True), run_metadata=ran
        )
        nodes = [node.op for graph in ran.partition_graphs for node in graph.node]
        if "GeOp" not in nodes and not self._has_compiled_since(compiled):
            raise DeviceUnavailable(
                f"{self.card.name}: the card was not used: no GeOp among the {len(nodes)} nodes that ran, and no new "
                f"line {COMPILED.decode()!r} in the log; {NPU_OPTIMIZER} is not registered or has switched itself off"
            )
        on_host = sorted({op for op in nodes if any(product in op for product in _PRODUCTS)})
        if on_host:
            raise DeviceUnavailable(
                f"{self.card.name}: the card ran a part alone: {', '.join(on_host)} ran in TensorFlow on the host, in "
                "float32; see --npu-option mix_compile_mode"
            )
        return values

    def _compiled(self) -> int:
        """Count the adapter's lines COMPILED in the trial's log, which the parent writes beside the trial's files."""
        log = self._folder / "log.txt"
        return log.read_bytes().count(COMPILED) if log.exists() else 0

    def _has_compiled_since(self, before: int) -> bool:
        deadline = time.monotonic() + _LOG_SECONDS
        while self._compiled() <= before:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _steps_made(self, session: tf.Session) -> int:
        """Return how many steps the card's loop has made so far; 0 without a loop, which needs no proof."""
        return int(session.run(f"{_STEPS_MADE}/Read/ReadVariableOp:0")) if self._per_call > 1 else 0


def _counted(program: Train) -> Train:
    """Return the training program with a counter of its steps, skipped ones included."""

    def train(
        totals: Sequence[tf.Tensor], variable: tf.Variable, tensors: Sequence[tf.Tensor], settings: StyleSettings
    ) -> Update:
        update = program(totals, variable, tensors, settings)
        count = tf.get_variable(_STEPS_MADE, initializer=tf.constant(0), trainable=False, use_resource=True)
        counted = count.assign_add(1, read_value=False)
        return update._replace(operation=tf.group(update.operation, counted, name="counted_update"))

    return train


class _BesideCard(HostDevice):
    """TensorFlow's CPU in a process whose sessions the adapter watches."""

    kind = "cpu"

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def _config(self, optimize: bool = True) -> tf.ConfigProto:
        # Said in as many words, for the adapter adds itself to sessions that say nothing.
        return self._bridge.config({"use_off_line": ("b", False)})
