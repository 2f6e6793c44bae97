"""Write a plan into the graph: float32 storage, values rounded to float16 where the plan says float16.

Float32 arithmetic on float16 operands, rounded once, is float16 arithmetic for + - * / and the square root;
ops that move or pick values need no rounding of their own. Kernels that widen inside, and cube ops with
their float32 accumulator, are rounded once at the end.

Not modelled: float32 results saturate on the card, here they do not; average pooling multiplies by the float16
reciprocal of the window's area there, which differs where that area is no power of two; a float32 quotient by a
constant is a product with its reciprocal there; tensors that the model itself stores as float16 keep TensorFlow's
infinities.
"""

from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from harness.precision.emission.adam import emulate_adam
from harness.precision.emission.bounds import result_bound, rounded_bound
from harness.precision.emission.updates import emulate_addition, emulate_update
from harness.precision.emission.writer import UNBOUNDED, GraphWriter, Rounding, rename, round_array
from harness.precision.graph.nodes import (
    MERGING,
    NEXT,
    GraphError,
    NodeGraph,
    control_inputs,
    data_inputs,
    drop_dead_colocations,
    node_name,
    set_inputs,
    sorted_ancestors,
    tensor_name,
)
from harness.precision.graph.normalization import StaticGraph, normalize
from harness.precision.rules.ascend_ops import CONSTANT, AscendOp, Input
from harness.precision.rules.fusions import lower
from harness.precision.rules.judge import AI_CORE
from harness.precision.rules.plan import DtypePlan, PlannedOp


class HealthGraph(NamedTuple):
    """An emitted graph whose roundings count what they lose."""

    graph_def: tf.GraphDef
    counters: Dict[str, str]
    """By rounded op: tensor of three int64 counts, values saturated, values flushed to zero, NaN made 0."""


class Chip(NamedTuple):
    """Properties of the chip's arithmetic that the compiler does not decide."""

    saturate: bool = True
    """Whether overflow becomes +-65504 and NaN 0, as on the 910; later chips can keep infinities and NaN instead."""
    status: str = ""
    """Boolean placeholder that becomes the status register: true when a value saturated or was NaN in this step.

    What overflows after the register has been read, in the update itself, is not seen, nor what does within a loop or a
    branch.
    """


CHIP_910 = Chip()


def emit_rounded(
    graph_def: tf.GraphDef, plan: DtypePlan, keep: Sequence[str] = (), chip: Chip = CHIP_910
) -> tf.GraphDef:
    """Return a graph that computes what the plan's fetches give on the card, on any TensorFlow device.

    Fetches keep their name, shape and dtype. A plan without float16 gives back the graph as it is.

    Args:
        graph_def: the graph that was planned.
        keep: further operations and tensors that must survive, such as initialisers; what only they need is
            left as it is.

    Raises:
        GraphError: a fetch or kept name is missing, or the plan is of another graph.
    """
    if plan.all_float32:
        return graph_def
    return _Emitter(graph_def, plan, chip).run(keep).graph_def


def emit_with_health(
    graph_def: tf.GraphDef, plan: DtypePlan, keep: Sequence[str] = (), chip: Chip = CHIP_910
) -> HealthGraph:
    """Do as emit_rounded, with a counter at every rounding; the values are the same, bit for bit."""
    if plan.all_float32:
        return HealthGraph(graph_def, {})
    return _Emitter(graph_def, plan, chip, count_health=True).run(keep)


class _Value(NamedTuple):
    """What is known of a tensor's values."""

    exact: bool = False
    """Whether all of them are float16 values."""
    bound: float = UNBOUNDED
    deferred: bool = False
    """Whether they are float16 on the card, but not rounded before the Relu that reads them."""


