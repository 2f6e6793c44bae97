"""The dtype plans of a graph file: as they were approved, and as a gate finds them."""

from typing import Dict, Optional, Tuple

from harness.records.base import SCHEMA_VERSION, FileName, Record
from harness.records.baseline import PlanFigures
from harness.records.case import Mode
from harness.records.verdict import Verdict


class GraphUse(Record):
    """What a graph is planned for; plans of other uses are incomparable."""

    signature: str = ""
    """Of a SavedModel; empty when none was named."""
    fetches: Tuple[str, ...]
    """Tensors and operations that it is run for, also where they were guessed."""
    shapes: Dict[str, Tuple[Optional[int], ...]] = {}
    """Shapes that were given, by placeholder; None for a size that stays unknown."""
    inputs: Tuple[str, ...] = ()
    """Tensors that are fed although the graph computes them."""


class GraphPlan(Record):
    """The plan of a graph in one mode."""

    mode: Mode
    figures: PlanFigures
    use: GraphUse


class ApprovedPlan(Record):
    """A plan that was approved."""

    plan: GraphPlan
    op_table: str
    """Operator table of the plan, as OpTable.source says it."""
    packages: Dict[str, str]
    """Environment.packages of the process that approved it."""
    reason: str
    """Why it was approved, in the words of the person who approved it."""
    date: str
    """Time of the approval: ISO 8601, UTC."""


class GraphBaseline(Record):
    """What was approved of a graph: a plan for each mode."""

    schema_version: int = SCHEMA_VERSION
    checksum: str = ""
    """SHA-256 over all other fields, as harness.store.baselines.sealed computes it."""
    plans: Dict[str, ApprovedPlan] = {}
    """By name of the mode."""


class GraphGate(Record):
    """What the gate says of a graph file's plans."""

    schema_version: int = SCHEMA_VERSION
    graph: FileName
    """Path of the file, as the user named it."""
    baseline: FileName
    """Path of the file with the approved plans, as the user named it."""
    started: str
    """ISO 8601, UTC."""
    command: Tuple[str, ...] = ()
    op_table: str
    """Operator table of the plans, as OpTable.source says it."""
    packages: Dict[str, str]
    plans: Tuple[GraphPlan, ...]
    verdicts: Tuple[Verdict, ...] = ()
