"""Faults that are built into the model one at a time: what a gate of pictures must see."""

from typing import Any, Callable, Dict

import numpy as np

from harness.step import building
from harness.trial import drawing
from model import images, losses, stylization, vgg
from model.settings import StyleSettings

tf = stylization.tf
Fault = Callable[[Any], None]
"""Builds the fault in, by a pytest.MonkeyPatch."""


def _setting(name: str, value: Any = None) -> Fault:
    """The step is built as if the setting had another value, or its default."""
    value = StyleSettings.model_fields[name].default if value is None else value

    def change(case: Any) -> Any:
        return case.model_copy(update={"settings": case.settings.model_copy(update={name: value})})

    return _case(change)


def _case(change: Callable[[Any], Any]) -> Fault:
    """The step is built of another case."""

    def fault(patch: Any) -> None:
        for name in ("step_targets", "build_step"):
            right = getattr(building, name)
            patch.setattr(building, name, lambda case, *rest, right=right, **more: right(change(case), *rest, **more))

    return fault


def _network(change: Callable[[vgg.Network], vgg.Network]) -> Fault:
    def fault(patch: Any) -> None:
        def faulty(right: Any) -> Any:
            return lambda case, mode, device, pictures, network, *dtype, **more: right(
                case, mode, device, pictures, change(network), *dtype, **more
            )

        for name in ("step_targets", "build_step"):
            patch.setattr(building, name, faulty(getattr(building, name)))

    return fault


def _kernel(layer: str, change: Callable[[np.ndarray], np.ndarray]) -> Fault:
    return _network(
        lambda network: network._replace(kernels={**network.kernels, layer: change(network.kernels[layer])})
    )


def _no_bias(*layers: str) -> Fault:
    def change(network: vgg.Network) -> vgg.Network:
        return network._replace(biases={**network.biases, **{layer: network.biases[layer] * 0 for layer in layers}})

    return _network(change)


def _in_model(name: str, change: Callable[..., Any]) -> Fault:
    """A function of the model does something else; `change` is given the right one first."""

    def fault(patch: Any) -> None:
        modules = [module for module in (losses, stylization) if hasattr(module, name)]
        right = getattr(modules[0], name)
        for module in modules:  # the one that defines it, and that which imports it by name
            patch.setattr(module, name, lambda *inputs, **options: change(right, *inputs, **options))

    return fault


def _op(name: str, change: Callable[..., Any]) -> Fault:
    """One of TensorFlow's ops, tf.nn.NAME or tf.NAME, does something else in the step."""

    def fault(patch: Any) -> None:
        home = tf.nn if hasattr(tf.nn, name) else tf
        right = getattr(home, name)
        patch.setattr(home, name, lambda *inputs, **options: change(right, *inputs, **options))

    return fault


def _written(change: Callable[[np.ndarray], np.ndarray]) -> Fault:
    """The finished pixels are changed before they are written."""

    def fault(patch: Any) -> None:
        right = images.finished
        patch.setattr(images, "finished", lambda *inputs: change(right(*inputs)))

    return fault


def _eight_bits(kernel: np.ndarray) -> np.ndarray:
    step = np.abs(kernel).max() / 127
    return (np.rint(kernel / step) * step).astype(kernel.dtype)


_LOUD = 66
"""Input channel of conv3_1 that the suite's pictures excite most; a weight of a dead one, as of 0, changes nothing."""


def _one_weight(kernel: np.ndarray) -> np.ndarray:
    changed = kernel.copy()
    changed[1, 1, _LOUD % kernel.shape[2], 0] *= 1.5
    return changed


def _bfloat16(kernel: np.ndarray) -> np.ndarray:
    return (kernel.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32).astype(kernel.dtype)


def _grey(pixels: np.ndarray) -> np.ndarray:
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    return images.to_uint8(np.stack([luma] * 3, axis=-1))


