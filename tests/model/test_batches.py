"""A batch is its pictures side by side: nothing mixes, and the card would decide on each as on a picture alone."""

import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness import modes
from harness.precision import plan_graph
from model import stylization
from model.settings import StyleSettings
from tests.model import training
from tests.model.numpy_model import picture
from tests.model.test_stylization import BALANCED, NETWORK, STYLES

CONTENTS = [picture(32, 40, seed=seed) for seed in (1, 7)]


def build(contents, seeds, dtype=tf.float64, **settings):
    """The step of these pictures, each starting between itself and noise."""
    settings = StyleSettings(**{**BALANCED, **settings})
    targets = training.targets(contents, STYLES, NETWORK, settings, dtype)
    starts = [training.start(content, NETWORK, 0.5, seed) for content, seed in zip(contents, seeds)]
    return stylization.step_graph(np.concatenate(starts), targets, NETWORK, settings, dtype)


@pytest.mark.parametrize("settings", [{}, {"pooling": "avg", "content_weight": 0, "tv_weight": 0}])
def test_each_picture_is_drawn_as_in_a_run_of_its_own(settings):
    seeds = (3, 4)
    batch = build(CONTENTS, seeds, **settings)
    with training.session(batch) as session:
        found = [session.run([batch.losses, batch.update])[0] for _ in range(3)]
        pictures = session.run(batch.result)
    for index, (content, seed) in enumerate(zip(CONTENTS, seeds)):
        rows, alone = training.train(build([content], [seed], **settings), 3)
        np.testing.assert_allclose([[loss[index] for loss in row.values()] for row in found], rows, rtol=1e-9)
        np.testing.assert_allclose(pictures[index], alone[0], rtol=1e-7, atol=1e-7)


@pytest.fixture(scope="module")
def steps():
    return [build(CONTENTS[:count], (3, 4), tf.float32) for count in (1, 2)]


@pytest.mark.parametrize("mode", ["allow_fp32_to_fp16", "allow_mix_precision", "allow_mix_precision+matmul32"])
def test_the_card_decides_on_each_picture_as_on_one_alone(steps, mode):
    alone, batch = (
        {
            op.name: (op.type, op.dtypes)
            for op in plan_graph(step.graph_def, [step.update, *step.losses.values()], modes.get(mode).precision).ops
        }
        for step in steps
    )
    # Sums of gradients are numbered, not named.
    sums = [{name: plan.pop(name) for name in list(plan) if plan[name][0] == "AddN"} for plan in (alone, batch)]
    assert {dtypes[-2:] for _, dtypes in sums[0].values()} == {dtypes[-2:] for _, dtypes in sums[1].values()}
    seconds = set()
    for name, decision in alone.items():
        assert batch.pop(name) == decision, name
        second = re.sub(r"(gram_relu\d_\d|content_loss|style_loss|tv_loss)/", r"\1_picture2/", name, count=1)
        if second != name:
            assert batch.pop(second) == decision, second
            seconds.add(second)
    assert len(seconds) > 100
    # What is left takes the pictures apart and puts their losses side by side.
    left = {decision[0] for decision in batch.values()}
    assert left == {"Add", "Pack", "StridedSliceD", "StridedSliceGrad"}
