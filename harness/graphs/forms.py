"""The forms in which TensorFlow keeps a graph, told apart by what a file holds, whatever its name."""

import functools
import os
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from harness.errors import UsageError, nearest
from harness.graphs.source import FORMS
from harness.reading import UnreadableError, read_file

GRAPH_DEF, META_GRAPH_DEF, SAVED_MODEL = "GraphDef", "MetaGraphDef", "SavedModel"

_LIMIT = 2**31
"""Bytes; no protocol buffer holds more."""
_OP_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_>.]*")
_DEFAULT_SIGNATURE = "serving_default"
_INITIALIZERS = ("__saved_model_init_op", "__saved_model_train_op")
"""Signatures that TensorFlow itself adds."""


class StoredGraph(NamedTuple):
    """A graph as its file holds it."""

    form: str
    """GRAPH_DEF, META_GRAPH_DEF or SAVED_MODEL."""
    graph_def: Any
    """A tf.GraphDef, which the caller may change."""
    meta: Any = None
    """The tf.MetaGraphDef that the graph is of; None for a bare GraphDef."""
    signature: str = ""
    """Name of the signature that is meant; empty when there is none."""
    outputs: Tuple[str, ...] = ()
    """Tensors that the signature returns."""


def load(path: str, signature: str, needs_signature: bool) -> StoredGraph:
    """Return the graph of a file, or of a SavedModel's folder.

    Args:
        signature: name of a SavedModel's signature; empty: its only one, or serving_default.
        needs_signature: refuse a SavedModel of several signatures when none is named; False when its user names
            fetches.

    Raises:
        UsageError: it is none of the forms, or has no such signature; the message does not name it.
    """
    file = _saved_model_file(path) if os.path.isdir(path) else path
    try:
        data = read_file(file, _LIMIT)
    except UnreadableError as error:
        raise UsageError(f"cannot be read: {error} (expected {FORMS})") from error
    for form, reading in _readings(data):
        message = _parsed(reading)
        if (
            form == SAVED_MODEL
            and message is not None
            and any(_is_graph(meta.graph_def) for meta in message.meta_graphs)
        ):
            return _signed(_meta_graph(message.meta_graphs), signature, needs_signature)
        if form == META_GRAPH_DEF and message is not None and _is_graph(message.graph_def):
            return _without_signature(StoredGraph(form, message.graph_def, message), signature)
        if form == GRAPH_DEF and message is not None and _is_graph(message):
            return _without_signature(StoredGraph(form, message), signature)
    raise UsageError(f"not a graph (expected {FORMS})")


def variables_prefix(path: str, form: str) -> str:
    """Return where the values of a stored graph's variables lie, as tf.train.Saver names a checkpoint."""
    if form == SAVED_MODEL:
        return os.path.join(path if os.path.isdir(path) else os.path.dirname(path), "variables", "variables")
    return path[: -len(".meta")] if path.endswith(".meta") else path


def _saved_model_file(folder: str) -> str:
    names = [os.path.join(folder, name) for name in ("saved_model.pb", "saved_model.pbtxt")]
    return next((name for name in names if os.path.exists(name)), names[0])


def _readings(data: bytes) -> List[Tuple[str, Callable[[], Any]]]:
    """What reads the file as each of the forms; one that it is not may be read as nonsense, or raise nothing at all."""
    import tensorflow.compat.v1 as tf
    from google.protobuf import text_format
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    def binary(message: Any) -> Any:
        message.ParseFromString(data)
        return message

    def text(message: Any) -> Any:
        return text_format.Parse(data.decode("utf-8"), message)

    kinds = ((GRAPH_DEF, tf.GraphDef), (SAVED_MODEL, SavedModel), (META_GRAPH_DEF, tf.MetaGraphDef))
    return [(form, functools.partial(read, kind())) for read in (binary, text) for form, kind in kinds]


def _parsed(reading: Callable[[], Any]) -> Any:
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    try:
        return reading()
    except (DecodeError, UnicodeDecodeError, text_format.ParseError):
        return None


def _is_graph(graph_def: Any) -> bool:
    """Whether it has nodes, and all of them a name and what may be an op's type."""
    return bool(graph_def.node) and all(node.name and _OP_TYPE.fullmatch(node.op) for node in graph_def.node)


def _without_signature(stored: StoredGraph, signature: str) -> StoredGraph:
    if signature:
        raise UsageError(f"--signature {signature}: it is a {stored.form}, which has none (expected --fetch NAME)")
    return stored


def _meta_graph(meta_graphs: Sequence[Any]) -> Any:
    """Return the graph that is tagged for serving, else the first."""
    serving = [meta for meta in meta_graphs if "serve" in meta.meta_info_def.tags]
    return (serving or list(meta_graphs))[0]


def _signed(meta: Any, asked: str, needs_signature: bool) -> StoredGraph:
    stored = StoredGraph(SAVED_MODEL, meta.graph_def, meta)
    signatures: Dict[str, Any] = {
        name: found for name, found in meta.signature_def.items() if name not in _INITIALIZERS and found.outputs
    }
    name = asked or _only_one(signatures)
    if name is None or (asked and asked not in signatures):
        names = ", ".join(sorted(signatures)) or "none"
        if asked:
            raise UsageError(f"--signature {asked}: the SavedModel's are {names}{nearest(asked, signatures)}")
        if needs_signature:
            raise UsageError(f"the SavedModel's signatures are {names} (expected --signature NAME, or --fetch NAME)")
        return stored
    outputs = tuple(info.name for _, info in sorted(signatures[name].outputs.items()))
    return stored._replace(signature=name, outputs=outputs)


def _only_one(signatures: Dict[str, Any]) -> Optional[str]:
    return (
        next(iter(signatures))
        if len(signatures) == 1
        else (_DEFAULT_SIGNATURE if _DEFAULT_SIGNATURE in signatures else None)
    )