def _stopped(name: str) -> Fault:
    """The loss term keeps its value and gives next to no gradient; with none at all the step could not be built."""

    def stopped(loss: Any) -> Any:
        return tf.stop_gradient(loss) + 1e-9 * (loss - tf.stop_gradient(loss))

    def change(right: Any, *inputs: Any, **options: Any) -> Any:
        losses = dict(right(*inputs, **options))
        terms = {term: stopped(losses[term]) if term == name else losses[term] for term in losses}
        losses["total"] = terms["content"] + terms["style"] + terms["tv"]
        return losses

    return _in_model("_picture_losses", change)


def _clipped(last: bool) -> Fault:
    """The picture is clipped to what can be shown after each update, or after all but the last."""

    def fault(patch: Any) -> None:
        right, steps = stylization.step_graph, []
        build = building.build_step

        def counted(case: Any, *rest: Any, **more: Any) -> Any:
            steps[:] = [case.steps]
            return build(case, *rest, **more)

        def clipped(initial: Any, targets: Any, network: Any, settings: Any, dtype: Any, train: Any) -> Any:
            def with_clip(totals: Any, variable: Any, tensors: Any, settings: Any) -> Any:
                made = tf.get_variable("made", initializer=tf.constant(0), trainable=False, use_resource=True)
                update = train(totals, variable, tensors, settings)
                with tf.control_dependencies([update.operation]):
                    count = made.assign_add(1, read_value=True)
                    limits = [tf.constant(limit - network.mean_pixel, dtype) for limit in (0.0, 255.0)]
                    value = variable.read_value()
                    inside = tf.minimum(tf.maximum(value, limits[0]), limits[1])
                    clips = tf.fill(value.shape, tf.constant(True) if last else count < steps[0])
                    clip = variable.assign(tf.where(clips, inside, value)).op
                return update._replace(operation=clip)

            return right(initial, targets, network, settings, dtype, with_clip)

        patch.setattr(building, "build_step", counted)
        patch.setattr(stylization, "step_graph", clipped)

    return fault


def _noise_doubled(right: Any, content: Any, initial: Any, blend: Any, mean_pixel: Any, seed: int) -> Any:
    rest = right(content, initial, blend, mean_pixel, seed) - _noise(content, initial, blend, seed)
    return rest + 2 * _noise(content, initial, blend, seed)


def _noise(content: Any, initial: Any, blend: Any, seed: int) -> Any:
    share = blend if blend is not None else float(initial is None)
    return share * 0.256 * np.random.RandomState(seed).standard_normal(content.shape)[None]


def _scales_ignored(patch: Any) -> None:
    patch.setattr(StyleSettings, "scales", lambda self, styles: (1.0,) * styles)
    patch.setattr(drawing, "_check_unchanged", lambda case, now: None)


