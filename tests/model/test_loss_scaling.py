import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from model import loss_scaling, losses, stylization, vgg
from model.settings import LossScale, StyleSettings


@pytest.fixture
def steps():
    """Runs steps of a small case, some of them with a bad status; returns what loss scaling said, and the pictures."""

    def run(loss_scale, bad=(), count=3, **settings):
        network, settings = vgg.load("synthetic-narrow"), StyleSettings(style_weight=0, **settings)
        picture = np.random.RandomState(0).uniform(0, 255, (1, 32, 32, 3)) - network.mean_pixel
        target = np.ones((1, 4, 4, network.biases["conv4_2"].size), np.float32)
        targets = losses.Targets(({"relu4_2": target},), ())
        train = stylization.train if loss_scale is None else loss_scaling.scaled_training(loss_scale)
        graph = stylization.step_graph(picture, targets, network, settings, train=train)
        said, pictures = [], []
        with tf.Graph().as_default():
            tf.import_graph_def(graph.graph_def, name="")
            with tf.Session() as session:
                session.run(graph.initialize)
                for step in range(count):
                    feeds = {f"{loss_scaling.OVERFLOW_STATUS}:0": True} if step in bad else {}
                    said.append(session.run([graph.update, graph.scaling], feeds)[1])
                    pictures.append(session.run(graph.result))
                state = session.run(graph.state)
        return said, pictures, state

    return run


def test_a_power_of_two_changes_nothing_in_float32(steps):
    (_, plain, _), (said, scaled, _) = steps(None), steps(LossScale(init=1024))
    assert [(one["scale"], one["updates"]) for one in said] == [(1024, 0), (1024, 1), (1024, 2)]
    for one, other in zip(plain, scaled):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("epsilon", [0, 1e-8])
def test_a_skipped_step_leaves_picture_and_moments_as_they_were(steps, epsilon):
    (_, plain, expected), (said, scaled, state) = (
        steps(None, count=2, epsilon=epsilon),
        steps(LossScale(init=2), bad=(0, 2), count=4, epsilon=epsilon),
    )
    assert [one["updates"] for one in said] == [0, 0, 1, 1]
    np.testing.assert_array_equal(scaled[1], scaled[2])
    np.testing.assert_array_equal(scaled[3], plain[1])
    for name, value in expected.items():
        np.testing.assert_array_equal(state[name], value)


def _reference(loss_scale, finite):
    """The exponential manager in Python, as the adapter's documentation has it."""
    scale, good, bad = loss_scale.init, 0, 0
    for ok in finite:
        yield scale
        if ok and good + 1 >= loss_scale.incr_every:
            scale, good, bad = scale * loss_scale.incr_ratio, 0, 0
        elif ok:
            good += 1
        elif bad + 1 >= loss_scale.decr_every:
            scale, good, bad = max(1, scale * loss_scale.decr_ratio), 0, 0
        else:
            bad, good = bad + 1, 0


@pytest.mark.parametrize("seed", range(2))
def test_the_exponential_manager_follows_the_adapter_s(steps, seed):
    loss_scale = LossScale(init=4, dynamic=True, incr_every=3, decr_every=2, decr_ratio=0.25)
    finite = np.random.RandomState(seed).uniform(size=24) < 0.6
    said, _, _ = steps(loss_scale, bad=set(np.flatnonzero(~finite)), count=24)
    assert [one["scale"] for one in said] == list(_reference(loss_scale, finite))


def test_a_gradient_that_is_not_finite_is_not_applied(steps):
    said, pictures, _ = steps(LossScale(init=3e38), count=2)
    assert [one["updates"] for one in said] == [0, 0]
    assert np.isfinite(pictures[1]).all()
