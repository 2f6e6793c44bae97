"""A graph from a file, ready to be planned or run: its fetches, its inputs, and where its variables' values lie.

Imports TensorFlow, so that the parent's side knows graphs.source alone.
"""

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from harness.errors import UsageError
from harness.graphs.feeding import GraphInput, cut, fix_shapes, graph_inputs
from harness.graphs.fetches import guessed_fetches, named_fetches
from harness.graphs.forms import META_GRAPH_DEF, SAVED_MODEL, StoredGraph, load, variables_prefix
from harness.graphs.source import Shape
from harness.graphs.unknown_ops import drop_unknown_ops
from harness.precision.graph.inlining import inline_functions
from harness.precision.graph.loop_shapes import infer_shapes
from harness.precision.graph.nodes import GraphError, TensorInfo, drop_dead_colocations


class Restore(NamedTuple):
    """How a graph gets its variables' values: an operation to run once, and what it must be fed."""

    operation: str
    file_tensor: str
    """Tensor that is fed the path below."""
    prefix: str
    """Path of the checkpoint, without the endings of its files."""


class Graph(NamedTuple):
    """A graph and what it is run for."""

    path: str
    form: str
    """GraphDef, MetaGraphDef or SavedModel."""
    signature: str
    """Name of the SavedModel's signature; empty when there is none."""
    graph_def: Any
    """tf.GraphDef, whole: also what no fetch needs, such as initialisers. Shapes that were given are in it, and the
    bodies of functions stand where they were called."""
    fetches: Tuple[str, ...]
    """Names of tensors, or of operations without output, each as its user, the signature or the guess named it;
    an output of a function's call after the first is CALL/output_1."""
    is_guessed: bool
    """True when neither the user nor a signature said what it is run for."""
    inputs: Tuple[GraphInput, ...]
    """What the fetches need to be fed."""
    infos: Dict[str, TensorInfo]
    """Dtype and static shape of every tensor, by its full name such as `conv/Relu:0`."""
    init_ops: Tuple[str, ...] = ()
    """Operations that the file names as those to run before any step, such as initialisers of tables."""
    restore: Optional[Restore] = None
    """None when the graph has no variables whose values are stored."""


def read_graph(
    path: str,
    signature: str = "",
    fetches: Sequence[str] = (),
    shapes: Optional[Mapping[str, Shape]] = None,
    inputs: Sequence[str] = (),
) -> Graph:
    """Return the graph of a file in any form; its arguments are those of graphs.source.GraphSource.

    Args:
        signature: of a SavedModel; empty: its only one, or serving_default.
        fetches: what it is run for; empty: what the signature or the training step of a MetaGraphDef says, else the
            nodes that nothing reads.
        shapes: of placeholders, by name; they may only say what the file leaves open.
        inputs: tensors that are fed although the graph computes them.

    Raises:
        UsageError: it is no graph, TensorFlow cannot import it, or it has no such signature, fetch or placeholder.
    """
    try:
        return _read(path, signature, fetches, shapes or {}, inputs)
    except (UsageError, GraphError) as error:
        raise UsageError(f"graph {path}: {error}") from error


def _read(
    path: str, signature: str, fetches: Sequence[str], shapes: Mapping[str, Shape], inputs: Sequence[str]
) -> Graph:
    stored = load(path, signature, needs_signature=not fetches)
    graph_def = stored.graph_def
    drop_dead_colocations(graph_def)
    fix_shapes(graph_def, shapes)
    named = fetches or stored.outputs or _train_op(stored)
    chosen = tuple(named) or guessed_fetches({node.name: node for node in graph_def.node})
    drop_unknown_ops(graph_def, chosen)
    graph_def, renamed = inline_functions(graph_def)
    infos = _imported(graph_def)
    nodes = {node.name: node for node in graph_def.node}
    chosen = named_fetches([renamed.get(fetch, fetch) for fetch in chosen], nodes, infos)
    if inputs:
        cut(graph_def, infos, [renamed.get(name, name) for name in inputs])
        infos = _imported(graph_def)
        nodes = {node.name: node for node in graph_def.node}
    return Graph(
        path=path,
        form=stored.form,
        signature=stored.signature,
        graph_def=graph_def,
        fetches=chosen,
        is_guessed=not named,
        inputs=graph_inputs(nodes, chosen, infos),
        infos=infos,
        init_ops=_init_ops(stored),
        restore=_restore(stored, path),
    )


def _imported(graph_def: Any) -> Dict[str, TensorInfo]:
    """Return what TensorFlow knows of every tensor; raises UsageError when it cannot import the graph."""
    import tensorflow.compat.v1 as tf

    try:
        return infer_shapes(graph_def)[1]
    except (ValueError, tf.errors.OpError) as error:
        raise UsageError(f"TensorFlow cannot import it: {str(error).splitlines()[0]}") from error


def _train_op(stored: StoredGraph) -> Tuple[str, ...]:
    """Return the operations that a MetaGraphDef calls its training step; empty when it does not say."""
    if stored.form != META_GRAPH_DEF:
        return ()
    known = {node.name for node in stored.graph_def.node}
    names = stored.meta.collection_def["train_op"].node_list.value if "train_op" in stored.meta.collection_def else ()
    return tuple(name for name in names if name.split(":")[0] in known)


def _init_ops(stored: StoredGraph) -> Tuple[str, ...]:
    if stored.form != SAVED_MODEL:
        return ()
    meta = stored.meta
    names: List[str] = []
    if "__saved_model_init_op" in meta.signature_def:
        names += [info.name for info in meta.signature_def["__saved_model_init_op"].outputs.values()]
    for key in ("saved_model_main_op", "legacy_init_op"):
        if key in meta.collection_def:
            names += list(meta.collection_def[key].node_list.value)
    known = {node.name for node in stored.graph_def.node}
    return tuple(dict.fromkeys(name for name in names if name.split(":")[0] in known))


def _restore(stored: StoredGraph, path: str) -> Optional[Restore]:
    """Return how the variables are restored; None where no checkpoint lies beside the graph."""
    saver = stored.meta.saver_def if stored.meta is not None else None
    prefix = variables_prefix(path, stored.form)
    if saver is None or not saver.restore_op_name or not os.path.exists(prefix + ".index"):
        return None
    return Restore(saver.restore_op_name, saver.filename_tensor_name, prefix)
