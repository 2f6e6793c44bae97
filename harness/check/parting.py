"""Every op's output in a mode, held against float32's: where a mode parts from it. Needs TensorFlow."""

from typing import Dict, Iterator, List, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from harness.check import errors
from harness.check.measuring import Reference
from harness.check.noise import noisy_graph
from harness.check.running import ULP
from harness.precision import DtypePlan, PlannedOp, emit_rounded
from harness.precision.graph.frames import inner_nodes
from harness.records.graph_check import CheckedOp

_NOISY_RUNS = 4
"""Runs with noise for the limits of all ops; fewer than those of fetches, for they decide no verdict."""
_BYTES = 2**29
"""Size of the outputs that are held in memory at once, about, for each of the graphs."""


class OpOutputs:
    """Holds the outputs of a graph's ops against float32's, in one sample.

    Noise is measured once for all modes that are compared in the same sample.
    """

    def __init__(self, reference: Reference, sample: int) -> None:
        self._reference, self._sample = reference, sample
        self._noise: Dict[str, float] = {}

    def compare(self, plan: DtypePlan) -> List[CheckedOp]:
        """Return every op of the plan whose first output both graphs have, in the graph's order."""
        reference, subject = self._reference, self._reference.subject
        emitted = emit_rounded(subject.graph_def, plan, subject.kept)
        noisy = noisy_graph(subject.graph_def, subject.run_for)
        ops = _comparable(plan, [subject.graph_def, emitted])
        feeds, draws = reference.samples[self._sample], reference.draws[self._sample]
        found = []
        runner = reference.runner
        with runner(subject.graph_def) as plain, runner(emitted) as rounded, runner(noisy) as moved:
            for part in _parts(ops):
                tensors = [tensor for _, tensor in part]
                exact = plain.outputs(feeds, draws, tensors)
                own = rounded.outputs(feeds, draws, tensors)
                unknown = [tensor for tensor in tensors if tensor not in self._noise]
                for seed in range(1, _NOISY_RUNS + 1) if unknown else ():
                    for name, value in moved.outputs(feeds, draws, unknown, ULP, seed).items():
                        distance = errors.fetch_error(value, exact[name]).distance
                        self._noise[name] = max(self._noise.get(name, 0.0), distance)
                found += [self._compared(op, tensor, own[tensor], exact[tensor]) for op, tensor in part]
        return found

    def _compared(self, op: PlannedOp, tensor: str, own: np.ndarray, exact: np.ndarray) -> CheckedOp:
        error = errors.fetch_error(own, exact)
        limit = errors.limit([self._noise[tensor]])
        assert limit is not None
        return CheckedOp(
            op=op.name,
            type=op.type,
            dtypes=op.dtypes,
            rule=op.rule,
            distance=error.distance,
            limit=limit,
            parts=bool(error.not_finite) or error.distance > limit,
        )


def _comparable(plan: DtypePlan, graphs: Sequence[tf.GraphDef]) -> List[Tuple[PlannedOp, str]]:
    """Return the ops whose first output is a float32 tensor of all graphs that can be fetched, with that tensor."""
    having = []
    for graph_def in graphs:
        inner = inner_nodes({node.name: node for node in graph_def.node})
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
        tensors = [tensor for one in graph.get_operations() if one.name not in inner for tensor in one.outputs]
        having.append({tensor.name for tensor in tensors if tensor.dtype == tf.float32})
    return [(op, op.result) for op in plan.ops if op.result and all(op.result in names for names in having)]


def _parts(ops: Sequence[Tuple[PlannedOp, str]]) -> Iterator[List[Tuple[PlannedOp, str]]]:
    part: List[Tuple[PlannedOp, str]] = []
    size = 0
    for op, tensor in ops:
        if part and size + op.bytes_moved > _BYTES:
            yield part
            part, size = [], 0
        part.append((op, tensor))
        size += op.bytes_moved
    if part:
        yield part
