"""Small training steps of the kinds that people move to the card, of standard ops, alike under both TensorFlows."""

import functools

import numpy as np
import tensorflow.compat.v1 as tf

from tests.precision.graphs import Step, build


def _weight(name, *shape):
    random = np.random.RandomState(sum(map(ord, name)))
    initial = (random.standard_normal(shape) * 0.1).astype(np.float32)
    return tf.get_variable(name, initializer=tf.constant(initial), use_resource=True)


def _dense(x, name, inputs, outputs):
    with tf.variable_scope(name):
        return tf.nn.bias_add(tf.matmul(x, _weight("kernel", inputs, outputs)), _weight("bias", outputs))


def _minimized(loss, optimizer):
    return [optimizer.minimize(loss).name, loss.name]


def _layer_norm(x, name, size):
    with tf.variable_scope(name):
        mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
        return tf.nn.batch_normalization(x, mean, variance, _weight("beta", size), _weight("gamma", size), 1e-12)


def _gelu(x):
    return x * 0.5 * (1.0 + tf.erf(x / np.float32(np.sqrt(2.0))))


def _attention(x, mask, name, batch, length, size, heads):
    """Self-attention over x of shape (batch * length, size)."""

    def split(y):
        return tf.transpose(tf.reshape(y, (batch, length, heads, size // heads)), (0, 2, 1, 3))

    with tf.variable_scope(name):
        query, key, value = (split(_dense(x, part, size, size)) for part in ("query", "key", "value"))
        scores = tf.multiply(tf.matmul(query, key, transpose_b=True), 1.0 / np.sqrt(size // heads)) + mask
        context = tf.matmul(tf.nn.softmax(scores), value)
        return _dense(tf.reshape(tf.transpose(context, (0, 2, 1, 3)), (batch * length, size)), "out", size, size)


@functools.lru_cache(maxsize=None)
def transformer(batch: int = 2, length: int = 4, size: int = 8, heads: int = 2, layers: int = 2) -> Step:
    """Encoder of BERT's kind with its embeddings, a classifier on the first token, and Adam."""

    def make():
        tokens = tf.placeholder(tf.int32, (batch, length), name="tokens")
        seen = tf.placeholder(tf.float32, (batch, length), name="seen")
        labels = tf.placeholder(tf.int32, (batch,), name="labels")
        with tf.name_scope("embeddings"):
            x = tf.gather(_weight("word_embeddings", 11, size), tf.reshape(tokens, [-1]))
            x = tf.reshape(x, (batch, length, size)) + tf.slice(_weight("positions", 16, size), [0, 0], [length, -1])
            x = _layer_norm(tf.reshape(x, (batch * length, size)), "norm", size)
        mask = (1.0 - tf.reshape(seen, (batch, 1, 1, length))) * -10000.0
        for index in range(layers):
            with tf.variable_scope(f"layer_{index}"):
                x = _layer_norm(x + _attention(x, mask, "attention", batch, length, size, heads), "norm_1", size)
                inner = _dense(_gelu(_dense(x, "intermediate", size, 4 * size)), "output", 4 * size, size)
                x = _layer_norm(x + inner, "norm_2", size)
        with tf.name_scope("loss"):
            first = tf.squeeze(tf.slice(tf.reshape(x, (batch, length, size)), [0, 0, 0], [-1, 1, -1]), 1)
            logits = _dense(tf.tanh(_dense(first, "pooler", size, size)), "classifier", size, 3)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(loss, name="mean")
        return _minimized(loss, tf.train.AdamOptimizer(1e-4))

    return build(make)


@functools.lru_cache(maxsize=None)
def lstm(batch: int = 2, steps: int = 2, size: int = 3) -> Step:
    """LSTM cell over a few steps, with momentum."""

    def make():
        inputs = tf.placeholder(tf.float32, (batch, steps, size), name="inputs")
        kernel, bias = _weight("kernel", 2 * size, 4 * size), _weight("bias", 4 * size)
        state = output = tf.zeros((batch, size))
        for index, x in enumerate(tf.unstack(inputs, axis=1)):
            with tf.name_scope(f"cell_{index}"):
                gates = tf.nn.bias_add(tf.matmul(tf.concat([x, output], 1), kernel), bias)
                i, j, f, o = tf.split(gates, 4, 1)
                state = state * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
                output = tf.tanh(state) * tf.sigmoid(o)
        loss = tf.reduce_mean(
            tf.squared_difference(output, tf.placeholder(tf.float32, (batch, size), "y")), name="loss"
        )
        return _minimized(loss, tf.train.MomentumOptimizer(0.1, 0.9))

    return build(make)


@functools.lru_cache(maxsize=None)
def gru(batch: int = 2, steps: int = 2, size: int = 3) -> Step:
    """GRU cell over a few steps, with clipped gradients and RMSProp."""

    def make():
        inputs = tf.placeholder(tf.float32, (batch, steps, size), name="inputs")
        gates, candidate = _weight("gates", 2 * size, 2 * size), _weight("candidate", 2 * size, size)
        state = tf.zeros((batch, size))
        for index, x in enumerate(tf.unstack(inputs, axis=1)):
            with tf.name_scope(f"cell_{index}"):
                reset, update = tf.split(tf.sigmoid(tf.matmul(tf.concat([x, state], 1), gates)), 2, 1)
                new = tf.tanh(tf.matmul(tf.concat([x, reset * state], 1), candidate))
                state = update * state + (1.0 - update) * new
        loss = tf.reduce_sum(tf.abs(state), name="loss")
        grads = tf.gradients(loss, [gates, candidate])
        clipped = [tf.clip_by_value(grad, -1.0, 1.0) for grad in grads]
        update = tf.train.RMSPropOptimizer(0.01).apply_gradients(zip(clipped, [gates, candidate]))
        return [update.name, loss.name]

    return build(make)


def _batch_norm(x, name):
    channels = x.shape.as_list()[-1]
    with tf.variable_scope(name):
        return tf.nn.fused_batch_norm(x, _weight("scale", channels), _weight("offset", channels), epsilon=1e-3)[0]


def _convolution(x, name, outputs, size=3):
    channels = x.shape.as_list()[-1]
    with tf.variable_scope(name):
        return tf.nn.conv2d(x, _weight("kernel", size, size, channels, outputs), [1, 1, 1, 1], "SAME")


@functools.lru_cache(maxsize=None)
def u_net(size: int = 8) -> Step:
    """U-Net of two levels: pooled, convolved, brought back by a transposed convolution, joined with what was there."""

    def make():
        picture = tf.placeholder(tf.float32, (1, size, size, 3), name="picture")
        wanted = tf.placeholder(tf.float32, (1, size, size, 1), name="wanted")
        outer = tf.nn.relu(_batch_norm(_convolution(picture, "down", 4), "down_norm"))
        inner = tf.nn.max_pool(outer, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name="pool")
        inner = tf.nn.relu(_batch_norm(_convolution(inner, "bottom", 8), "bottom_norm"))
        with tf.variable_scope("up"):
            kernel, shape = _weight("kernel", 2, 2, 4, 8), (1, size, size, 4)
            raised = tf.nn.conv2d_transpose(inner, kernel, shape, [1, 2, 2, 1], "SAME")
        joined = tf.concat([outer, raised], 3)
        logits = _convolution(joined, "out", 1, 1)
        with tf.name_scope("loss"):
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits), name="mean")
        return _minimized(loss, tf.train.GradientDescentOptimizer(0.1))

    return build(make)


@functools.lru_cache(maxsize=None)
def moving_averages(size: int = 8) -> Step:
    """Two convolutions with batch norms in training; the moving averages of their statistics are updated, too."""

    def make():
        y = tf.placeholder(tf.float32, (2, size, size, 3), name="picture")
        updates = []
        for name in ("first", "second"):
            y, update = _averaged_batch_norm(_convolution(y, name, 4), f"{name}_norm")
            y = tf.nn.relu(y, name=f"{name}_relu")
            updates += update
        loss = tf.reduce_mean(tf.square(y, name="square"), name="loss")
        return [*_minimized(loss, tf.train.MomentumOptimizer(0.1, 0.9)), *updates]

    return build(make)


def _averaged_batch_norm(x, name):
    """Batch norm in training of x, and the operations that move the averages of its mean and variance."""
    with tf.variable_scope(name):
        scale, offset = _weight("scale", 4), _weight("offset", 4)
        y, mean, variance = tf.nn.fused_batch_norm(x, scale, offset, epsilon=1e-3)
        updates = []
        for statistic, of_batch in (("mean", mean), ("variance", variance)):
            average = _weight(f"moving_{statistic}", 4)
            moved = tf.multiply(tf.subtract(average, of_batch), 0.1)
            updates.append(tf.assign_sub(average, moved).op.name)
        return y, updates


@functools.lru_cache(maxsize=None)
def depthwise_block(size: int = 8) -> Step:
    """Inverted residual of MobileNetV2: wide, convolved channel by channel, narrow again, with a pooled classifier."""

    def make():
        x = tf.placeholder(tf.float32, (2, size, size, 4), name="x")
        wide = tf.nn.relu6(_batch_norm(_convolution(x, "expand", 8, 1), "expand_norm"))
        with tf.variable_scope("depthwise"):
            wide = tf.nn.depthwise_conv2d_native(wide, _weight("kernel", 3, 3, 8, 1), [1, 1, 1, 1], "SAME")
        wide = tf.nn.relu6(_batch_norm(wide, "depthwise_norm"))
        narrow = x + _batch_norm(_convolution(wide, "project", 4, 1), "project_norm")
        logits = _dense(tf.reduce_mean(narrow, [1, 2]), "classifier", 4, 3)
        labels = tf.placeholder(tf.int32, (2,), name="labels")
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return _minimized(tf.reduce_mean(loss, name="loss"), tf.train.MomentumOptimizer(0.1, 0.9))

    return build(make)
