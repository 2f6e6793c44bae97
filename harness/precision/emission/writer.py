"""Write new nodes into a graph: small float32 arithmetic, and the rounding of float32 values to float16."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Union

import numpy as np
import tensorflow.compat.v1 as tf

from harness.precision.graph.frames import inner_nodes
from harness.precision.graph.nodes import NodeGraph, constant_node, set_inputs, tensor_name
from harness.precision.number_formats import FLOAT16

UNBOUNDED = float("inf")

_FLOAT = tf.float32.as_datatype_enum
_HALF = tf.float16.as_datatype_enum


class Rounding(NamedTuple):
    """What is known of the values to be rounded, which decides how few ops do it."""

    bound: float = UNBOUNDED
    """Largest possible magnitude; a finite bound also excludes NaN."""
    nonnegative: bool = False


class GraphWriter:
    """Adds nodes under names that are free, and remembers a health counter for every rounding.

    Args:
        watch_overflow: remember for every rounding that can overflow a boolean that says whether it did.
        saturate: of the chip; False keeps IEEE 754's infinities and NaN.
    """

    def __init__(
        self,
        graph: NodeGraph,
        reserved: Iterable[str],
        count_health: bool = False,
        watch_overflow: bool = False,
        saturate: bool = True,
    ) -> None:
        self.graph = graph
        self.taken: Set[str] = set(reserved) | set(graph.nodes)
        self.count_health = count_health
        self.watch_overflow = watch_overflow
        self.saturate = saturate
        self.counters: Dict[str, str] = {}
        self.overflows: List[str] = []
        self.scalars: Dict[float, str] = {}
        self.vectors: Dict[int, str] = {}
        self.has_frames = graph.has_frames
        self.unseen = inner_nodes(graph.nodes) if (count_health or watch_overflow) and graph.has_frames else set()
        """Nodes of loops and branches: what their roundings lose can neither be fetched nor joined with the others'."""

    def add(self, name: str, op: str, inputs: Iterable[str], **attributes: int) -> str:
        """Add a one-output node on these tensors and return its tensor; attributes are dtypes."""
        node = tf.NodeDef(name=self.free_name(name), op=op)
        set_inputs(node, inputs, ())
        for key, value in attributes.items():
            node.attr[key].type = value
        self.graph.nodes[node.name] = node
        return tensor_name(node.name)

    def arithmetic(self, name: str, op: str, *inputs: Union[str, float]) -> str:
        """Add a float32 op; numbers become scalar constants."""
        near = next(value for value in inputs if isinstance(value, str))
        tensors = [value if isinstance(value, str) else self.scalar(value, near) for value in inputs]
        return self.add(name, op, tensors, T=_FLOAT)

    def scalar(self, value: float, near: str) -> str:
        """Return a float32 scalar constant that can be used together with a tensor."""
        if self.has_frames:
            # Inside a loop a constant must belong to the loop's frame.
            return self.constant("float16_rounding", np.float32(value), near)
        if value not in self.scalars:
            self.scalars[value] = self.constant("float16_rounding", np.float32(value))
        return self.scalars[value]

    def constant(self, name: str, value: Union[np.ndarray, np.generic], near: Optional[str] = None) -> str:
        """Add a constant, in the frame of another tensor if given, and return its tensor."""
        node = constant_node(self.free_name(name), value)
        if near is not None and self.has_frames:
            node.input.extend(names_of([near]))
        self.graph.nodes[node.name] = node
        return tensor_name(node.name)

    def free_name(self, name: str) -> str:
        """Return this name, or one like it that no node has, and reserve it."""
        candidate, count = name, 0
        while candidate in self.taken:
            count += 1
            candidate = f"{name}_{count}"
        self.taken.add(candidate)
        return candidate

    def round(self, name: str, source: str, known: Rounding, label: str) -> str:
        """Round a float32 tensor to float16 values and return the result, still stored as float32.

        To nearest, ties to even, saturated to +-65504, NaN made 0 (TF Adapter documentation,
        set_device_sat_mode). The conversion overflows to infinity from 65520 on, which the clip
        after it turns into 65504; clip and test for NaN are left out where the bound excludes them.

        Args:
            label: name under which a health counter is reported.
        """
        half = self.add(f"{name}/half", "Cast", [source], SrcT=_FLOAT, DstT=_HALF)
        rounded = self.add(f"{name}/float", "Cast", [half], SrcT=_HALF, DstT=_FLOAT)
        rounded_nodes = (label, source.split(":")[0], name.partition("/float16")[0])
        is_seen = not self.unseen.intersection(rounded_nodes)
        if self.count_health and is_seen:
            self.counters[label] = self._count(f"{name}/health", source, half, known.bound)
        if self.watch_overflow and is_seen and known.bound > FLOAT16.largest:
            self.overflows.append(self._overflows(f"{name}/status", half))
        if not self.saturate:
            return rounded
        if known.bound > FLOAT16.largest:
            if known.nonnegative:
                rounded = self.arithmetic(f"{name}/clip", "Minimum", rounded, FLOAT16.largest)
            else:
                rounded = self.arithmetic(f"{name}/clip", "ClipByValue", rounded, -FLOAT16.largest, FLOAT16.largest)
        if known.bound == UNBOUNDED:
            is_nan = self.arithmetic(f"{name}/is_nan", "IsNan", rounded)
            rounded = self.add(f"{name}/number", "SelectV2", [is_nan, self.scalar(0.0, rounded), rounded], T=_FLOAT)
        return rounded

    def _count(self, name: str, source: str, half: str, bound: float) -> str:
        """Return an int64 vector: values saturated, values flushed to zero, NaN; what the bound excludes is 0.

        Args:
            half: the source as float16, with infinities and NaN.
        """
        before, after = self._flat(f"{name}/before", source), self._flat_float(f"{name}/after", half)
        nonzero = self.arithmetic(f"{name}/nonzero", "NotEqual", before, 0.0)
        zero = self.arithmetic(f"{name}/zero", "Equal", after, 0.0)
        flushed = self._true(self.add(f"{name}/flushed", "LogicalAnd", [nonzero, zero]))
        saturated = nan = None
        if bound > FLOAT16.largest:
            saturated = self._true(self.arithmetic(f"{name}/saturated", "IsInf", after))
        if bound == UNBOUNDED:
            nan = self._true(self.arithmetic(f"{name}/nan", "IsNan", after))
        none = "" if saturated and nan else self.constant(f"{name}/none", np.int64(0), source)
        counts = [saturated or none, flushed, nan or none]
        packed = self.add(f"{name}/counts", "Pack", counts, T=tf.int64.as_datatype_enum)
        self.graph.nodes[packed[:-2]].attr["N"].i = 3
        return packed

    def any(self, name: str, flags: List[str]) -> str:
        """Return a boolean scalar: whether one of these is true."""
        boolean = tf.bool.as_datatype_enum
        packed = self.add(f"{name}/flags", "Pack", flags, T=boolean)
        self.graph.nodes[packed[:-2]].attr["N"].i = len(flags)
        return self.add(name, "Any", [packed, self._first_axis(name)], Tidx=tf.int32.as_datatype_enum)

    def _overflows(self, name: str, half: str) -> str:
        """Return a boolean scalar: whether a value is no finite float16."""
        finite = self.arithmetic(f"{name}/finite", "IsFinite", self._flat_float(name, half))
        axis, index = self._first_axis(name, finite), tf.int32.as_datatype_enum
        return self.add(name, "LogicalNot", [self.add(f"{name}/all", "All", [finite, axis], Tidx=index)])

    def _flat_float(self, name: str, half: str) -> str:
        """Return a float16 tensor's values as a float32 vector: TensorFlow's float16 arithmetic is slow."""
        # The same cast as the rounding's own, with which Grappler merges it: that one may take over another name.
        return self._flat(name, self.add(f"{name}/float", "Cast", [half], SrcT=_HALF, DstT=_FLOAT))

    def _flat(self, name: str, source: str) -> str:
        shape = self._small_constant(f"{name}/shape", -1, source)
        return self.add(f"{name}/flat", "Reshape", [source, shape], T=_FLOAT, Tshape=tf.int32.as_datatype_enum)

    def _first_axis(self, name: str, near: Optional[str] = None) -> str:
        return self._small_constant(f"{name}/axes", 0, near)

    def _small_constant(self, name: str, value: int, near: Optional[str]) -> str:
        """Return an int32 vector of one element, shared by all that can be used together."""
        if self.has_frames:
            return self.constant(name, np.array([value], np.int32), near)
        if value not in self.vectors:
            self.vectors[value] = self.constant("float16_rounding_vector", np.array([value], np.int32))
        return self.vectors[value]

    def _true(self, flags: str) -> str:
        """Count the true elements of a boolean vector of fewer than 2**31, as int64."""
        name, axis = flags[:-2], self._first_axis(flags[:-2], flags)
        boolean, int32, int64 = (dtype.as_datatype_enum for dtype in (tf.bool, tf.int32, tf.int64))
        # Most tensors lose nothing, and to ask whether one does takes a seventh of the time of counting.
        some = self.add(f"{name}/some", "Any", [flags, axis], Tidx=int32)
        lost = self.add(f"{name}/if_some", "Switch", [flags, some], T=boolean)[:-2] + ":1"
        # Added as int32: int64 takes half as long again.
        ones = self.add(f"{name}/ones", "Cast", [lost], SrcT=boolean, DstT=int32)
        count = self.add(f"{name}/sum", "Sum", [ones, axis], T=int32, Tidx=int32)
        count = self.add(f"{name}/count", "Cast", [count], SrcT=int32, DstT=int64)
        none = self.constant(f"{name}/none", np.int64(0), flags)
        none = self.add(f"{name}/if_none", "Switch", [none, some], T=int64)
        merged = self.add(f"{name}/merged", "Merge", [none, count], T=int64)
        self.graph.nodes[merged[:-2]].attr["N"].i = 2
        return merged


def round_array(value: np.ndarray, saturate: bool = True) -> np.ndarray:
    """Round a float32 array as GraphWriter.round does its tensor."""
    with np.errstate(over="ignore"):
        halves = np.asarray(value, np.float32).astype(np.float16).astype(np.float32)
    if not saturate:
        return halves
    halves = np.clip(halves, -FLOAT16.largest, FLOAT16.largest)
    return np.where(np.isnan(halves), 0, halves).astype(np.float32)


def rename(graph: NodeGraph, name: str, new_name: str) -> None:
    """Give a node a new name; its readers keep naming the old one, for another node to take."""
    node = graph.nodes.pop(name)
    node.name = new_name
    graph.nodes[new_name] = node


def names_of(tensors: List[str]) -> List[str]:
    """Return control references to the producers of tensors."""
    return ["^" + tensor.split(":")[0] for tensor in tensors]
