"""Neural style transfer as TensorFlow graphs: targets, losses, and the whole training step as one graph.

The graphs are plain float32 (or float64) and spelled in the reference program's order of operations, because the
Ascend compiler picks dtypes from the spelling. They are handed on as GraphDefs; whoever runs them may rewrite them.
"""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
import tensorflow.compat.v1 as tf

from model.settings import StyleSettings
from model.vgg import LAYERS, Network

LOSSES = ("content", "style", "tv", "total")
_CONSTANTS = "model_constants"
"""Collection of a graph: the name of each placeholder that stands for a Const, and the value of that."""


class Targets(NamedTuple):
    """What the picture is drawn to."""

    contents: Tuple[Dict[str, np.ndarray], ...]
    """For each content picture, by content layer: activations of shape (1, height, width, channels)."""
    styles: Tuple[Dict[str, np.ndarray], ...]
    """For each style picture, by style layer: Gram matrix of shape (channels, channels)."""


class FeatureGraph(NamedTuple):
    """Computes the network's activations for one picture."""

    graph_def: tf.GraphDef
    picture: str
    """Placeholder to feed: shape (1, height, width, 3), mean pixel subtracted."""
    activations: Dict[str, str]
    """By layer: tensor of shape (1, height, width, channels)."""


class ScoreGraph(NamedTuple):
    """Computes the losses of a finished picture, targets included."""

    graph_def: tf.GraphDef
    picture: str
    """Placeholder to feed, as are the next two: shape (1, height, width, 3), mean pixel subtracted."""
    content: str
    styles: Tuple[str, ...]
    losses: Dict[str, str]
    """By name in LOSSES: scalar tensor."""


class StepGraph(NamedTuple):
    """One training step: forward pass, losses, image gradient, Adam update."""

    graph_def: tf.GraphDef
    initialize: str
    """Operation that sets every variable."""
    update: str
    """Operation that updates the picture once."""
    losses: Dict[str, str]
    """By name in LOSSES: scalar tensor, or of shape (pictures,) when there are several. Fetched with the update, it is
    the loss *before* that update."""
    picture: str
    """Tensor of the pictures as the step reads them, shape (pictures, height, width, 3), mean pixel subtracted."""
    result: str
    """Tensor of the picture read apart from the step, as the caller of a finished job would."""
    gradient: str
    """Tensor of the gradient of each picture's total loss with respect to that picture; same shape."""
    activations: Dict[str, str]
    """By Relu layer: tensor of its output, shape (pictures, height, width, channels)."""
    gradients: Dict[str, str]
    """By Relu layer: tensor of the gradient of the total loss with respect to its output."""
    grams: Dict[str, str]
    """By style layer, with the picture's suffix from the second one on: tensor of the Gram matrix."""
    state: Dict[str, str]
    """By variable: tensor of its value, read apart from the step. Together they are all that a step depends on."""
    state_inputs: Dict[str, str]
    """By variable: tensor that `initialize` sets it to; feed the values of `state` to continue from them."""
    scaling: Dict[str, str]
    """With loss scaling, scalar tensors: `scale`, the step's own, and `updates`, those of the picture before it."""


def initial_picture(
    content: np.ndarray, initial: Optional[np.ndarray], noise_blend: Optional[float], mean_pixel: np.ndarray, seed: int
) -> np.ndarray:
    """Return the start of the optimisation, mean pixel subtracted: float64 of shape (1, height, width, 3).

    Args:
        content: uint8 RGB picture; the start when `initial` is None and `noise_blend` is below 1.
        initial: uint8 RGB picture of the content's shape, or None.
        noise_blend: share of noise, 0 to 1; None means 0 with an initial picture and 1 without.
        seed: of the noise, 0.256 * N(0, 1).
    """
    if noise_blend is None:
        noise_blend = 1.0 if initial is None else 0.0
    picture = (content if initial is None else initial).astype(np.float64) - mean_pixel
    # RandomState is the one NumPy generator whose normals are frozen for all versions.
    noise = 0.256 * np.random.RandomState(seed).standard_normal(content.shape)
    start: np.ndarray = (1.0 - noise_blend) * picture + noise_blend * noise
    return start[None]


def feature_graph(
    shape: Tuple[int, int], layers: Sequence[str], network: Network, pooling: str, dtype: tf.DType = tf.float32
) -> FeatureGraph:
    """Build the graph of the named layers' activations for a picture of this (height, width)."""
    with tf.Graph().as_default() as graph:
        picture = _placeholder(shape, dtype, "picture")
        activations = _activations(picture, _Weights(network, dtype), layers, pooling)
        return FeatureGraph(_graph_def(graph), picture.name, _names(activations))