SETTINGS: Dict[str, Fault] = {
    "content weight ignored": _setting("content_weight"),
    "content blend ignored": _setting("content_weight_blend"),
    "style weight ignored": _setting("style_weight"),
    "style layers' exponent ignored": _setting("style_layer_weight_exp"),
    "style blend ignored": _setting("style_blend_weights"),
    "tv weight ignored": _setting("tv_weight"),
    "learning rate ignored": _setting("learning_rate"),
    "beta1 ignored": _setting("beta1"),
    "beta2 ignored": _setting("beta2"),
    "epsilon ignored": _setting("epsilon"),
    "style scales ignored": _scales_ignored,
    "noise blend ignored": _case(lambda case: case.model_copy(update={"noise_blend": 0.0})),
}
"""Settings that the first case has off their defaults."""
FAULTS: Dict[str, Fault] = {
    "other pooling": _case(
        lambda case: case.model_copy(
            update={
                "settings": case.settings.model_copy(
                    update={"pooling": "max" if case.settings.pooling == "avg" else "avg"}
                )
            }
        )
    ),
    "seed ignored": _case(lambda case: case.model_copy(update={"seed": case.seed + 1})),
    "start ignored": _case(
        lambda case: case.model_copy(update={"initial": "content" if case.initial == "noise" else "noise"})
    ),
    "noise doubled": _in_model("initial_picture", _noise_doubled),
    "mean pixel off by one": _network(lambda network: network._replace(mean_pixel=network.mean_pixel + 1)),
    "red and blue swapped": _kernel("conv1_1", lambda kernel: kernel[:, :, ::-1]),
    "transposed kernel": _kernel("conv3_1", lambda kernel: kernel.swapaxes(0, 1)),
    "one weight times 1.5": _kernel("conv3_1", _one_weight),
    "weights of 8 bits": _kernel("conv3_1", _eight_bits),
    "weights of bfloat16": _network(
        lambda network: network._replace(kernels={name: _bfloat16(kernel) for name, kernel in network.kernels.items()})
    ),
    "no biases": _no_bias(*vgg.CONVOLUTIONS),
    "no bias in conv1_1": _no_bias("conv1_1"),
    "no bias in conv4_1": _no_bias("conv4_1"),
    "padding by reflection": _op(
        "conv2d",
        lambda right, tensor, kernel, strides, padding: right(
            tf.pad(tensor, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"), kernel, strides=strides, padding="VALID"
        ),
    ),
    "leaky relu": _op("relu", lambda right, tensor: tf.maximum(tensor, 0.01 * tensor)),
    "clipped relu": _op("relu", lambda right, tensor: tf.minimum(right(tensor), 65504 / 64)),
    "pooling of 3x3": _in_model(
        "forward",
        lambda right, *inputs: _with_window(right, *inputs),
    ),
    "Gram without channels": _in_model(
        "_gram", lambda right, layer, tensor, *rest: right(layer, tensor, *rest) * tensor.shape.as_list()[-1]
    ),
    "Gram before relu": _op("relu", lambda right, tensor: right(tensor) + 0.001 * tensor),
    "Gram of centred activations": _in_model(
        "_gram", lambda right, layer, tensor, *rest: right(layer, tensor - tf.reduce_mean(tensor), *rest)
    ),
    "content gradient stopped": _stopped("content"),
    "style gradient stopped": _stopped("style"),
    "tv gradient stopped": _stopped("tv"),
    "tv along rows alone": _in_model("_total_variation", lambda right, picture, weight: right(picture, weight) * 1.5),
    "loss is a mean of absolutes": _in_model(
        "_mean_square", lambda right, tensor, size: tf.reduce_sum(tf.abs(tensor)) / size
    ),
    "RMSProp in place of Adam": _in_model(
        "adam", lambda right, settings: tf.train.RMSPropOptimizer(settings.learning_rate)
    ),
    "clipped after each update": _clipped(last=True),
    "clipped before the last update": _clipped(last=False),
    "one update less": lambda patch: patch.setattr(drawing, "sample_steps", _one_less(drawing.sample_steps)),
    "written grey": _written(_grey),
    "written as BGR": _written(lambda pixels: pixels[..., ::-1]),
    "written rounded": lambda patch: patch.setattr(
        images, "to_uint8", lambda picture: np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    ),
    "colours of the content ignored, or kept": lambda patch: patch.setattr(
        images, "finished", _other_colors(images.finished)
    ),
}
"""Faults that both cases have room for."""


def _with_window(right: Any, *inputs: Any) -> Any:
    pools = tf.nn.max_pool, tf.nn.avg_pool
    try:
        tf.nn.max_pool, tf.nn.avg_pool = (
            lambda tensor, ksize, strides, padding, pool=pool: pool(tensor, [1, 3, 3, 1], strides, padding)
            for pool in pools
        )
        return right(*inputs)
    finally:
        tf.nn.max_pool, tf.nn.avg_pool = pools


def _one_less(right: Any) -> Any:
    def sample(step: Any, steps: Any, *rest: Any, **options: Any) -> Any:
        return right(step, steps - 1 if steps else steps, *rest, **options)

    return sample


def _other_colors(right: Any) -> Any:
    return lambda picture, content, keep_colors: right(picture, content, not keep_colors)
