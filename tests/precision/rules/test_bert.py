"""A training step of BERT as its authors' code builds it, whose ops are all known."""

import pytest
import tensorflow.compat.v1 as tf

from harness.precision import MATMUL32, MODES, load_config, plan_graph

if tf.__version__ >= "2":
    pytest.skip("bert-tensorflow builds its graphs with the contrib modules of TensorFlow 1", allow_module_level=True)
modeling = pytest.importorskip("bert.modeling", reason="bert-tensorflow is not installed (tests/requirements.txt)")
optimization = pytest.importorskip("bert.optimization")

BATCH, LENGTH, LABELS = 2, 4, 3


@pytest.fixture(scope="module")
def step():
    """Graph and fetches of a step of two narrow layers, a classifier and the authors' own optimiser."""
    config = modeling.BertConfig(
        vocab_size=11,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    with tf.Graph().as_default() as graph:
        tokens, seen, segments = (tf.placeholder(tf.int32, (BATCH, LENGTH)) for _ in range(3))
        model = modeling.BertModel(config, is_training=True, input_ids=tokens, input_mask=seen, token_type_ids=segments)
        logits = tf.layers.dense(model.get_pooled_output(), LABELS)
        labels = tf.one_hot(tf.placeholder(tf.int32, (BATCH,)), LABELS)
        loss = tf.reduce_mean(-tf.reduce_sum(labels * tf.nn.log_softmax(logits), -1))
        update = optimization.create_optimizer(
            loss, init_lr=1e-4, num_train_steps=10, num_warmup_steps=2, use_tpu=False
        )
        return graph.as_graph_def(), [update.name, loss.name]


@pytest.mark.parametrize("mode", MODES + (MATMUL32,))
def test_every_op_is_known(step, mode):
    plan = plan_graph(*step, load_config(mode))
    assert plan.unknown_types == ()
    types = [op.type for op in plan.ops]
    # Of each layer six products, attention apart, and two gradients of each.
    assert types.count("MatMulV2") >= 2 * 6 * 3 and {"SoftmaxV2", "Tanh", "GatherV2D"} <= set(types)
