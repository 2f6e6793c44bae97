"""Training steps of usual kinds: every op known, and the same reviewed plan under both TensorFlows."""

import functools
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.precision import MATMUL32, MODES, emit_rounded, load_config, plan_graph, render_plan
from tests.precision import graphs, models

PLANS = Path(__file__).parent / "plans"
SMALL = {
    # One layer more says nothing new.
    "transformer": functools.partial(models.transformer, layers=1),
    "lstm": models.lstm,
    "gru": models.gru,
    "u_net": models.u_net,
    "moving_averages": models.moving_averages,
    "depthwise": models.depthwise_block,
}


@pytest.mark.parametrize("mode", ["allow_mix_precision", "force_fp16"])
@pytest.mark.parametrize("name", sorted(SMALL))
def test_plan_is_the_stored_one_in_every_tensorflow(name, mode):
    step = SMALL[name]()
    path = PLANS / f"{name}.{mode}.txt"
    text = render_plan(plan_graph(step.graph_def, step.fetches, load_config(mode)))
    if os.environ.get("STORE_PLANS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(SMALL))
def test_every_op_is_known_and_every_mode_computes(name):
    step = SMALL[name]()
    feeds = _feeds(step)
    losses = {}
    for mode in MODES + (MATMUL32,):
        plan = plan_graph(step.graph_def, step.fetches, load_config(mode))
        assert plan.unknown_types == ()
        emitted = emit_rounded(step.graph_def, plan, keep=[step.initialize])
        losses[mode] = graphs.run(emitted, step.fetches, feeds, step.initialize, steps=2)[1]
    exact = losses.pop("must_keep_origin_dtype")
    for mode, loss in losses.items():
        np.testing.assert_allclose(loss, exact, rtol=0.03, err_msg=mode)


def _feeds(step):
    random = np.random.RandomState(0)
    feeds = {}
    for node in step.graph_def.node:
        if node.op == "Placeholder":
            shape = [dim.size for dim in node.attr["shape"].shape.dim]
            is_float = node.attr["dtype"].type == tf.float32.as_datatype_enum
            feeds[f"{node.name}:0"] = random.uniform(0, 1, shape) if is_float else random.randint(0, 3, shape)
    return feeds


def _built_step(name):
    """Graph and fetches of a training step of a Keras application, in a graph as TensorFlow 1.15 builds it."""
    with tf.Graph().as_default() as graph:
        model = getattr(tf.keras.applications, name)(weights=None, input_shape=(64, 64, 3), classes=10)
        shares = model(tf.placeholder(tf.float32, (2, 64, 64, 3)), training=True)
        labels = tf.one_hot(tf.placeholder(tf.int32, (2,)), 10)
        loss = tf.reduce_mean(tf.keras.losses.categorical_crossentropy(labels, shares))
        update = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        moving = [each.name for each in model.updates]
        return graph.as_graph_def(), [loss.name, update.name, *moving]


def _traced_step(name):
    """Graph and fetches of the same, traced by TensorFlow 2."""
    import tensorflow

    model = getattr(tensorflow.keras.applications, name)(weights=None, input_shape=(64, 64, 3), classes=10)
    weights = model.trainable_variables
    slots = [tensorflow.Variable(tensorflow.zeros(weight.shape)) for weight in weights]

    def step(x, labels):
        with tensorflow.GradientTape() as tape:
            shares = model(x, training=True)
            loss = tensorflow.reduce_mean(tensorflow.keras.losses.sparse_categorical_crossentropy(labels, shares))
        for weight, slot, gradient in zip(weights, slots, tape.gradient(loss, weights)):
            tensorflow.raw_ops.ResourceApplyMomentum(
                var=getattr(weight, "value", weight).handle, accum=slot.handle, lr=0.1, grad=gradient, momentum=0.9
            )
        return loss

    specs = [tensorflow.TensorSpec((2, 64, 64, 3), tf.float32), tensorflow.TensorSpec((2,), tf.int32)]
    traced = tensorflow.function(step).get_concrete_function(*specs).graph
    updates = [op.name for op in traced.get_operations() if op.type == "ResourceApplyMomentum"]
    return traced.as_graph_def(), [traced.outputs[0].name, *updates]


@pytest.mark.slow
@pytest.mark.parametrize("name, convolution", [("ResNet50", "Conv2D"), ("MobileNetV2", "DepthwiseConv2D")])
def test_keras_applications_have_no_op_that_is_unknown(name, convolution):
    graph_def, fetches = _built_step(name) if tf.__version__ < "2" else _traced_step(name)
    plan = plan_graph(graph_def, fetches, load_config("allow_mix_precision"))
    assert plan.unknown_types == ()
    types = {op.type for op in plan.ops}
    assert {convolution, "Conv2D", "ApplyMomentumD"} <= types
    if tf.__version__ < "2":  # Keras 3 spells out its batch norms
        assert {"BNTrainingReduce", "BNTrainingUpdateGrad", "BNTrainingReduceGrad"} <= types
