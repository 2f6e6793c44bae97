"""Plan a graph: judge its ops in order, as each op sees the dtypes already chosen for its producers."""

from typing import Dict, List, Optional, Sequence, Set, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from harness.precision.graph.frames import nodes_in_loops
from harness.precision.graph.nodes import PLACEHOLDERS, data_inputs, node_name, tensor_name
from harness.precision.graph.normalization import StaticGraph, normalize
from harness.precision.number_formats import CONVERTED, FLOAT16
from harness.precision.rules.ascend_ops import CONSTANT, AscendOp, Input
from harness.precision.rules.config import MUST_KEEP, CustomDtypes, PrecisionConfig, PrecisionConfigError
from harness.precision.rules.costs import count_bytes, count_flops
from harness.precision.rules.fusions import lower
from harness.precision.rules.judge import AI_CORE, UNKNOWN, Judgement, Producer, custom_entry, judge
from harness.precision.rules.kernels import BLACK
from harness.precision.rules.plan import ConstantRange, DtypePlan, PlannedCast, PlannedOp
from harness.precision.rules.remarks import on_customised_types, on_lists, on_scopes
from harness.remark import Remark, remark


def plan_graph(
    graph_def: tf.GraphDef, fetches: Sequence[str], config: PrecisionConfig, check_names: bool = True
) -> DtypePlan:
    """Decide the dtype of every op that the fetches need, as the compiler for Ascend 910 does.

    Args:
        fetches: tensor and operation names that are run for together.
        check_names: refuse customize_dtypes names that are not in the graph; False suits the further graphs of one
            job, which share its file.

    Raises:
        GraphError: a fetch or input is missing.
        PrecisionConfigError: a customize_dtypes entry does not fit the graph.
    """
    static = normalize(graph_def, fetches)
    ops = lower(static, config)
    remarks = _check_custom_entries(config, graph_def, ops, check_names)
    remarks += (*on_lists(config, ops), *on_customised_types(config, ops), *on_scopes(static.graph.nodes))
    if config.is_bf16:
        remarks += (remark("bfloat16_refused", mode=config.mode),)
    looping = nodes_in_loops(static.graph.nodes)
    repeated = sum(op.name in looping for op in ops)
    if repeated:
        remarks += (remark("ops_in_loops", ops=repeated),)
    return _Planning(static, config).run(ops, remarks)


