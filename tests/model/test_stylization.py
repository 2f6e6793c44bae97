import json
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from model import constants, losses, stylization, vgg
from model.settings import STYLE_LAYERS, StyleSettings
from tests.model import make_trajectory, numpy_model, training
from tests.model.numpy_model import picture

NETWORK = vgg.load("synthetic-narrow")
CONTENT = picture(32, 40, seed=1)
STYLES = [picture(40, 48, seed=2), picture(33, 35, seed=3)]

# With the default weights style outweighs the rest a thousandfold; these let every term show in the total.
BALANCED = {"style_weight": 0.01, "content_weight_blend": 0.4, "tv_weight": 10.0}


def build(content=CONTENT, styles=STYLES[:1], dtype=tf.float64, noise_blend=0.5, seed=0, **settings):
    """The step graph for these settings; it starts between the content and noise."""
    settings = StyleSettings(**settings)
    targets = training.targets(content, styles, NETWORK, settings, dtype)
    start = training.start(content, NETWORK, noise_blend, seed)
    return stylization.step_graph(start, targets, NETWORK, settings, dtype)


# The start


@pytest.mark.parametrize(
    "initial, noise_blend, share_of_noise, share_of_picture",
    [(None, None, 1, 0), (None, 0.25, 0.25, 0.75), ("given", None, 0, 1), ("given", 0.25, 0.25, 0.75)],
)
def test_the_start_is_a_blend_of_picture_and_noise(initial, noise_blend, share_of_noise, share_of_picture):
    given = picture(32, 40, seed=9) if initial else None
    mean_pixel = NETWORK.mean_pixel
    start = stylization.initial_picture(CONTENT, given, noise_blend, mean_pixel, seed=3)
    noise = stylization.initial_picture(CONTENT, None, None, mean_pixel, seed=3)
    assert 0.24 < noise.std() < 0.27
    drawn_from = (CONTENT if given is None else given) - mean_pixel
    expected = share_of_picture * drawn_from + share_of_noise * noise
    np.testing.assert_allclose(start, expected, atol=1e-12)


def test_total_variation_of_the_noise_start_is_26_2():
    # Expected: 100 * 4 * 0.256^2. Neighbouring differences share a pixel, so over n values the variance of
    # each of the two means is 12 sigma^4 / n, their covariance 8 sigma^4 / n. One standard deviation is then
    # sqrt(40 / n) / 4 = 0.18 % of the expected value at 512x512, and the tolerance is four of them.
    content = np.zeros((512, 512, 3), np.uint8)
    step = build(content, styles=[], noise_blend=None, dtype=tf.float32, content_weight=0, style_weight=0)
    with training.session(step) as session:
        losses = session.run(step.losses)
    assert losses["tv"] == pytest.approx(26.2144, rel=0.0072)
    assert losses["total"] == losses["tv"]


# What it weighs


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_the_graph_is_the_one_that_plain_constants_make(dtype, monkeypatch):
    ours = build(dtype=dtype, content_weight_blend=0.4)
    for module in (constants, losses):
        monkeypatch.setattr(module, "constant", lambda value, dtype, name: tf.constant(value, dtype, name=name))
    plain = build(dtype=dtype, content_weight_blend=0.4)
    assert ours[1:] == plain[1:]
    serialized = [graph.graph_def.SerializeToString(deterministic=True) for graph in (ours, plain)]
    assert serialized[0] == serialized[1]


def test_only_the_graph_def_holds_the_weights(monkeypatch):
    fill, own = stylization.graph_def_of, []

    def graph_def(graph):
        own.append(graph.as_graph_def().ByteSize())
        return fill(graph)

    monkeypatch.setattr(stylization, "graph_def_of", graph_def)
    kernel = NETWORK.kernels["conv1_1"]
    readers = sys.getrefcount(kernel)
    step = build()
    assert own[-1] < step.graph_def.ByteSize() / 4
    assert sys.getrefcount(kernel) == readers