def compute_targets(
    contents: Sequence[np.ndarray],
    styles: Sequence[np.ndarray],
    network: Network,
    settings: StyleSettings,
    evaluate: Callable[[FeatureGraph, np.ndarray], Dict[str, np.ndarray]],
    dtype: tf.DType = tf.float32,
) -> Targets:
    """Compute what each picture of a batch is drawn to.

    Args:
        contents: uint8 RGB pictures of one shape, as are the styles, which need not be of one.
        evaluate: runs a graph on a picture and returns the activations by layer. The Gram matrices are products of
            these on the host, as in the reference program: no precision mode touches them.
    """

    def activations(pixels: np.ndarray, layers: Sequence[str]) -> Dict[str, np.ndarray]:
        if not layers:
            return {}
        graph = feature_graph(pixels.shape[:2], layers, network, settings.pooling, dtype)
        return evaluate(graph, (pixels - network.mean_pixel)[None])

    layers = list(settings.style_layers())
    grams = [_grams_of(activations(style, layers)) for style in styles]
    # A content picture that fills several places of the batch is evaluated once.
    distinct = {id(content): content for content in contents}
    features = {key: activations(content, list(settings.content_layers())) for key, content in distinct.items()}
    return Targets(tuple(features[id(content)] for content in contents), tuple(grams))


def _grams_of(activations: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Return the Gram matrices by layer; the activations are taken out of their dictionary."""
    layers = list(activations)
    # The deepest first, for they are the smallest and a product needs its factor in float64.
    grams = {layer: gram(activations.pop(layer)) for layer in reversed(layers)}
    return {layer: grams[layer] for layer in layers}


def gram(activations: np.ndarray) -> np.ndarray:
    """Gram matrix F'F / (height * width * channels) of activations, F taken as (height * width, channels); float64."""
    flat = activations.reshape(-1, activations.shape[-1]).astype(np.float64)
    product: np.ndarray = flat.T @ flat
    return product / flat.size


class Update(NamedTuple):
    """What a training program adds to the losses."""

    operation: tf.Operation
    gradients: List[tf.Tensor]
    """Gradients of the total losses, unscaled: first with respect to the picture, then to the other tensors."""
    scaling: Dict[str, tf.Tensor] = {}


Train = Callable[[Sequence[tf.Tensor], tf.Variable, Sequence[tf.Tensor], StyleSettings], Update]
"""Makes the update from the total loss of each picture; the variable that holds the pictures; the tensors to
differentiate by, of which the first is the pictures as the step reads them; and the settings."""


def train(
    totals: Sequence[tf.Tensor], variable: tf.Variable, tensors: Sequence[tf.Tensor], settings: StyleSettings
) -> Update:
    """Train by Adam on the gradient of the losses, as the reference program does."""
    gradient, *others = tf.gradients(totals, tensors)
    gradient = tf.identity(gradient, name="picture_gradient")
    return Update(adam(settings).apply_gradients([(gradient, variable)]), [gradient, *others])


def adam(settings: StyleSettings) -> tf.train.Optimizer:
    """Return the optimiser with the rates of the settings."""
    return tf.train.AdamOptimizer(settings.learning_rate, settings.beta1, settings.beta2, settings.epsilon)


def step_graph(
    initial: np.ndarray,
    targets: Targets,
    network: Network,
    settings: StyleSettings,
    dtype: tf.DType = tf.float32,
    train: Train = train,
) -> StepGraph:
    """Build the training step.

    Args:
        initial: start of the pictures, shape (pictures, height, width, 3), mean pixel subtracted.
        targets: enter the graph as constants; one of `contents` for each picture.
        train: adds the gradient and the update; loss scaling is another one than the plain `train`.
    """
    with tf.Graph().as_default() as graph:
        variable = tf.get_variable("picture", initializer=tf.constant(initial, dtype), use_resource=True)
        # One read for the whole step: each further one would be a node of its own, with casts of its own.
        picture = tf.identity(variable.read_value(), name="picture_read")
        each, activations, grams = _losses(picture, targets, _Weights(network, dtype), settings)
        losses = {name: _joined(name, [losses[name] for losses in each]) for name in LOSSES}
        result = tf.identity(variable.read_value(), name="result")
        totals = [losses["total"] for losses in each]
        update = train(totals, variable, [picture, *activations.values()], settings)
        gradient, *gradients = update.gradients
        initialize = tf.global_variables_initializer()
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        state = {name: variable.read_value().name for name, variable in variables.items()}
        return StepGraph(
            graph_def=_graph_def(graph),
            initialize=initialize.name,
            update=update.operation.name,
            losses=_names(losses),
            picture=picture.name,
            result=result.name,
            gradient=gradient.name,
            activations=_names(activations),
            gradients=_names(dict(zip(activations, gradients))),
            grams=_names(grams),
            state=state,
            state_inputs={name: variable.initial_value.name for name, variable in variables.items()},
            scaling={name: tensor.name for name, tensor in update.scaling.items()},
        )


def score_graph(
    content: Tuple[int, int],
    styles: Sequence[Tuple[int, int]],
    network: Network,
    settings: StyleSettings,
    dtype: tf.DType = tf.float32,
) -> ScoreGraph:
    """Graph of the losses of a finished picture against content and style pictures of these (height, width)."""
    with tf.Graph().as_default() as graph:
        weights = _Weights(network, dtype)
        content_picture = _placeholder(content, dtype, "content")
        style_pictures = tuple(_placeholder(style, dtype, "style") for style in styles)
        picture = _placeholder(content, dtype, "picture")
        targets = Targets(
            (_activations(content_picture, weights, list(settings.content_layers()), settings.pooling),),
            tuple(_grams(style_picture, weights, settings) for style_picture in style_pictures),
        )
        (losses,), _, _ = _losses(picture, targets, weights, settings)
        return ScoreGraph(
            _graph_def(graph),
            picture.name,
            content_picture.name,
            tuple(style_picture.name for style_picture in style_pictures),
            _names(losses),
        )


def _names(tensors: Dict[str, tf.Tensor]) -> Dict[str, str]:
    return {name: tensor.name for name, tensor in tensors.items()}


class _Weights:
    """The network's kernels and biases as constants of one graph, made when they are first used."""

    def __init__(self, network: Network, dtype: tf.DType) -> None:
        self._network = network
        self._dtype = dtype
        self._constants: Dict[str, Tuple[tf.Tensor, tf.Tensor]] = {}

    def __call__(self, name: str) -> Tuple[tf.Tensor, tf.Tensor]:
        if name not in self._constants:
            kernel = _constant(self._network.kernels[name], self._dtype, "kernel")
            self._constants[name] = kernel, _constant(self._network.biases[name], self._dtype, "bias")
        return self._constants[name]


def _constant(value: np.ndarray, dtype: tf.DType, name: str) -> tf.Tensor:
    """Add what is a constant of this value in the GraphDef that _graph_def returns."""
    # A placeholder until then: TensorFlow would copy the values into its own graph, and twice more on their way out.
    stand_in = tf.placeholder(dtype, value.shape, name)
    tf.add_to_collection(_CONSTANTS, (stand_in.op.name, value))
    return stand_in


def _graph_def(graph: tf.Graph) -> tf.GraphDef:
    """Return the graph as a GraphDef, with the values of its constants."""
    graph_def = graph.as_graph_def()
    nodes = {node.name: node for node in graph_def.node}
    for name, value in graph.get_collection(_CONSTANTS):
        node = nodes[name]
        node.op = "Const"
        del node.attr["shape"]
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, node.attr["dtype"].type))
    graph.clear_collection(_CONSTANTS)  # the graph lives on, in cycles, until Python collects them
    return graph_def


