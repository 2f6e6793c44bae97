"""The Ascend 910 compiler's dtype decisions for a TensorFlow graph, and the graph that computes as they say.

    plan = plan_graph(graph_def, ["train_step", "loss:0"], load_config("allow_mix_precision"))
    print(render_plan(plan))
    emulated = emit_rounded(graph_def, plan, keep=["init"])

Configurations, plans and their text need no TensorFlow; planning and emitting import it when first used.
"""

import importlib
from typing import Any

from harness.precision.rules.config import (
    ALIASES,
    FURTHER_MODES,
    MATMUL32,
    MATMUL32_FILE,
    MODES,
    PROFILES,
    CustomDtypes,
    MixList,
    PrecisionConfig,
    PrecisionConfigError,
    load_config,
    parse_customize_dtypes,
    parse_fusion_switch,
    parse_modify_mixlist,
)
from harness.precision.rules.config_text import customize_dtypes_text, fusion_switch_text, modify_mixlist_text
from harness.precision.rules.layers import ExplainedOp, Layer, explain_layers, layer_name
from harness.precision.rules.ops_info import OpsInfoError
from harness.precision.rules.plan import (
    ASSUMED_BANDWIDTH,
    PEAK_FLOPS,
    ConstantRange,
    DtypePlan,
    OpDifference,
    PlannedCast,
    PlannedOp,
    Totals,
    UnitTotals,
    diff_plans,
)
from harness.precision.rules.plan_text import render_op, render_plan
from harness.precision.rules.unknown_work import UnknownWork, unknown_work

_NEEDS_TENSORFLOW = {
    "Chip": "emission.rounded",
    "GraphError": "graph.nodes",
    "HealthGraph": "emission.rounded",
    "NoKernelError": "emission.native",
    "emit_native": "emission.native",
    "emit_rounded": "emission.rounded",
    "emit_with_health": "emission.rounded",
    "normalize": "graph.normalization",
    "output_nodes": "graph.nodes",
    "plan_graph": "rules.planning",
}


def __getattr__(name: str) -> Any:
    if name not in _NEEDS_TENSORFLOW:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_NEEDS_TENSORFLOW[name]}", __name__), name)


__all__ = [
    "ALIASES",
    "ASSUMED_BANDWIDTH",
    "FURTHER_MODES",
    "MATMUL32",
    "MATMUL32_FILE",
    "MODES",
    "PEAK_FLOPS",
    "PROFILES",
    "ConstantRange",
    "CustomDtypes",
    "DtypePlan",
    "ExplainedOp",
    "Layer",
    "MixList",
    "OpDifference",
    "OpsInfoError",
    "PlannedCast",
    "PlannedOp",
    "PrecisionConfig",
    "PrecisionConfigError",
    "Totals",
    "UnitTotals",
    "UnknownWork",
    "customize_dtypes_text",
    "diff_plans",
    "explain_layers",
    "fusion_switch_text",
    "layer_name",
    "load_config",
    "modify_mixlist_text",
    "parse_customize_dtypes",
    "parse_fusion_switch",
    "parse_modify_mixlist",
    "render_op",
    "render_plan",
    "unknown_work",
]
