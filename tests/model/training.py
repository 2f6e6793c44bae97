"""Build and run the package's graphs as a caller would."""

import contextlib

import numpy as np
import tensorflow.compat.v1 as tf

from model import losses, stylization


def run(graph_def, fetches, feeds):
    """Import a graph and evaluate it once, without the optimiser: for one run it costs more than it saves."""
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default():
        tf.import_graph_def(graph_def, name="")
        with tf.Session(config=config) as session:
            return session.run(fetches, feeds)


def targets(content, styles, network, settings, dtype):
    """The targets of uint8 pictures, by the package's feature graphs; `content` is one, or a list of several."""
    contents = content if isinstance(content, list) else [content]

    def evaluate(graph, picture):
        return run(graph.graph_def, graph.activations, {graph.picture: picture})

    return stylization.compute_targets(contents, styles, network, settings, evaluate, dtype)


def start(content, network, noise_blend=None, seed=0):
    """The start of an optimisation without an initial picture."""
    return stylization.initial_picture(content, None, noise_blend, network.mean_pixel, seed)


@contextlib.contextmanager
def session(step):
    """A session with a StepGraph imported and initialised."""
    with tf.Graph().as_default():
        tf.import_graph_def(step.graph_def, name="")
        with tf.Session() as opened:
            opened.run(step.initialize)
            yield opened


def train(step, updates):
    """The losses before each update as an array (updates, 4), and the picture after the last."""
    fetches = [step.losses[name] for name in losses.LOSSES] + [step.update]
    with session(step) as opened:
        rows = [opened.run(fetches)[:-1] for _ in range(updates)]
        return np.array(rows), opened.run(step.picture)
