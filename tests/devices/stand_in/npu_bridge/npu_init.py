"""The names that `from npu_bridge.npu_init import *` brings in."""

import os

import tensorflow.compat.v1 as tf
from tensorflow.python.client import session as _session

from npu_bridge import npu_plugin, util  # noqa: F401

_LATER = os.environ.get("STAND_IN_RELEASE", "later") == "later"
_FIELDS = {
    "b": "use_off_line mix_compile_mode enable_data_pre_proc hcom_parallel profiling_mode enable_dump"
    " enable_dump_debug",
    "i": "iterations_per_loop deterministic graph_run_mode enable_small_channel enable_exception_dump",
    "s": "precision_mode precision_mode_v2 customize_dtypes modify_mixlist op_precision_mode op_select_implmode"
    " optypelist_for_implmode graph_memory_max_size variable_memory_max_size jit_compile dump_path dump_step dump_mode"
    " dump_debug_mode dump_data",
}
_FIELD = {key: field for field, keys in _FIELDS.items() for key in keys.split()}
_MODES = ("force_fp32", "allow_fp32_to_fp16", "force_fp16", "must_keep_origin_dtype", "allow_mix_precision")
_MODES_V2 = ("fp16", "origin", "cube_fp16in_fp32out", "mixed_float16")
_process = {}


def npu_config_proto(config_proto=None):
    if not isinstance(config_proto, tf.ConfigProto):
        config_proto = tf.ConfigProto()
    config_proto.allow_soft_placement = True
    rewrites = config_proto.graph_options.rewrite_options
    rewrites.remapping = rewrites.OFF
    if _LATER:
        rewrites.custom_optimizers.add(name="NpuOptimizer")
        rewrites.memory_optimization = rewrites.NO_MEM_OPT
    return config_proto


def _check(config):
    """The adapter's refusals; returns whether this session is one of the card."""
    rewrites = config.graph_options.rewrite_options
    optimizers = [optimizer for optimizer in rewrites.custom_optimizers if optimizer.name == "NpuOptimizer"]
    if not optimizers:
        return False
    (optimizer,) = optimizers
    assert rewrites.remapping == rewrites.OFF and rewrites.memory_optimization == rewrites.NO_MEM_OPT
    values = {}
    for key, value in optimizer.parameter_map.items():
        assert value.WhichOneof("value") == _FIELD[key], key
        values[key] = getattr(value, _FIELD[key])
    if not values.get("use_off_line", True):
        return False
    assert ("precision_mode" in values) != ("precision_mode_v2" in values)
    assert _LATER or "precision_mode_v2" not in values, "a key that is never read"
    assert values.get("precision_mode", b"force_fp16").decode() in _MODES
    assert values.get("precision_mode_v2", b"fp16").decode() in _MODES_V2
    mode = values.get("precision_mode", values.get("precision_mode_v2"))
    assert "modify_mixlist" not in values or mode in (b"allow_mix_precision", b"mixed_float16")
    for key in ("customize_dtypes", "modify_mixlist"):
        assert key not in values or os.path.getsize(values[key])
    # GEInitialize takes its options once.
    assert _process.setdefault("options", values) == values, "one process, one mode"
    return True


class _CardSession:
    """What the adapter does to TensorFlow's sessions once it is loaded."""

    make = _session.BaseSession.__init__
    run = _session.BaseSession.run
    make_callable = _session.BaseSession.make_callable


def _make_session(self, target="", graph=None, config=None):
    self._on_card = _check(config) if config is not None else False
    self._compiled = set()
    _CardSession.make(self, target, graph, config)