class _Planning:
    """Carries the dtype that each tensor has after judging what came before."""

    def __init__(self, static: StaticGraph, config: PrecisionConfig) -> None:
        self.static = static
        self.config = config
        self.current: Dict[str, str] = {}
        self.names: Dict[str, str] = {}
        self.widened: Dict[str, str] = {}
        self.casts: List[PlannedCast] = []
        self.constants: List[ConstantRange] = []
        self.expected: Set[Optional[str]] = set()
        """Tensors that have a dtype once all ops are judged."""
        self.looping: List[Tuple[AscendOp, Input, str]] = []
        """Inputs that come from later ops, through the back edge of a loop, with the dtype that they are read in."""

    def run(self, ops: Sequence[AscendOp], remarks: Tuple[Remark, ...]) -> DtypePlan:
        planned = []
        self.expected = {output.tensor for op in ops for output in op.outputs}
        for op in ops:
            judgement = judge(op, self.config, self._producer)
            planned.append(_planned_op(op, judgement, self.static))
            self._record(op, judgement)
        for op, tensor, dtype in self.looping:
            self._cast_input(op, tensor, dtype)
        self._cast_fetches()
        return DtypePlan(
            config=self.config,
            fetches=tuple(self.static.graph.fetches),
            ops=tuple(planned),
            casts=tuple(self.casts),
            constants=tuple(self.constants),
            remarks=remarks,
            unsized=_unsized(self.static),
        )

    def _producer(self, root: str) -> Producer:
        """Return what a gray op follows: it looks through one Cast that widens, unless Cast is black."""
        front = self.widened.get(root, root)
        if front in self.current:
            return Producer(self.current[front], self.names[front])
        original = self.static.infos[root].dtype
        return Producer("float32" if original == "resource" else original, _source_name(front, self.static))

    def _record(self, op: AscendOp, judgement: Judgement) -> None:
        for tensor, dtype in zip(op.inputs, judgement.inputs):
            if dtype in CONVERTED and tensor.dtype in CONVERTED:
                self._cast_input(op, tensor, dtype)
        if op.type == "Muls" and judgement.inputs[0] == "float16":
            # The reciprocal is an attribute; it stands where the division's constant did.
            divisor = self.static.constant(self.static.root(data_inputs(self.static.graph.nodes[op.nodes[0]])[1]))
            self._check_range(op, 1, 1.0 / np.float64(divisor))
        for output, dtype in zip(op.outputs, judgement.outputs):
            if output.tensor is not None:
                self.current[output.tensor] = dtype
                self.names[output.tensor] = op.name
            elif output.variable is not None and dtype != output.dtype:
                self._add_cast(op.name, output.variable, -1, dtype, output.dtype, output.elements)
        if op.type == "Cast" and (judgement.inputs, judgement.outputs) == ((self.config.low,), ("float32",)):
            lists = self.config.mixlist
            if lists is None or op.kernel is None or lists.flag("Cast", op.kernel.mixlist) != BLACK:
                self.widened[tensor_name(op.name)] = op.inputs[0].root

    def _cast_input(self, op: AscendOp, tensor: Input, dtype: str) -> None:
        if tensor.root in self.expected and tensor.root not in self.current:
            self.looping.append((op, tensor, dtype))
            return
        source = self.current.get(tensor.root, tensor.dtype)
        if source == dtype:
            return
        if tensor.kind != CONSTANT:
            producer = node_name(tensor.root)
            self._add_cast(producer, op.name, tensor.position, source, dtype, tensor.elements)
            return
        self.casts.append(
            PlannedCast(
                producer="constant",
                consumer=op.name,
                position=tensor.position,
                source=source,
                target=dtype,
                elements=tensor.elements,
                bytes=0,
            )
        )
        if dtype == "float16":
            self._check_range(op, tensor.position, self.static.constant(tensor.root))

    def _add_cast(self, producer: str, consumer: str, position: int, source: str, target: str, elements: int) -> None:
        size = count_bytes([elements, elements], [source, target])
        self.casts.append(
            PlannedCast(
                producer=producer,
                consumer=consumer,
                position=position,
                source=source,
                target=target,
                elements=elements,
                bytes=size,
            )
        )

    def _check_range(self, op: AscendOp, position: int, constant: np.ndarray) -> None:
        value = np.abs(np.asarray(constant, np.float32))
        with np.errstate(over="ignore"):
            halves = value.astype(np.float16)
        saturated = int(np.count_nonzero(value >= FLOAT16.overflow))
        flushed = int(np.count_nonzero((value != 0) & (halves == 0)))
        if saturated or flushed:
            self.constants.append(
                ConstantRange(
                    consumer=op.name,
                    position=position,
                    elements=value.size,
                    saturated=saturated,
                    flushed=flushed,
                )
            )

    def _cast_fetches(self) -> None:
        """NetOutput is never judged: fetched tensors come back in their own dtype."""
        for tensor in sorted(self.static.graph.fetched_tensors):
            root, info = self._forwarded(tensor), self.static.infos.get(tensor)
            dtype = self.current.get(root)
            if info is not None and info.dtype in CONVERTED and dtype not in (None, info.dtype):
                self._add_cast(node_name(root), node_name(tensor), -1, dtype, info.dtype, info.elements)

    def _forwarded(self, tensor: str) -> str:
        return tensor if tensor in self.current else self.static.root(tensor)


