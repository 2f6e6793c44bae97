"""Neural style transfer as TensorFlow graphs: targets, losses, and the whole training step as one graph.

The graphs are plain float32 (or float64) and spelled in the reference program's order of operations, because the
Ascend compiler picks dtypes from the spelling. They are handed on as GraphDefs; whoever runs them may rewrite them.
"""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from model.constants import Weights, graph_def_of
from model.losses import LOSSES, Targets, forward, gram_matrices, joined, losses_of
from model.settings import StyleSettings
from model.vgg import Network


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
        activations = forward(picture, Weights(network, dtype), layers, pooling)
        return FeatureGraph(graph_def_of(graph), picture.name, _names(activations))


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
        each, activations, grams = losses_of(picture, targets, Weights(network, dtype), settings)
        losses = {name: joined(name, [losses[name] for losses in each]) for name in LOSSES}
        result = tf.identity(variable.read_value(), name="result")
        totals = [losses["total"] for losses in each]
        update = train(totals, variable, [picture, *activations.values()], settings)
        gradient, *gradients = update.gradients
        initialize = tf.global_variables_initializer()
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        state = {name: variable.read_value().name for name, variable in variables.items()}
        return StepGraph(
            graph_def=graph_def_of(graph),
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
        weights = Weights(network, dtype)
        content_picture = _placeholder(content, dtype, "content")
        style_pictures = tuple(_placeholder(style, dtype, "style") for style in styles)
        picture = _placeholder(content, dtype, "picture")
        targets = Targets(
            (forward(content_picture, weights, list(settings.content_layers()), settings.pooling),),
            tuple(gram_matrices(style_picture, weights, settings) for style_picture in style_pictures),
        )
        (losses,), _, _ = losses_of(picture, targets, weights, settings)
        return ScoreGraph(
            graph_def_of(graph),
            picture.name,
            content_picture.name,
            tuple(style_picture.name for style_picture in style_pictures),
            _names(losses),
        )


def _names(tensors: Dict[str, tf.Tensor]) -> Dict[str, str]:
    return {name: tensor.name for name, tensor in tensors.items()}


def _placeholder(shape: Tuple[int, int], dtype: tf.DType, name: str) -> tf.Tensor:
    # Fed rather than embedded: TensorFlow would fold a graph of constants, running it once more on one thread.
    return tf.placeholder(dtype, (1,) + tuple(shape) + (3,), name=name)