def _placeholder(shape: Tuple[int, int], dtype: tf.DType, name: str) -> tf.Tensor:
    # Fed rather than embedded: TensorFlow would fold a graph of constants, running it once more on one thread.
    return tf.placeholder(dtype, (1,) + tuple(shape) + (3,), name=name)


def _activations(picture: tf.Tensor, weights: _Weights, layers: Sequence[str], pooling: str) -> Dict[str, tf.Tensor]:
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


def _grams(picture: tf.Tensor, weights: _Weights, settings: StyleSettings) -> Dict[str, tf.Tensor]:
    activations = _activations(picture, weights, list(settings.style_layers()), settings.pooling)
    return {layer: _gram(layer, tensor) for layer, tensor in activations.items()}


def _gram(layer: str, activations: tf.Tensor, suffix: str = "") -> tf.Tensor:
    with tf.name_scope(f"gram_{layer}{suffix}"):
        _, height, width, channels = activations.shape.as_list()
        flat = tf.reshape(activations, (-1, channels))
        return tf.matmul(flat, flat, transpose_a=True) / (height * width * channels)


def _mean_square(tensor: tf.Tensor, size: int) -> tf.Tensor:
    return 2 * tf.nn.l2_loss(tensor) / size


def _losses(
    picture: tf.Tensor, targets: Targets, weights: _Weights, settings: StyleSettings
) -> Tuple[List[Dict[str, tf.Tensor]], Dict[str, tf.Tensor], Dict[str, tf.Tensor]]:
    """Return each picture's losses by name, the activations by Relu layer, and the Gram matrices.

    Activations are there for every Relu layer up to the deepest one used, Gram matrices by style layer and the
    picture's suffix.
    """
    style_layers = settings.style_layers()
    used = {*settings.content_layers(), *style_layers}
    deepest = max((LAYERS.index(layer) for layer in used), default=-1)
    layers = [layer for layer in LAYERS[: deepest + 1] if layer.startswith("relu")]
    activations = _activations(picture, weights, layers, settings.pooling)
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


def _joined(name: str, losses: Sequence[tf.Tensor]) -> tf.Tensor:
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
            target = _constant(target, tensor.dtype, "target")
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
