"""The constants of a graph, such as the network's weights: what TensorFlow would copy again and again."""

from typing import Dict, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from model.vgg import Network

_CONSTANTS = "model_constants"
"""Collection of a graph: the name of each placeholder that stands for a Const, and the value of that."""


class Weights:
    """The network's kernels and biases as constants of one graph, made when they are first used."""

    def __init__(self, network: Network, dtype: tf.DType) -> None:
        """Set the network and the graph's dtype; no constant is made yet."""
        self._network = network
        self._dtype = dtype
        self._constants: Dict[str, Tuple[tf.Tensor, tf.Tensor]] = {}

    def __call__(self, name: str) -> Tuple[tf.Tensor, tf.Tensor]:
        """Return the kernel and the bias of a convolution."""
        if name not in self._constants:
            kernel = constant(self._network.kernels[name], self._dtype, "kernel")
            self._constants[name] = kernel, constant(self._network.biases[name], self._dtype, "bias")
        return self._constants[name]


def constant(value: np.ndarray, dtype: tf.DType, name: str) -> tf.Tensor:
    """Add what is a constant of this value in the GraphDef that graph_def_of returns."""
    # A placeholder until then: TensorFlow would copy the values into its own graph, and twice more on their way out.
    stand_in = tf.placeholder(dtype, value.shape, name)
    tf.add_to_collection(_CONSTANTS, (stand_in.op.name, value))
    return stand_in


def graph_def_of(graph: tf.Graph) -> tf.GraphDef:
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
