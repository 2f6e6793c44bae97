"""Emitted graphs with functions, branches and loops: they end, and take the branch that the graph takes."""

import numpy as np
import pytest

from harness.precision import emit_rounded, load_config, plan_graph
from harness.precision.graph.inlining import inline_functions
from tests.precision import control_flow

SPELLINGS = [(maker, functional) for maker in control_flow.MAKERS for functional in (True, False)]


@pytest.mark.parametrize("maker, functional", [*SPELLINGS, *((maker, True) for maker in control_flow.FUNCTIONAL)])
def test_a_graph_computes_nearly_the_same_in_float16(maker, functional):
    graph_def, initialize = control_flow.build(getattr(control_flow, maker), functional)
    flat = inline_functions(graph_def).graph_def
    plan = plan_graph(flat, ["out:0"], load_config("force_fp16"))
    emitted = emit_rounded(flat, plan, keep=[initialize])
    for feed in (control_flow.FEED / 3, -control_flow.FEED / 3):
        expected = control_flow.run(flat, initialize, feed)
        found = control_flow.run(emitted, initialize, feed)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 2**-8 * np.abs(expected).max()
