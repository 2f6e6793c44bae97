"""What the check of a graph is asked, and what it says while it goes on."""

from typing import Optional, Tuple

from typing_extensions import Literal

from harness.graphs.source import GraphSource
from harness.records import GraphCheck, Mode, Record


class RandomRange(Record):
    """What random feeds are drawn from."""

    low: float = -1.0
    high: float = 1.0
    seed: int = 0
    samples: int = 3


class GraphQuestion(Record):
    """A graph file and how it is run."""

    graph: GraphSource
    feeds: Tuple[str, ...] = ()
    """Paths of .npz files, one a sample; empty: random feeds."""
    random: RandomRange = RandomRange()
    initialize: str = ""
    """Operation that sets the variables; empty: what the file restores them by, or `init`."""
    steps: int = 1
    noise: int = 6
    """Least number of runs with noise over all samples."""


class CheckQuestion(GraphQuestion):
    """What is to be checked."""

    modes: Tuple[Mode, ...]
    every_op: bool = False
    """True to hold the output of every op against float32's."""


class BlameQuestion(GraphQuestion):
    """A mode that computes a graph wrong."""

    mode: Mode
    hints: Tuple[Tuple[str, ...], ...] = ()
    """Names of ops that mended other modes: the first such set that mends this one too is the answer."""


Phase = Literal["reading", "float32", "float64", "noise", "planning", "mode", "ops"]


class CheckAnswer(Record):
    """A message of the check: one field is set, and the mode beside its phase; the last holds the check or an error."""

    phase: Optional[Phase] = None
    mode: str = ""
    check: Optional[GraphCheck] = None
    error: str = ""
