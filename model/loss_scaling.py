"""Loss scaling on a host, in the order of npu_bridge's optimiser: scale, differentiate, unscale, skip on overflow."""

from typing import Dict, Sequence, Tuple

import tensorflow.compat.v1 as tf

from model.settings import LossScale, StyleSettings
from model.stylization import Train, Update

OVERFLOW_STATUS = "loss_scaling/status"
"""Placeholder of the chip's status register: true when a value overflowed in this step. False unless it is replaced."""
_SCOPE = "loss_scaling/"
_MAX_FLOAT = 3.4e38


def scaled_training(loss_scale: LossScale) -> Train:
    """Return a training program that scales the loss, by a fixed factor or as the exponential manager does.

    A step overflows when the status register says so, whatever the gradients are, or when a gradient is not finite.
    An overflow in the update itself comes after the register was read and is not counted.

    Source: Ascend/tensorflow, npu_loss_scale_optimizer.py and npu_loss_scale_manager.py.
    """

    def train(
        totals: Sequence[tf.Tensor], variable: tf.Variable, tensors: Sequence[tf.Tensor], settings: StyleSettings
    ) -> Update:
        with tf.name_scope(_SCOPE):
            state = _state(loss_scale)
            scale = tf.identity(state["scale"].read_value(), name="scale")
            scaled = [tf.multiply(total, tf.cast(scale, total.dtype), name="scaled_loss") for total in totals]
        scaled_gradients = tf.gradients(scaled, tensors)
        with tf.name_scope(_SCOPE):
            inverse = tf.cast(tf.reciprocal(scale), totals[0].dtype)
            unscaled, *others = (gradient * inverse for gradient in scaled_gradients)
            status = tf.placeholder_with_default(False, (), name="status")
            applied = tf.logical_and(
                tf.logical_not(status), tf.reduce_all(tf.is_finite(scaled_gradients[0])), name="applied"
            )
            updates = tf.identity(state["updates"].read_value(), name="updates")
            counted = state["updates"].assign(updates + tf.cast(applied, tf.int32)).op
            managed = _manage(loss_scale, state, scale, applied)
            # Not even the moments may see what is not finite.
            kept = _where(applied, unscaled, 0)
        gradient = tf.identity(unscaled, name="picture_gradient")
        updated = _AdamIf(settings, applied).apply_gradients([(kept, variable)])
        operation = tf.group(updated, counted, *managed, name="update")
        return Update(operation, [gradient, *others], {"scale": scale, "updates": updates})

    return train


def _state(loss_scale: LossScale) -> Dict[str, tf.Variable]:
    def variable(name: str, value: object) -> tf.Variable:
        return tf.get_variable(f"loss_scaling/{name}_value", initializer=value, trainable=False, use_resource=True)

    state = {
        "scale": variable("scale", tf.constant(loss_scale.init, tf.float32)),
        "updates": variable("updates", tf.constant(0)),
    }
    if loss_scale.dynamic:
        state.update({name: variable(name, tf.constant(0)) for name in ("good", "bad")})
    return state


class _AdamIf(tf.train.AdamOptimizer):  # type: ignore[misc]  # TensorFlow has no types
    """Adam that changes neither picture nor moments in a step that overflowed: its rate is 0, betas and epsilon are 1.

    A conditional would do the same, but its control flow hides the graph's constants from the compiler's rules.
    """

    _lr_t: tf.Tensor
    _beta1_t: tf.Tensor
    _beta2_t: tf.Tensor
    _epsilon_t: tf.Tensor

    def __init__(self, settings: StyleSettings, applied: tf.Tensor) -> None:
        super().__init__(settings.learning_rate, settings.beta1, settings.beta2, settings.epsilon)
        self._applied = applied

    def _prepare(self) -> None:
        super()._prepare()
        with tf.name_scope(_SCOPE):
            self._lr_t = _where(self._applied, self._lr_t, 0)
            self._beta1_t = _where(self._applied, self._beta1_t, 1)
            self._beta2_t = _where(self._applied, self._beta2_t, 1)
            self._epsilon_t = _where(self._applied, self._epsilon_t, 1)


def _where(condition: tf.Tensor, value: tf.Tensor, otherwise: float) -> tf.Tensor:
    return tf.where(condition, value, tf.fill(value.shape, tf.constant(otherwise, value.dtype)))


def _manage(
    loss_scale: LossScale, state: Dict[str, tf.Variable], scale: tf.Tensor, applied: tf.Tensor
) -> Tuple[tf.Operation, ...]:
    """Return the updates of the exponential manager's state; a good step does not clear its count of bad ones."""
    if not loss_scale.dynamic:
        return ()
    good, bad = (tf.identity(state[name].read_value(), name=name) for name in ("good", "bad"))
    grows = tf.logical_and(applied, good + 1 >= loss_scale.incr_every)
    shrinks = tf.logical_and(tf.logical_not(applied), bad + 1 >= loss_scale.decr_every)
    room = scale < _MAX_FLOAT / loss_scale.incr_ratio
    grown = tf.where(room, scale * loss_scale.incr_ratio, scale)
    shrunk = tf.maximum(1.0, scale * loss_scale.decr_ratio)
    cleared = tf.logical_or(grows, shrinks)
    zero = tf.zeros_like(good)
    new = {
        "scale": tf.where(grows, grown, tf.where(shrinks, shrunk, scale)),
        "good": tf.where(tf.logical_or(cleared, tf.logical_not(applied)), zero, good + 1),
        "bad": tf.where(cleared, zero, tf.where(applied, bad, bad + 1)),
    }
    return tuple(state[name].assign(value).op for name, value in new.items())