def _begin(self, fetches, fed, caller):
    """What comes before a run; returns whether the card makes it."""
    card = os.environ.get("STAND_IN_CARD", "works")
    if not self._on_card:
        return False
    if card == "aborts":
        os.write(2, b"2022-03-28 11:23:40.072392: W tf_adapter/util/ge_plugin.cc:124] [GePlugin] no JOB_ID\n")
        os.write(
            2, b"2022-03-28 11:23:41.072392: F tf_adapter/util/ge_plugin.cc:205] [GePlugin] Initialize ge failed\n"
        )
        os.abort()
    if card == "busy" or (card == "gone" and not fed):
        raise tf.errors.InternalError(None, None, "GE session build graph failed\nmore of it")
    if card == "silent" or (card == "fades" and not fed):
        return False
    names = [getattr(fetch, "name", fetch) for fetch in tf.nest.flatten(fetches)]
    # A callable is compiled on its own, as TensorFlow has it.
    if (caller, *names) not in self._compiled:
        self._compiled.add((caller, *names))
        os.write(
            2, b"I geop_npu.cc:739] The model has been compiled on the Ascend AI processor, current graph id is:1\n"
        )
    if util.LOOP in names and card != "unlooped":
        for _ in range(self._steps - 1):
            _CardSession.run(self, self._update)
    return True


def _run(self, fetches, feed_dict=None, options=None, run_metadata=None):
    by_card = _begin(self, fetches, bool(feed_dict), "run")
    values = _CardSession.run(self, fetches, feed_dict, options, run_metadata)
    if by_card and run_metadata is not None and options.output_partition_graphs:
        card = os.environ.get("STAND_IN_CARD", "works")
        if card != "mixed":
            del run_metadata.partition_graphs[:]
        if card != "unreported":
            run_metadata.partition_graphs.add().node.add(name="GeOp1_0", op="GeOp")
    return values


def _make_callable(self, fetches, feed_list=None, accept_options=False):
    call = _CardSession.make_callable(self, fetches, feed_list, accept_options)

    def begun(*arguments):
        _begin(self, fetches, bool(feed_list), "callable")
        return call(*arguments)

    return begun


_session.BaseSession.__init__ = _make_session
_session.BaseSession.run = _run
_session.BaseSession.make_callable = _make_callable


class FixedLossScaleManager:
    def __init__(self, loss_scale, *enable_overflow_check):
        if enable_overflow_check and not _LATER:
            raise TypeError("__init__() takes 2 positional arguments")
        if loss_scale < 1:
            raise ValueError("loss scale must be at least 1.")
        self._loss_scale = tf.constant(loss_scale, tf.float32)

    def get_loss_scale(self):
        return self._loss_scale

    def update_loss_scale(self, finite_grads):
        return tf.no_op()


class ExponentialUpdateLossScaleManager:
    def __init__(self, init_loss_scale, incr_every_n_steps, decr_every_n_nan_or_inf=2, incr_ratio=2, decr_ratio=0.8):
        self._decr_ratio = decr_ratio
        self._loss_scale = tf.get_variable("loss_scale", initializer=tf.constant(init_loss_scale), trainable=False)

    def get_loss_scale(self):
        return self._loss_scale

    def update_loss_scale(self, finite_grads):
        """Only what a status that is always bad needs: decr_every_n_nan_or_inf is 1 in the tests."""
        smaller = tf.maximum(1.0, self._loss_scale * self._decr_ratio)
        return tf.assign(self._loss_scale, tf.where(finite_grads, self._loss_scale, smaller)).op


class NPULossScaleOptimizer:
    """The status is bad while the scale is above 1000."""

    def __init__(self, opt, loss_scale_manager, is_distributed=False):
        self._opt = opt
        self._loss_scale_manager = loss_scale_manager

    def compute_gradients(self, loss, var_list=None):
        scale = self._loss_scale_manager.get_loss_scale()
        found = self._opt.compute_gradients(loss * tf.cast(scale, loss.dtype), var_list=var_list)
        return [(gradient * tf.reciprocal(tf.cast(scale, gradient.dtype)), variable) for gradient, variable in found]

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        with tf.control_dependencies([gradient for gradient, _ in grads_and_vars]):
            finite = tf.identity(self._loss_scale_manager.get_loss_scale() <= 1000.0)
        update = tf.cond(finite, lambda: self._opt.apply_gradients(grads_and_vars, global_step, name), tf.no_op)
        return tf.group(update, self._loss_scale_manager.update_loss_scale(finite))