class _Emitter:
    """Walks the ops in order, knowing of every tensor whether its values are float16 already."""

    def __init__(self, graph_def: tf.GraphDef, plan: DtypePlan, chip: Chip, count_health: bool = False) -> None:
        self.source = graph_def
        self.plan = plan
        self.chip = chip
        self.static: StaticGraph = normalize(graph_def, plan.fetches)
        self.graph: NodeGraph = self.static.graph
        self.ops = matched_ops(self.static, plan)
        self.relus = {op.nodes[0] for op in plan.ops if op.type in ("Relu", "ReluV2") and op.engine == AI_CORE}
        self.readers = self.graph.readers()
        self.fetched = self.graph.fetched_tensors
        self.values: Dict[str, _Value] = {}
        self.rounded: Dict[str, str] = {}
        self.later: List[Input] = []
        """Inputs that a loop gives to its next iteration: known when its body is."""
        names = [node.name for node in graph_def.node]
        self.writer = GraphWriter(self.graph, names, count_health, bool(chip.status), chip.saturate)

    def run(self, keep: Sequence[str]) -> HealthGraph:
        for op, planned in self.ops:
            if planned.engine == AI_CORE:
                self._emit(op, planned)
        for tensor in self.later:
            self._round_next(tensor)
        if self.chip.status:
            self._connect_status(self.graph.nodes[node_name(self.chip.status)])
        counters = self.writer.counters
        self.graph.fetches += tuple(counters.values())
        self.graph.prune()
        emitted = self.graph.to_graph_def()
        append_kept(emitted, self.source, keep)
        return HealthGraph(emitted, dict(counters))

    def _emit(self, op: AscendOp, planned: PlannedOp) -> None:
        writes = op.kernel.writes if op.kernel is not None else 0
        for tensor, dtype in zip(op.inputs, planned.inputs):
            wants_half = dtype == "float16" or (op.type == "Cast" and planned.outputs == ("float16",))
            if wants_half and tensor.dtype == "float32" and tensor.position >= writes:
                if op.type in MERGING and self.graph.nodes[node_name(tensor.tensor)].op in NEXT:
                    self.later.append(tensor)
                else:
                    self._round_input(tensor)
        if writes and op.kernel is not None and not op.kernel.exact and "float16" in planned.outputs:
            self._emulate_writing(op, writes)
            return
        if op.type in ("Muls", "Square"):
            self._respell(op, planned)
        outputs = [
            (index, output.tensor)
            for index, output in enumerate(op.outputs)
            if output.tensor is not None and output.dtype == "float32"
        ]
        if outputs:
            self._finish_outputs(op, planned, outputs)

    def _emulate_writing(self, op: AscendOp, writes: int) -> None:
        """Let an op that writes variables do so in float16."""
        if op.type == "ApplyAdamD":
            emulate_adam(self.writer, op.nodes[0])
        elif op.type in ("AssignAdd", "AssignSub"):
            emulate_addition(self.writer, op.nodes[0])
        else:
            emulate_update(self.writer, op.nodes[0], writes)

    def _respell(self, op: AscendOp, planned: PlannedOp) -> None:
        """Give a node the arithmetic of the op that a fusion made of it."""
        node = self.graph.nodes[op.nodes[0]]
        inputs = data_inputs(node)
        if node.op == "Pow":
            node.op = "Square"
            set_inputs(node, inputs[:1], control_inputs(node))
        elif op.type == "Muls" and planned.inputs[0] == "float16":
            # The pass computes the reciprocal in float32; the kernel has it in its row's dtype.
            divisor = self.static.root(inputs[1])
            reciprocal = round_array(np.float32(1.0 / np.float64(self.static.constant(divisor))), self.chip.saturate)
            node.op = "Mul"
            factor = self._copy(divisor, f"{node.name}/reciprocal", reciprocal)
            set_inputs(node, [inputs[0], factor], control_inputs(node))

    def _connect_status(self, register: tf.NodeDef) -> None:
        """Make the placeholder say whether a value overflowed, in all ops but those that run after it is read."""
        after = self.graph.descendants(register.name)
        flags = [flag for flag in self.writer.overflows if node_name(flag) not in after]
        if not flags:
            return
        any_flag = self.writer.any(f"{register.name}/any", flags)
        register.op = "Identity"
        set_inputs(register, [any_flag], control_inputs(register))
        for name in ("dtype", "shape"):
            register.attr.pop(name)
        register.attr["T"].type = tf.bool.as_datatype_enum

    # Inputs

    def _value(self, tensor: Input) -> _Value:
        if tensor.kind == CONSTANT and tensor.root not in self.values:
            array = self.static.constant(tensor.root)
            bound = float(np.max(np.abs(array))) if array.size and array.dtype.kind == "f" else 0.0
            self.values[tensor.root] = _Value(bound=bound if np.isfinite(bound) else UNBOUNDED)
        return self.values.get(tensor.root, _Value())

    def _round_input(self, tensor: Input) -> None:
        value = self._value(tensor)
        if value.exact or value.deferred or self._is_handle(tensor) or not tensor.edges:
            return
        if tensor.tensor not in self.rounded:
            self.rounded[tensor.tensor] = self._rounded(tensor, value)
        for name, slot in tensor.edges:
            node = self.graph.nodes[name]
            inputs = data_inputs(node)
            inputs[slot] = self.rounded[tensor.tensor]
            set_inputs(node, inputs, control_inputs(node))

    def _round_next(self, tensor: Input) -> None:
        """Round what a loop gives to its next iteration: before it goes round, for nothing may stand in between."""
        if not self._value(tensor).exact:
            node = self.graph.nodes[node_name(tensor.tensor)]
            rounded = self._rounded(tensor._replace(tensor=data_inputs(node)[0]), _Value())
            set_inputs(node, [rounded], control_inputs(node))

    def _rounded(self, tensor: Input, value: _Value) -> str:
        name = f"{node_name(tensor.tensor)}/float16"
        if tensor.kind != CONSTANT:
            label = node_name(tensor.tensor) if tensor.tensor.endswith(":0") else tensor.tensor
            return self.writer.round(name, tensor.tensor, Rounding(value.bound), label)
        array = self.static.constant(tensor.root)
        halves = round_array(array, self.chip.saturate)
        return tensor.tensor if np.array_equal(halves, array) else self._copy(tensor.root, name, halves)

    def _copy(self, constant: str, name: str, value: np.ndarray) -> str:
        """Add a constant beside another, in the same frame."""
        copy = self.writer.constant(name, value)
        self.graph.nodes[node_name(copy)].input.extend(self.graph.nodes[node_name(constant)].input)
        return copy

    def _is_handle(self, tensor: Input) -> bool:
        """Say whether an op reads a variable by its handle: what it takes from there is rounded after it."""
        info = self.static.infos.get(tensor.tensor)
        return info is not None and info.dtype == "resource"

    def _read(self, tensor: Input, dtype: str) -> _Value:
        """Return what is known of an operand as the op reads it; integers and masks do not matter."""
        if tensor.dtype != "float32":
            return _Value(True, 0.0)
        if self._is_handle(tensor):
            return _Value()
        value = self._value(tensor)
        if dtype == "float16" and not value.deferred and tensor.edges:
            return _Value(True, rounded_bound(value.bound))
        return value

    # Outputs

    def _finish_outputs(self, op: AscendOp, planned: PlannedOp, outputs: Sequence[Tuple[int, str]]) -> None:
        """Round an op's float32 outputs where the plan says float16, and note what is known of them.

        Args:
            outputs: position among the op's outputs, and tensor, of those that are float32 in TensorFlow.
        """
        operands = [self._read(tensor, dtype) for tensor, dtype in zip(op.inputs, planned.inputs)]
        bound = result_bound(op, [value.bound for value in operands], planned.inputs, self.static)
        is_exact = self._is_exact(op) and all(value.exact for value in operands)
        for _, output in outputs:
            bound = bound if is_exact or output == outputs[0][1] else UNBOUNDED
            self.values[output] = _Value(True, rounded_bound(bound)) if is_exact else _Value(False, bound)
        halves = [
            output
            for index, output in outputs
            # What one op gives to another that was made of the same node is no tensor of the graph.
            if planned.outputs[index] == "float16" and node_name(output) in op.nodes
        ]
        if operands and operands[0].deferred:
            # Only a Relu is given a deferred input: rounding commutes with it.
            known = Rounding(operands[0].bound, nonnegative=True)
            self._round_output(op, outputs[0][1], known)
        elif is_exact or not halves:
            return
        elif tensor_name(node_name(halves[0])) != halves[0] or f"{node_name(halves[0])}:1" in self.static.infos:
            self._round_outputs(op, halves)
        elif self._defers(halves[0]):
            self.values[halves[0]] = _Value(False, bound, deferred=True)
        else:
            self._forbid_reciprocal(op)
            self._round_output(op, halves[0], Rounding(bound))

    def _is_exact(self, op: AscendOp) -> bool:
        """Say whether an op's results are float16 values whenever its operands are."""
        if op.kernel is None or not op.kernel.exact:
            return False
        if op.type != "MaxPoolGrad":
            return True
        # Where windows overlap, gradients that meet in one element are added.
        node = self.graph.nodes[op.nodes[0]]
        sizes, strides = node.attr["ksize"].list.i, node.attr["strides"].list.i
        return all(size <= stride or size == 1 for size, stride in zip(sizes, strides))

    def _defers(self, output: str) -> bool:
        """Say whether an output's rounding can wait until the Relu that reads it has run."""
        # TensorFlow fuses Conv2D, BiasAdd and Relu only where they follow each other directly, which a rounding in
        # between would undo. Rounding is monotonic and keeps 0, so it gives the same after the Relu as before; any
        # other reader, or a fetch, would see the values unrounded; and what is lost is seen before the Relu alone.
        if self.writer.count_health or self.writer.watch_overflow:
            return False
        readers = self.readers.get(output, [])
        return len(readers) == 1 and output not in self.fetched and readers[0][0] in self.relus

    def _forbid_reciprocal(self, op: AscendOp) -> None:
        """Keep Grappler from multiplying by a rounded reciprocal: it leaves DivNoNan alone."""
        if op.type == "RealDiv" and op.inputs[1].kind == CONSTANT:
            divisor = round_array(self.static.constant(op.inputs[1].root), self.chip.saturate)
            if np.all(divisor != 0):
                self.graph.nodes[op.nodes[0]].op = "DivNoNan"

    def _round_output(self, op: AscendOp, output: str, known: Rounding) -> None:
        """Round what a node computes; the last op of the rounding takes over the node's name."""
        name = node_name(output)
        raw = self.writer.free_name(f"{name}/unrounded")
        rename(self.graph, name, raw)
        result = self.writer.round(f"{name}/float16", tensor_name(raw), known, op.name)
        rename(self.graph, node_name(result), name)
        self.values[output] = _Value(True, rounded_bound(known.bound))

    def _round_outputs(self, op: AscendOp, halves: Sequence[str]) -> None:
        """Round some outputs of a node that has several; an op that passes all of them on takes over its name."""
        name = node_name(halves[0])
        raw = self.writer.free_name(f"{name}/unrounded")
        rename(self.graph, name, raw)
        passed, dtypes = [], []
        for output in self._outputs_of(name):
            index = int(output.partition(":")[2])
            tensor = f"{raw}:{index}"
            if output in halves:
                known = Rounding(self.values[output].bound)
                label = op.name if output == halves[0] else f"{op.name}:{index}"
                tensor = self.writer.round(f"{name}/float16_{index}", tensor, known, label)
                self.values[output] = _Value(True, rounded_bound(known.bound))
            passed.append(tensor)
            dtypes.append(tf.as_dtype(self.static.infos[output].dtype).as_datatype_enum)
        node = tf.NodeDef(name=name, op="IdentityN")
        set_inputs(node, passed, ())
        node.attr["T"].list.type.extend(dtypes)
        self.graph.nodes[name] = node

    def _outputs_of(self, name: str) -> List[str]:
        outputs: List[str] = []
        while f"{name}:{len(outputs)}" in self.static.infos:
            outputs.append(f"{name}:{len(outputs)}")
        return outputs


def matched_ops(static: StaticGraph, plan: DtypePlan) -> List[Tuple[AscendOp, PlannedOp]]:
    """Return each op of the graph with what the plan says of it; raises GraphError when it is of another graph."""
    ops = lower(static, plan.config)
    if tuple(op.name for op in ops) != tuple(op.name for op in plan.ops):
        raise GraphError("the plan was made for another graph")
    return list(zip(ops, plan.ops))


def append_kept(emitted: tf.GraphDef, source: tf.GraphDef, keep: Iterable[str]) -> None:
    """Add what the kept names need beyond the emitted nodes, unchanged."""
    nodes = {node.name: node for node in source.node}
    present = {node.name for node in emitted.node}
    for name in sorted_ancestors(nodes, (node_name(reference) for reference in keep)):
        if name not in present:
            emitted.node.add().CopyFrom(nodes[name])
    drop_dead_colocations(emitted)
