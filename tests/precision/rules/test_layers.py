"""Plans by layer."""

import pytest
import tensorflow.compat.v1 as tf

from harness.precision import explain_layers, layer_name, load_config, plan_graph
from tests.precision import graphs


@pytest.mark.parametrize(
    "node, layer",
    [
        ("conv1_1/Conv2D", "conv1_1"),
        ("gradients/conv1_1/Conv2D_grad/Conv2DBackpropInput", "conv1_1"),
        ("gradients_1/style_loss/relu1_1/mul_grad/Mul", "style_loss"),
        ("Adam/update_picture/ResourceApplyAdam", "Adam"),
        ("gradients/AddN_3", "gradients"),
        ("gradients/add_1_grad/Sum", ""),
        ("add_1", ""),
    ],
)
def test_layer_names(node, layer):
    assert layer_name(node) == layer


def test_layers_hold_every_op_cast_and_constant_once():
    step = graphs.style_step(96)
    plan = plan_graph(step.graph_def, step.fetches, load_config("allow_mix_precision"))
    layers = explain_layers(plan)
    assert [layer.name for layer in layers][:3] == ["conv1_1", "relu1_1", "conv1_2"]
    explained = [item for layer in layers for item in layer.ops]
    assert sorted(item.op.name for item in explained) == sorted(op.name for op in plan.ops)
    assert sum(len(item.casts) for item in explained) == len(plan.casts)
    gram = next(layer for layer in layers if layer.name == "gram_relu1_1")
    division = next(item for item in gram.ops if item.op.name == "gram_relu1_1/truediv/Muls")
    assert (division.op.type, division.op.unit, division.op.dtypes) == ("Muls", "vector", "16>16")
    assert division.op.rule == "gray: float16 like gram_relu1_1/MatMul"
    assert division.constants == () and division.casts == ()


def test_the_scope_of_a_whole_model_is_no_layer():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, (2, 3), name="x")
        with tf.name_scope("serving/model"):
            for name in ("first", "second", "third"):
                with tf.name_scope(name):
                    x = tf.nn.relu(tf.matmul(x, tf.ones((3, 3))))
        tf.nn.relu(x, name="out")
        plan = plan_graph(graph.as_graph_def(), ["out"], load_config("force_fp16"))
    layers = {layer.name: [item.op.name.split("/")[-1] for item in layer.ops] for layer in explain_layers(plan)}
    assert layers == {
        **{f"serving/model/{name}": ["MatMul", "Relu"] for name in ("first", "second", "third")},
        "": ["out"],
    }