def _planned_op(op: AscendOp, judgement: Judgement, static: StaticGraph) -> PlannedOp:
    unit = op.kernel.unit if op.kernel is not None and judgement.engine == AI_CORE else "host"
    if unit == "cube" and "float32" in judgement.inputs[:2]:
        # canndev impl/mat_mul.py: the row with float32 operands is a vector-unit kernel.
        unit = "vector"
    elements = [tensor.elements for tensor in op.inputs] + [tensor.elements for tensor in op.outputs]
    return PlannedOp(
        name=op.name,
        nodes=op.nodes,
        result=_result(op),
        type=op.type,
        unit=unit,
        engine=judgement.engine,
        inputs=judgement.inputs,
        outputs=judgement.outputs,
        rule=judgement.rule,
        # Of a type that nobody knows: one operation an element, which most do.
        flops=count_flops(op, static) or (max(elements or [0]) if judgement.engine == UNKNOWN else 0),
        bytes_moved=count_bytes(elements, judgement.inputs + judgement.outputs),
        is_sized=_is_sized(op, static),
    )


def _is_sized(op: AscendOp, static: StaticGraph) -> bool:
    """Say whether the shapes of all of an op's tensors are known."""
    tensors = [tensor.tensor for tensor in op.inputs] + [output.tensor for output in op.outputs]
    infos = [static.infos[tensor] for tensor in tensors if tensor in static.infos]
    return all(info.dims_known or info.dtype in ("resource", "variant") for info in infos)


def _unsized(static: StaticGraph) -> Tuple[str, ...]:
    """Return where unknown sizes begin: at placeholders if at any, else at nodes whose inputs are all of known size."""
    nodes = static.graph.nodes.values()
    fed = {node.name: static.infos[f"{node.name}:0"] for node in nodes if node.op in PLACEHOLDERS}
    opened = [f"{name}={info.text}" for name, info in fed.items() if not info.dims_known]
    if opened:
        return tuple(opened)
    return tuple(
        node.name
        for node in nodes
        if any(not static.infos[output].dims_known for output in static.outputs(node.name))
        and all(static.infos[tensor].dims_known for tensor in data_inputs(node))
    )


def _result(op: AscendOp) -> Optional[str]:
    tensor = op.outputs[0].tensor if op.outputs else None
    return tensor if tensor is not None and node_name(tensor) in op.nodes else None


def _source_name(tensor: str, static: StaticGraph) -> str:
    node = static.graph.nodes[node_name(tensor)]
    return "a constant" if node.op == "Const" else node.name


def _check_custom_entries(
    config: PrecisionConfig, graph_def: tf.GraphDef, ops: Sequence[AscendOp], check_names: bool
) -> Tuple[Remark, ...]:
    """Check customize_dtypes entries against the graph; return remarks on those without effect."""
    if config.mode == MUST_KEEP and config.custom_dtypes:
        return (remark("customized_mode_without_effect", mode=MUST_KEEP),)
    names = {node.name for node in graph_def.node}
    by_name = {op.name: op for op in ops}
    remarks = []
    for entry in config.custom_dtypes:
        if entry.by_type:
            continue
        if entry.key in by_name:  # the name of a node, or that of an op which a fusion made
            _check_entry_size(entry, by_name[entry.key], config)
        elif entry.key in names:
            remarks.append(_without_effect(entry.key, ops))
        elif check_names:
            raise PrecisionConfigError(f"{entry.source}: expected the name of an op in the graph")
    return tuple(remarks)


def _without_effect(name: str, ops: Sequence[AscendOp]) -> Remark:
    made = next((op.name for op in ops if name in op.nodes), None)
    if made is None:
        return remark("customized_op_without_effect", op=name)
    return remark("customized_op_renamed", op=name, made=made)


def _check_entry_size(entry: CustomDtypes, op: AscendOp, config: PrecisionConfig) -> None:
    if op.kernel is None or custom_entry(op, config) is not entry or not op.kernel.rows:
        return
    row = op.kernel.rows_for(len(op.inputs), len(op.outputs))[0]
    if len(entry.inputs) > len(row.inputs) or len(entry.outputs) > len(row.outputs):
        limits = f"{len(row.inputs)} input and {len(row.outputs)} output dtypes of {op.type}"
        raise PrecisionConfigError(f"{entry.source}: expected at most the {limits}")
