"""TensorFlow's CPU and GPU."""

import statistics
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import tensorflow.compat.v1 as tf
from tensorflow.python.framework.ops import dismantle_graph

from harness.devices.device import DeviceUnavailable, Prepared
from harness.machine import environment
from harness.machine.memory import give_back
from harness.precision import Chip, DtypePlan, NoKernelError, emit_native, emit_rounded, emit_with_health, plan_graph
from harness.records import Mode, WorkerEnvironment
from harness.remark import Remark, remark
from model.loss_scaling import OVERFLOW_STATUS, scaled_training
from model.stylization import Train, train


class HostDevice:
    """TensorFlow on this host, without an Ascend card."""

    runs_parts = True

    def __init__(self, name: str, slot: str = "") -> None:
        gpus = [device for device in _local_devices() if device.device_type == "GPU"]
        if name == "gpu" and not gpus:
            raise DeviceUnavailable(
                f"gpu: TensorFlow {tf.__version__} sees no GPU (install a GPU build of TensorFlow, or use --device cpu)"
            )
        self.kind = "gpu" if gpus and name != "cpu" else "cpu"
        self._slot = slot if ":" in slot else ""
        self._description = gpus[0].physical_device_desc if self.kind == "gpu" else "CPU"

    def environment(self) -> WorkerEnvironment:
        """Describe TensorFlow and its settings."""
        variables = environment.speed_variables()
        threads = self._config().intra_op_parallelism_threads
        return WorkerEnvironment(
            tensorflow=tf.__version__,
            kind=self.kind,
            device=self._description,
            slot=self._slot,
            intra_op_threads=threads,
            inter_op_threads=self._config().inter_op_parallelism_threads,
            effective_threads=threads or environment.intra_op_threads(variables),
            usable_cores=environment.usable_cores(),
            load_average=environment.load_average(),
            variables=variables,
        )

    def prepare(
        self, graph_def: tf.GraphDef, fetches: Sequence[str], mode: Mode, keep: Sequence[str] = (), health: bool = False
    ) -> Prepared:
        """Write the card's dtype decisions into the graph, as rounded float32 or as native narrow tensors.

        Raises:
            DeviceUnavailable: TensorFlow has no kernel for a native op.
        """
        # Feature graphs share the step's customised dtypes, though not all its ops.
        plan = plan_graph(graph_def, fetches, mode.precision, check_names=bool(keep))
        if mode.emit == "native":
            return self._prepare_native(graph_def, plan, keep)
        saturates = mode.overflow == "saturate"
        # A chip that keeps infinities needs no register: the gradients show them.
        has_register = saturates and any(node.name == OVERFLOW_STATUS for node in graph_def.node)
        chip = Chip(saturates, OVERFLOW_STATUS if has_register else "")
        if health:
            graph_def, counters = emit_with_health(graph_def, plan, keep, chip)
        else:
            graph_def, counters = emit_rounded(graph_def, plan, keep, chip), {}
        lowered = not plan.all_float32
        remarks = plan.remarks + refusals(plan)
        return Prepared(graph_def, emulated=lowered, lowered=lowered, remarks=remarks, counters=counters)

    def _prepare_native(self, graph_def: tf.GraphDef, plan: DtypePlan, keep: Sequence[str]) -> Prepared:
        try:
            graph_def = emit_native(graph_def, plan, keep, self.kind)
        except NoKernelError as error:
            raise DeviceUnavailable(f"{self.kind}: {error}") from error
        return Prepared(graph_def, lowered=not plan.all_float32, remarks=plan.remarks, counts=False)

    def training(self, mode: Mode) -> Train:
        """Return the training program; with loss scaling it reads an emulated status register."""
        return train if mode.loss_scale is None else scaled_training(mode.loss_scale)

    @contextmanager
    def session(self, graph_def: tf.GraphDef, optimize: bool = True) -> Iterator[tf.Session]:
        """Open a session on the graph, with Grappler unless `optimize` is False."""
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
            del graph_def  # the session has its own copy of the weights
            give_back()
            with tf.Session(graph=graph, config=self._config(optimize)) as session:
                yield session
        dismantle_graph(graph)  # it would live on, with its weights, until Python collects cycles

    def evaluate(self, graph_def: tf.GraphDef, fetches: Mapping[str, str], feeds: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the graph once, without Grappler: for one run, optimising costs more than it saves."""
        with self.session(graph_def, optimize=False) as session:
            values: Dict[str, Any] = session.run(dict(fetches), dict(feeds))
        return values

    @property
    def reference(self) -> "HostDevice":
        """This host itself, which computes in float32 and float64."""
        return self

    def loop(self, session: tf.Session, update: str) -> Tuple[Any, int]:
        """Return the update as it is: a host makes one step a call."""
        return update, 1

    def confirm(self, session: tf.Session, fetches: Sequence[Any]) -> Tuple[Remark, ...]:
        """Run and report nothing, for TensorFlow's own devices need no proof that they ran the graph."""
        return ()

    def matmul_tflops(self) -> Dict[str, float]:
        """Measure the median rates, 1e12 operations per second, of the product of two 2048 x 2048 matrices by dtype.

        bfloat16 is measured only where a 512 x 512 product is faster in it: on processors without bfloat16
        instructions a large product takes up to twenty times as long as in float32.
        """
        rates = {"float32": self._matmul_rate(tf.float32, 2048)}
        try:
            if self._matmul_rate(tf.bfloat16, 512) > self._matmul_rate(tf.float32, 512):
                rate = self._matmul_rate(tf.bfloat16, 2048)
                if rate > rates["float32"]:
                    rates["bfloat16"] = rate
        except (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.UnimplementedError):
            pass  # no kernel
        return rates

    def _matmul_rate(self, dtype: tf.DType, size: int, repeats: int = 7) -> float:
        """Return the median rate, 1e12 operations per second, of size x size products after two for warm-up."""
        with tf.Graph().as_default():
            factors = [
                tf.Variable(tf.cast(tf.random.stateless_normal((size, size), (0, seed)), dtype), use_resource=True)
                for seed in (1, 2)
            ]
            product = tf.matmul(factors[0], factors[1]).op
            with tf.Session(config=self._config()) as session:
                session.run(tf.global_variables_initializer())
                multiply = session.make_callable(product)
                seconds: List[float] = []
                for _ in range(repeats + 2):
                    start = time.perf_counter()
                    multiply()
                    seconds.append(time.perf_counter() - start)
        return 2 * size**3 / statistics.median(seconds[2:]) / 1e12

    def _config(self, optimize: bool = True) -> tf.ConfigProto:
        config = tf.ConfigProto(allow_soft_placement=True)
        if self.kind == "cpu":
            config.device_count["GPU"] = 0
        rewrites = config.graph_options.rewrite_options
        rewrites.disable_meta_optimizer = not optimize
        # Off as on the card, where it must be. Here it only costs compile time and peak memory.
        rewrites.memory_optimization = rewrites.NO_MEM_OPT
        return config


def refusals(plan: DtypePlan) -> Tuple[Remark, ...]:
    """Return one remark on the ops that the card's compiler would refuse; empty when it would compile all."""
    if not plan.failures:
        return ()
    first = plan.failures[0]
    return (remark("card_refuses", ops=len(plan.failures), type=first.type, name=first.name),)


def _local_devices() -> List[Any]:
    from tensorflow.python.client import device_lib

    return list(device_lib.list_local_devices())
