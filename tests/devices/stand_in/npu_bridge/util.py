"""npu_bridge.estimator.npu.util, as npu_init hands it on."""

import tensorflow.compat.v1 as tf

LOOP = "IterationOp"
_calls = []


def set_iteration_per_loop(sess, train_op, iterations_per_loop=1):
    if not isinstance(train_op, tf.Operation):
        raise ValueError("the need type is 'Operation'")
    if not isinstance(iterations_per_loop, int):
        raise TypeError("iterations_per_loop must be int")
    if iterations_per_loop <= 0:
        raise ValueError("iterations_per_loop must be positive")
    assert not _calls, "to be called once, outside the step loop"
    _calls.append(iterations_per_loop)
    (optimizer,) = sess._config.graph_options.rewrite_options.custom_optimizers
    configured = optimizer.parameter_map["iterations_per_loop"].i if iterations_per_loop > 1 else 1
    assert configured == iterations_per_loop, "the value must equal the parameter_map entry"
    if iterations_per_loop == 1:
        return train_op
    for name in ("iterations_per_loop", "loop_cond", "zero", "one"):
        variable = tf.get_variable(
            f"npu_runconfig/{name}", (), tf.int64, tf.zeros_initializer(), trainable=False, collections=["npu"]
        )
        variable.load(iterations_per_loop - 1 if name == "iterations_per_loop" else 0, session=sess)
    # The card reads the variables; here its session makes the steps before the last.
    sess._update, sess._steps = train_op, iterations_per_loop
    return tf.group(train_op, name=LOOP)
