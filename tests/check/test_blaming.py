"""What is blamed for the faults that are built into small graphs."""

import pytest
import tensorflow.compat.v1 as tf

from harness import modes
from harness.check.blaming import GraphSearch, scope_of
from harness.check.messages import BlameQuestion, RandomRange
from harness.devices.opening import open_device
from harness.graphs.source import GraphSource
from tests.check import graphs


@pytest.fixture
def blame(tmp_path):
    """Searches the graph that a function makes; returns the answer and what was told."""

    def run(make, mode, low=-1.0, high=1.0, **asked):
        path = graphs.save(tmp_path / "graph.pb", make)
        question = BlameQuestion(
            graph=GraphSource(path=path), mode=modes.get(mode), random=RandomRange(low=low, high=high), **asked
        )
        told = []
        return GraphSearch(question, open_device("cpu"), told.append).run(), told

    return run


@pytest.mark.parametrize(
    "make, mode, low, high, blamed",
    [
        (graphs.far_divisor, "allow_mix_precision", -1.0, 1.0, {"mean/quotient"}),
        # What reads the quotient, some millionths, would round it to a few bits.
        (graphs.far_divisor, "force_fp16", -1.0, 1.0, {"mean/quotient", "last/mul"}),
        # What reads the sum would round it to float16 itself.
        (graphs.long_sum, "force_fp16", 0.0, 2.0, {"total/sum", "last/out"}),
    ],
)
def test_a_fault_is_blamed_on_the_ops_that_have_it(blame, make, mode, low, high, blamed):
    found, told = blame(make, mode, low, high)
    assert set(found.ops) == blamed
    assert found.before.fitness == "wrong" and found.after.fitness == "fit" and found.fit_after
    keys = {line.partition("::")[0] for line in found.customize_dtypes.splitlines()}
    assert keys == blamed
    scores = [answer.score for answer in told if answer.score]
    assert len(scores) == found.tried and not scores[0].fit and scores[0].distance > scores[0].limit
    fitting = [set(score.ops) for score in scores if score.fit]
    assert blamed in fitting and not any(ops < blamed for ops in fitting)


def test_a_softmax_that_takes_no_maximum_off_is_blamed_from_its_powers_on(blame):
    found, _ = blame(graphs.bare_softmax, "force_fp16", -3.0, 3.0)
    assert set(found.ops) == {"softmax/exp", "softmax/sum", "softmax/out"}
    assert found.fit_after


def test_a_fit_mode_has_nothing_to_blame(blame):
    found, told = blame(graphs.healthy, "force_fp16")
    assert (found.ops, found.after, found.tried, found.fit_before) == ((), None, 1, True)


def test_what_no_op_in_float32_mends_is_said_to_stay_so(blame):
    def make():
        # A cube op has no kernel with float32 operands on the card.
        x = tf.placeholder(tf.float32, (4, 32), name="x")
        tf.matmul(x * 1e6, graphs.weights(32, 8), name="out")

    found, _ = blame(make, "allow_mix_precision")
    assert (found.ops, found.customize_dtypes, found.fit_after) == ((), "", False)
    assert found.before.fitness == "wrong"


@pytest.mark.parametrize(
    "op, scope", [("a/b/MatMul", "a/b"), ("MatMul", "(no scope)"), ("gradients/a/b_grad/Mul", "gradients/a/b_grad")]
)
def test_a_block_is_a_whole_scope(op, scope):
    assert scope_of(op) == scope
