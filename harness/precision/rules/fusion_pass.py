"""What a fusion pass of the compiler is: what it makes of a node, under its registered name."""

from typing import Callable, NamedTuple, Optional, Tuple

import tensorflow.compat.v1 as tf

from harness.precision.rules.ascend_ops import AscendOp, Lowering


class Made(NamedTuple):
    """The ops that a pass makes of a node, and of the other nodes that it takes in."""

    ops: Tuple[AscendOp, ...]
    absorbed: Tuple[str, ...] = ()


class Pass(NamedTuple):
    """A fusion pass."""

    name: str
    ops: Tuple[str, ...]
    """TensorFlow ops of the node whose outputs are those of the fusion."""
    make: Callable[[Lowering, tf.NodeDef], Optional[Made]]
    since: str = ""
    """First profile that has it; empty: all have it."""