# The mathematics, against NumPy


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_targets_are_the_activations_and_gram_matrices(pooling):
    settings = StyleSettings(content_weight_blend=0.5, pooling=pooling)
    odd = picture(37, 45, seed=4)  # 37 and 45 are odd, and so are halves of theirs
    targets = training.targets(odd, [odd], NETWORK, settings, tf.float64)
    expected = numpy_model.activations(odd - NETWORK.mean_pixel, NETWORK, pooling)
    (content,) = targets.contents
    assert set(content) == {"relu4_2", "relu5_2"}
    for layer, activations in content.items():
        np.testing.assert_allclose(activations[0], expected[layer], rtol=1e-10, atol=1e-9)
    assert tuple(targets.styles[0]) == STYLE_LAYERS
    for layer, gram in targets.styles[0].items():
        np.testing.assert_allclose(gram, numpy_model.gram(expected[layer]), rtol=1e-10)


@pytest.mark.parametrize(
    "size, styles, settings",
    [
        ((32, 40), 1, {}),
        ((32, 40), 1, {"content_weight": 3, "style_weight": 70, "tv_weight": 11}),
        ((32, 40), 2, {}),
        ((32, 40), 2, {"style_blend_weights": (3, 1)}),
        ((32, 40), 1, {"content_weight_blend": 0.3}),
        ((32, 40), 1, {"content_weight_blend": 0}),
        ((32, 40), 1, {"style_layer_weight_exp": 0.5}),
        ((32, 40), 1, {"pooling": "avg"}),
        ((37, 45), 1, {}),
        ((37, 45), 2, {"pooling": "avg", "style_layer_weight_exp": 2, "content_weight_blend": 0.3}),
    ],
    ids=str,
)
def test_each_loss_equals_the_numpy_model(size, styles, settings):
    content, styles = picture(*size, seed=1), STYLES[:styles]
    step = build(content, styles, **settings)
    with training.session(step) as session:
        losses, start = session.run([step.losses, step.picture])
    expected = numpy_model.losses(start[0], content, styles, NETWORK, **settings)
    assert losses == pytest.approx(expected, rel=1e-10)
    assert all(losses.values())


def test_the_image_gradient_equals_central_finite_differences():
    step = build(styles=STYLES, **BALANCED)
    with training.session(step) as session:
        gradient, start = session.run([step.gradient, step.picture])

    def loss(pixels):
        return numpy_model.losses(pixels[0], CONTENT, STYLES, NETWORK, **BALANCED)["total"]

    state = np.random.RandomState(5)
    directions = [state.standard_normal(start.shape)]
    for _ in range(12):
        directions.append(np.zeros_like(start))
        directions[-1].flat[state.randint(start.size)] = 1
    distance = 1e-4
    found = [(loss(start + distance * d) - loss(start - distance * d)) / (2 * distance) for d in directions]
    expected = [np.sum(gradient * direction) for direction in directions]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(gradient).max())


def test_the_update_is_tensorflow_1s_adam():
    # TensorFlow keeps the betas and their powers in float32, even for a float64 variable: these are exact in
    # both. The epsilon is large enough to show where it is added.
    rate, beta1, beta2, epsilon = 3.0, 0.5, 0.75, 0.5
    step = build(learning_rate=rate, beta1=beta1, beta2=beta2, epsilon=epsilon, **BALANCED)
    with training.session(step) as session:
        expected = session.run(step.picture)
        first_moment, second_moment = np.zeros_like(expected), np.zeros_like(expected)
        for t in range(1, 11):
            gradient = session.run([step.gradient, step.update])[0]
            first_moment = beta1 * first_moment + (1 - beta1) * gradient
            second_moment = beta2 * second_moment + (1 - beta2) * gradient**2
            corrected_rate = rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)
            expected = expected - corrected_rate * first_moment / (np.sqrt(second_moment) + epsilon)
            np.testing.assert_allclose(session.run(step.picture), expected, rtol=1e-9, atol=1e-9)


# The graph


