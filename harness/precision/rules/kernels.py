"""Kernels of the Ascend 910: which dtypes each takes, which mixed-precision list it is on, what it does."""

import fnmatch
import functools
import re
from typing import Dict, FrozenSet, Pattern, Tuple

from pydantic import BaseModel, ConfigDict, model_validator
from typing_extensions import Literal

PACKAGED = "packaged"

WHITE, GRAY, BLACK = "white", "gray", "black"

Unit = Literal["cube", "vector", "move", "host"]
Cost = Literal[
    "none",
    "elements",
    "convolution",
    "input_gradient",
    "filter_gradient",
    "depthwise",
    "depthwise_input_gradient",
    "depthwise_filter_gradient",
    "product",
    "window",
    "addition",
    "adam",
]
"""How an op's arithmetic is counted; rules.costs has the formula of each."""
Bound = Literal[
    "unknown", "one", "selected", "scattered", "sum", "product", "quotient", "inner_product", "reduction", "squares"
]
"""How the largest magnitude of an op's first output follows from its operands; emission.bounds has the formulas."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KernelRow(_Row):
    """One dtype combination a kernel was built for: a dtype for every input and output, in position order."""

    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]


class OpKernel(_Row):
    """One Ascend op type: its ordered kernel rows, the unit that runs it, its built-in mixlist flag, and what it does.

    The files of harness/precision/data say what each column means.
    """

    type: str
    unit: Unit
    mixlist: Literal["white", "gray", "black"] = "gray"
    ai_cpu: Literal["yes", "no", "unknown"] = "no"
    rows: Tuple[KernelRow, ...] = ()
    variadic: Literal["", "inputs", "outputs"] = ""
    optional: Tuple[int, ...] = ()
    exact: bool = False
    no_kernel: bool = False
    local: bool = False
    assumed: bool = False
    disputed: str = ""
    cost: Cost
    bound: Bound
    writes: int = 0

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, columns: Dict[str, object]) -> Dict[str, object]:
        """Give the columns that may be left out the value that most ops have."""
        computes = columns.get("unit") in ("cube", "vector")
        defaults: Dict[str, object] = {
            "cost": "elements" if computes else "none",
            "bound": "selected" if columns.get("exact") else "unknown",
        }
        return {**defaults, **columns}

    @model_validator(mode="after")
    def _check_rows(self) -> "OpKernel":
        if len({(len(row.inputs), len(row.outputs)) for row in self.rows}) > 1:
            raise ValueError("rows: expected as many inputs and outputs in each")
        inputs = len(self.rows[0].inputs) if self.rows else 0
        if not 0 <= self.writes <= inputs:
            raise ValueError(f"writes: expected 0 to {inputs}, the number of inputs")
        if any(position >= inputs for position in self.optional):
            raise ValueError(f"optional: expected positions below {inputs}, the number of inputs")
        return self

    def rows_for(self, inputs: int, outputs: int = 1) -> Tuple[KernelRow, ...]:
        """Return the rows of an op with this many inputs and outputs.

        A variadic row has its first input, or its one output, as often as the op needs. An op may have fewer tensors
        than its rows: it is decided by the first of each row.
        """
        if self.variadic == "inputs":
            return tuple(
                row.model_copy(update={"inputs": row.inputs[:1] * (inputs - len(row.inputs) + 1) + row.inputs[1:]})
                for row in self.rows
            )
        if self.variadic == "outputs":
            return tuple(row.model_copy(update={"outputs": row.outputs[:1] * outputs}) for row in self.rows)
        return self.rows


class AttributeForm(_Row):
    """The type that an op becomes when some of its inputs are constants: they are attributes then."""

    type: str
    attributes: Tuple[int, ...]
    """Positions of those inputs; a negative one counts from the last."""

    def positions(self, inputs: int) -> Tuple[int, ...]:
        """Return the positions for an op with this many inputs; some may lie beyond them."""
        return tuple(position % inputs if position < 0 else position for position in self.attributes)


class OpTable(_Row):
    """Every op type known here, by Ascend type; cube types have their float32 lowered first (GE fe.ini)."""

    ops: Dict[str, OpKernel]
    cube_types: FrozenSet[str]
    attribute_forms: Dict[str, AttributeForm]
    """By Ascend type."""
    tensorflow: Dict[str, str]
    """Ascend type by TensorFlow's name, where the two differ."""
    host: Tuple[str, ...] = ()
    """Patterns of TensorFlow ops that never reach AI Core, such as queues and summaries."""
    date: str = ""
    """Date of the vendor's table that the package has."""
    source: str = PACKAGED
    """PACKAGED, or the path of the table that replaces it and its SHA-256."""

    def known_type(self, op_type: str) -> bool:
        """Say whether an op can be of this Ascend type."""
        return op_type in self.ops or op_type in self.cube_types or op_type in self.tensorflow.values()

    def ascend_type(self, tf_op: str) -> str:
        """Return the Ascend type of a TensorFlow op that no fusion takes part in."""
        return self.tensorflow.get(tf_op, tf_op)

    def is_host(self, tf_op: str) -> bool:
        """Say whether a TensorFlow op is one of those that never reach AI Core."""
        return _pattern(self.host).fullmatch(tf_op) is not None

    def cost(self, op_type: str) -> Cost:
        """Return how the arithmetic of a type is counted; "none" for types that are known nowhere."""
        kernel = self.ops.get(op_type)
        return "none" if kernel is None else kernel.cost


@functools.lru_cache(maxsize=8)
def _pattern(patterns: Tuple[str, ...]) -> Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns) or "(?!)")
