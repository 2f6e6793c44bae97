"""npu_bridge as StyleBench uses it: the one place that knows how its releases differ.

Adapters of 2021 leave `memory_optimization` to the caller, the first ones the NpuOptimizer too, their
FixedLossScaleManager has no second argument, and they know no precision_mode_v2. What is called here exists in all of
them.
"""

import inspect
from typing import Any, Dict, Sequence, Tuple

import tensorflow.compat.v1 as tf

from harness.devices import npu_options
from harness.devices.device import DeviceUnavailable
from model.settings import LossScale, StyleSettings
from model.stylization import Train, Update, adam

NPU_OPTIMIZER = "NpuOptimizer"


class Bridge:
    """The imported npu_bridge."""

    def __init__(self) -> None:
        try:
            # Imported for its effects too: it loads the adapter, which registers the NpuOptimizer.
            from npu_bridge import npu_init
        except Exception as error:
            # A missing CANN library is an OSError here, one of another release an AttributeError.
            raise DeviceUnavailable(
                f"npu: npu_bridge cannot be imported: {type(error).__name__}: {error} "
                "(source CANN's set_env.sh; see bench.py doctor)"
            ) from error
        self._npu = npu_init

    def config(self, options: Dict[str, Tuple[str, Any]]) -> tf.ConfigProto:
        """Return the session options for the card.

        Args:
            options: the field of the AttrValue (b, i or s) and the value, by key of the parameter_map.

        Raises:
            DeviceUnavailable: this adapter would ignore precision_mode_v2, and run another mode than the one asked for.
        """
        if npu_options.PRECISION_MODE_V2 in options and not self._knows_v2():
            raise DeviceUnavailable(
                f"npu: this npu_bridge has no {npu_options.PRECISION_MODE_V2}: npu_plugin.npu_resource_init takes none "
                "(leave the option out; --modes names the mode)"
            )
        config = self._npu.npu_config_proto(tf.ConfigProto())
        rewrites = config.graph_options.rewrite_options
        # The adapter cannot run what these two make of a graph.
        rewrites.remapping = rewrites.OFF
        rewrites.memory_optimization = rewrites.NO_MEM_OPT
        found = [optimizer for optimizer in rewrites.custom_optimizers if optimizer.name == NPU_OPTIMIZER]
        optimizer = found[0] if found else rewrites.custom_optimizers.add(name=NPU_OPTIMIZER)
        for key, (field, value) in options.items():
            setattr(optimizer.parameter_map[key], field, value)
        return config

    def loop(self, session: tf.Session, update: tf.Operation, steps: int) -> tf.Operation:
        """Return the operation that makes this many updates in one call; call this once, after the initialisation."""
        return self._npu.util.set_iteration_per_loop(session, update, steps)

    def scaled_training(self, loss_scale: LossScale) -> Train:
        """Return a training program that scales losses with the adapter's optimiser, which reads the card's status."""

        def train(
            totals: Sequence[tf.Tensor], variable: tf.Variable, tensors: Sequence[tf.Tensor], settings: StyleSettings
        ) -> Update:
            manager = self._manager(loss_scale)
            optimizer = self._npu.NPULossScaleOptimizer(adam(settings), manager)
            total = totals[0] if len(totals) == 1 else tf.add_n(totals)
            ((gradient, _),) = optimizer.compute_gradients(total, var_list=[variable])
            others = tf.gradients(totals, tensors[1:])
            # It counts the updates that were made: the optimiser leaves it alone when it skips one.
            count = tf.get_variable(
                "loss_scaling/updates", initializer=tf.constant(0), trainable=False, use_resource=True
            )
            before = tf.identity(count.read_value(), name="loss_scaling/updates_before")
            # A copy: under TensorFlow 1.15 the manager's variable would be read after its change.
            scale = tf.maximum(manager.get_loss_scale(), 1.0, name="loss_scaling/scale")
            with tf.control_dependencies([before, scale]):
                gradient = tf.identity(gradient, name="picture_gradient")
            operation = optimizer.apply_gradients([(gradient, variable)], global_step=count)
            return Update(operation, [gradient, *others], {"scale": scale, "updates": before})

        return train

    def _knows_v2(self) -> bool:
        taken = inspect.signature(self._npu.npu_plugin.npu_resource_init).parameters
        return npu_options.PRECISION_MODE_V2 in taken

    def _manager(self, loss_scale: LossScale) -> Any:
        if not loss_scale.dynamic:
            return self._npu.FixedLossScaleManager(loss_scale.init)
        return self._npu.ExponentialUpdateLossScaleManager(
            init_loss_scale=loss_scale.init,
            incr_every_n_steps=loss_scale.incr_every,
            decr_every_n_nan_or_inf=loss_scale.decr_every,
            incr_ratio=loss_scale.incr_ratio,
            decr_ratio=loss_scale.decr_ratio,
        )