@pytest.mark.parametrize(
    "settings, convolutions, scopes",
    [
        ({}, 13, {"content_loss/relu4_2", "style_loss", "tv_loss"}),
        ({"content_weight_blend": 0}, 14, {"content_loss/relu5_2", "style_loss", "tv_loss"}),
        ({"content_weight": 0}, 13, {"style_loss", "tv_loss"}),
        ({"style_weight": 0}, 10, {"content_loss/relu4_2", "tv_loss"}),
        ({"tv_weight": 0}, 13, {"content_loss/relu4_2", "style_loss"}),
        ({"content_weight": 0, "style_weight": 0}, 0, {"tv_loss"}),
    ],
    ids=lambda value: None if isinstance(value, set) else str(value),
)
def test_a_term_of_weight_zero_is_not_in_the_graph(settings, convolutions, scopes):
    nodes = build(**settings).graph_def.node
    assert sum(node.op == "Conv2D" for node in nodes) == convolutions
    assert sum(node.op == "Conv2DBackpropInput" for node in nodes) == convolutions
    squares = [node.name for node in nodes if node.op == "L2Loss"]
    found = {"/".join(name.split("/")[: 2 if name.startswith("content") else 1]) for name in squares}
    assert found == scopes


def test_the_picture_is_read_once_for_losses_gradient_and_update():
    step = build(**BALANCED)
    nodes = {node.name: node for node in step.graph_def.node}
    wanted = [step.update] + [name.split(":")[0] for name in step.losses.values()]
    needed = set()
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed.add(name)
            wanted += [source.lstrip("^").split(":")[0] for source in nodes[name].input]
    (adam,) = (nodes[name] for name in needed if nodes[name].op == "ResourceApplyAdam")
    handle = adam.input[0]
    readers = [name for name in needed if handle in nodes[name].input]
    assert sorted(nodes[name].op for name in readers) == ["ReadVariableOp", "ResourceApplyAdam"]


def test_a_float32_step_holds_no_other_float_type():
    types = {
        value.type
        for node in build(dtype=tf.float32, **BALANCED).graph_def.node
        for key, value in node.attr.items()
        if key in ("T", "dtype", "DstT", "SrcT")
    }
    assert tf.float32.as_datatype_enum in types
    floats = {tf.float16, tf.bfloat16, tf.float64}
    assert not types & {dtype.as_datatype_enum for dtype in floats}


# Running it


def test_losses_fetched_with_the_update_are_those_before_it():
    step = build(**BALANCED)
    with training.session(step) as session:
        for _ in range(3):
            before = session.run(step.losses)
            with_update, _ = session.run([step.losses, step.update])
            after = session.run(step.losses)
            assert with_update == pytest.approx(before, rel=1e-12)
            assert after["total"] != pytest.approx(before["total"], rel=1e-3)


def test_losses_can_be_had_of_any_picture_by_feeding_it():
    step = build(**BALANCED)
    other = picture(32, 40, seed=8) - NETWORK.mean_pixel
    with training.session(step) as session:
        losses = session.run(step.losses, {step.picture: other[None]})
    expected = numpy_model.losses(other, CONTENT, STYLES[:1], NETWORK, **BALANCED)
    assert losses == pytest.approx(expected, rel=1e-10)


def test_training_lowers_the_loss():
    losses, _ = training.train(build(dtype=tf.float32), 30)
    assert losses[-1, -1] < 0.05 * losses[0, -1]


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    (losses, pixels), (again, same_pixels), (other, _) = (
        training.train(build(dtype=tf.float32, noise_blend=1, seed=seed, **BALANCED), 5) for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(losses, again)
    np.testing.assert_array_equal(pixels, same_pixels)
    assert (losses != other).all()


def test_an_exported_graph_trains_the_same_wherever_it_is_imported():
    step = build(dtype=tf.float32, **BALANCED)
    exported = step._replace(graph_def=tf.GraphDef.FromString(step.graph_def.SerializeToString()))
    (losses, pixels), (again, same_pixels) = training.train(step, 5), training.train(exported, 5)
    np.testing.assert_array_equal(losses, again)
    np.testing.assert_array_equal(pixels, same_pixels)


# Both TensorFlows


@pytest.fixture(scope="module")
def trajectory():
    with open(make_trajectory.PATH) as file:
        return json.load(file)


def test_ten_float64_steps_are_those_of_the_other_tensorflow(trajectory):
    np.testing.assert_allclose(make_trajectory.loss_rows(tf.float64, 10), trajectory["float64"], rtol=1e-9)


def test_the_first_float32_losses_are_those_of_the_other_tensorflow(trajectory):
    (found,) = make_trajectory.loss_rows(tf.float32, 1)
    np.testing.assert_allclose(found, trajectory["float32_first"], rtol=1e-5)
