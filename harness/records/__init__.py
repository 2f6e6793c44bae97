"""The nouns. Everyone imports this package; of ours it imports only style settings and precision configurations.

base         what every record is built on
case         a case, its input files, the mode it is computed in
suite        the cases and modes of one invocation, and how much their figures may grow
trial        one process: what it is told to do, and what came of it
scheduling   what the system did to a worker while its steps were timed
environment  the machine and its software, as the worker and as the parent see them
fidelity     how good a picture is: what is measured, what is judged, which blocks are to blame
graph_check  what a graph of the user's own computes in each mode, held against float32
baseline     what is stored to compare later runs with: dtype plans, timings, fidelity
graph_plan   dtype plans of graph files, approved and found
verdict      what a gate says, and the rule it says it by
choice       which modes may be used for pictures of one's own, and how the card is told
power        how good the timing gates are on one machine, and the calibration that measures it
run          a run with its summaries; a comparison of two revisions
"""

from harness.records.base import SCHEMA_VERSION, Losses, Record
from harness.records.baseline import PLAN_DEVICE, Baseline, CasePlan, FidelityFigures, PlanFigures, TimingFigures
from harness.records.case import CARD_REFERENCE_MODE, REFERENCE_MODE, Case, Inputs, Mode
from harness.records.choice import Choice, Ready
from harness.records.environment import Environment, HostRecord, WorkerEnvironment
from harness.records.fidelity import (
    Blame,
    Bound,
    Control,
    Envelope,
    FidelityPlan,
    ModeFidelity,
    PictureDistance,
    Probe,
    TensorError,
    TrialFidelity,
)
from harness.records.graph_check import (
    ApprovedCheck,
    CheckBaseline,
    CheckedFetch,
    CheckedOp,
    CheckedUse,
    FeedSource,
    GraphBlame,
    GraphCheck,
    LostValues,
    ModeCheck,
)
from harness.records.graph_plan import ApprovedPlan, GraphBaseline, GraphGate, GraphPlan, GraphUse
from harness.records.power import Calibration, CalibrationPair, PowerCard
from harness.records.run import Comparison, Growth, Pair, Run, Summary
from harness.records.scheduling import DISTURBED, Scheduling
from harness.records.suite import Limit, Metric, Suite
from harness.records.trial import LossScaling, PhaseName, Status, Trial, TrialResult, disturbance, undisturbed
from harness.records.verdict import Gate, Outcome, Rule, Verdict

__all__ = [
    "ApprovedCheck",
    "CheckBaseline",
    "CheckedUse",
    "CARD_REFERENCE_MODE",
    "DISTURBED",
    "PLAN_DEVICE",
    "REFERENCE_MODE",
    "SCHEMA_VERSION",
    "ApprovedPlan",
    "Baseline",
    "Blame",
    "Bound",
    "Calibration",
    "CalibrationPair",
    "Case",
    "CasePlan",
    "Choice",
    "CheckedFetch",
    "CheckedOp",
    "Comparison",
    "Control",
    "Envelope",
    "Environment",
    "FeedSource",
    "FidelityFigures",
    "FidelityPlan",
    "Gate",
    "GraphBaseline",
    "GraphBlame",
    "GraphGate",
    "GraphPlan",
    "GraphUse",
    "GraphCheck",
    "Growth",
    "HostRecord",
    "Inputs",
    "Limit",
    "LossScaling",
    "Losses",
    "LostValues",
    "Metric",
    "Mode",
    "ModeCheck",
    "ModeFidelity",
    "Outcome",
    "Pair",
    "PhaseName",
    "PictureDistance",
    "PlanFigures",
    "PowerCard",
    "Probe",
    "Ready",
    "Record",
    "Rule",
    "Run",
    "Scheduling",
    "Status",
    "Suite",
    "Summary",
    "TensorError",
    "TimingFigures",
    "Trial",
    "TrialFidelity",
    "TrialResult",
    "Verdict",
    "WorkerEnvironment",
    "disturbance",
    "undisturbed",
]
