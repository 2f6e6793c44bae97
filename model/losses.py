"""The network's forward pass and the losses of pictures, added to the default graph."""

from typing import Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np
import tensorflow.compat.v1 as tf

from model.constants import Weights, constant
from model.settings import StyleSettings
from model.vgg import LAYERS

LOSSES = ("content", "style", "tv", "total")


class Targets(NamedTuple):
    """What the picture is drawn to."""

    contents: Tuple[Dict[str, np.ndarray], ...]
    """For each content picture, by content layer: activations of shape (1, height, width, channels)."""
    styles: Tuple[Dict[str, np.ndarray], ...]
    """For each style picture, by style layer: Gram matrix of shape (channels, channels)."""


def forward(picture: tf.Tensor, weights: Weights, layers: Sequence[str], pooling: str) -> Dict[str, tf.Tensor]:
    """Return the activations of the named layers; the network ends at the deepest of them."""
    activations: Dict[str, tf.Tensor] = {}
    pool = tf.nn.avg_pool if pooling == "avg" else tf.nn.max_pool
    deepest = max((LAYERS.index(layer) for layer in layers), default=-1)
    tensor = picture
    for name in LAYERS[: deepest + 1]:
        with tf.name_scope(name):
            if name.startswith("conv"):
                kernel, bias = weights(name)
                tensor = tf.nn.bias_add(tf.nn.conv2d(tensor, kernel, strides=[1, 1, 1, 1], padding="SAME"), bias)
            elif name.startswith("relu"):
                tensor = tf.nn.relu(tensor)
            else:
                tensor = pool(tensor, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        if name in layers:
            activations[name] = tensor
    return activations


def gram_matrices(picture: tf.Tensor, weights: Weights, settings: StyleSettings) -> Dict[str, tf.Tensor]:
    """Return the Gram matrices of a picture of shape (1, height, width, 3), by style layer."""
    activations = forward(picture, weights, list(settings.style_layers()), settings.pooling)
    return {layer: _gram(layer, tensor) for layer, tensor in activations.items()}


def _gram(layer: str, activations: tf.Tensor, suffix: str = "") -> tf.Tensor:
    with tf.name_scope(f"gram_{layer}{suffix}"):
        _, height, width, channels = activations.shape.as_list()
        flat = tf.reshape(activations, (-1, channels))
        return tf.matmul(flat, flat, transpose_a=True) / (height * width * channels)


def _mean_square(tensor: tf.Tensor, size: int) -> tf.Tensor:
    return 2 * tf.nn.l2_loss(tensor) / size


def losses_of(
    picture: tf.Tensor, targets: Targets, weights: Weights, settings: StyleSettings
) -> Tuple[List[Dict[str, tf.Tensor]], Dict[str, tf.Tensor], Dict[str, tf.Tensor]]:
    """Return each picture's losses by name, the activations by Relu layer, and the Gram matrices.

    Activations are there for every Relu layer up to the deepest one used, Gram matrices by style layer and the
    picture's suffix.
    """
    style_layers = settings.style_layers()
    used = {*settings.content_layers(), *style_layers}
    deepest = max((LAYERS.index(layer) for layer in used), default=-1)
    layers = [layer for layer in LAYERS[: deepest + 1] if layer.startswith("relu")]
    activations = forward(picture, weights, layers, settings.pooling)
    each, grams = [], {}
    for index, content in enumerate(targets.contents):
        suffix = f"_picture{index + 1}" if index else ""
        part, features = picture, activations
        if len(targets.contents) > 1:
            # One picture's ops are those of a run of its own: a product over the whole batch would be another
            # operator on the card, with a dtype of its own.
            with tf.name_scope(f"picture{index + 1}"):
                part = picture[index : index + 1]
                features = {layer: activations[layer][index : index + 1] for layer in sorted(used)}
        products = {layer: _gram(layer, features[layer], suffix) for layer in style_layers}
        each.append(_picture_losses(part, features, products, content, targets.styles, settings, suffix))
        grams.update({f"{layer}{suffix}": tensor for layer, tensor in products.items()})
    return each, activations, grams


def joined(name: str, losses: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return one name's losses as a tensor: a scalar, or of shape (pictures,) when there are several."""
    # Not summed: the mode may be one whose float16 holds a picture's loss but not the batch's.
    return losses[0] if len(losses) == 1 else tf.stack(losses, name=f"batch_loss/{name}")


def _picture_losses(
    picture: tf.Tensor,
    activations: Dict[str, tf.Tensor],
    grams: Dict[str, tf.Tensor],
    content_target: Dict[str, Union[np.ndarray, tf.Tensor]],
    style_targets: Sequence[Dict[str, Union[np.ndarray, tf.Tensor]]],
    settings: StyleSettings,
    suffix: str = "",
) -> Dict[str, tf.Tensor]:
    """Return the losses of one picture of shape (1, height, width, 3); its name scopes end with the suffix."""
    content_layers, style_layers = settings.content_layers(), settings.style_layers()
    with tf.name_scope(f"content_loss{suffix}"):
        terms = [
            weight * settings.content_weight * _difference(activations[layer], content_target[layer], layer)
            for layer, weight in content_layers.items()
        ]
        content = _sum(terms, picture.dtype)
    with tf.name_scope(f"style_loss{suffix}"):
        terms = []
        for target, share in zip(style_targets, settings.style_blend(len(style_targets))):
            layer_terms = [
                weight * _difference(grams[layer], target[layer], layer) for layer, weight in style_layers.items()
            ]
            if layer_terms:
                terms.append(settings.style_weight * share * _sum(layer_terms, picture.dtype))
        style = _sum(terms, picture.dtype)
    with tf.name_scope(f"tv_loss{suffix}"):
        tv = _total_variation(picture, settings.tv_weight)
    total = tf.identity(content + style + tv, name=f"total_loss{suffix}")
    return dict(zip(LOSSES, (content, style, tv, total)))


def _difference(tensor: tf.Tensor, target: Union[np.ndarray, tf.Tensor], layer: str) -> tf.Tensor:
    with tf.name_scope(layer):
        if isinstance(target, np.ndarray):
            target = constant(target, tensor.dtype, "target")
        return _mean_square(tensor - target, target.shape.num_elements())


def _total_variation(picture: tf.Tensor, weight: float) -> tf.Tensor:
    if not weight:
        return tf.zeros((), picture.dtype)
    _, height, width, channels = picture.shape.as_list()
    vertical = tf.nn.l2_loss(picture[:, 1:] - picture[:, :-1]) / ((height - 1) * width * channels)
    horizontal = tf.nn.l2_loss(picture[:, :, 1:] - picture[:, :, :-1]) / (height * (width - 1) * channels)
    return weight * 2 * (vertical + horizontal)


def _sum(terms: List[tf.Tensor], dtype: tf.DType) -> tf.Tensor:
    """Add the terms one by one, as the reference does; an AddN would be another operator on the card."""
    if not terms:
        return tf.zeros((), dtype)
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
