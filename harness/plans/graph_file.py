"""A TensorFlow graph from a file, in any of the forms that one is kept in, and what it is to be run for."""

import re
from typing import Any, Callable, Iterator, List, Sequence, Tuple

from harness.errors import UsageError
from harness.reading import UnreadableError, read_file

_LIMIT = 2**31
"""Bytes; no protocol buffer holds more."""
_EXPECTED = "expected a binary GraphDef, one in text, or a MetaGraphDef"
_SAVED_MODEL = "it is a SavedModel, with a graph for each of its uses (expected one of them, frozen to a GraphDef)"
_OP_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_>.]*")
_FETCH = re.compile(r"(?P<node>[^:^]+)(:(?P<output>[0-9]{1,9}))?")


def read_graph(path: str, fetches: Sequence[str]) -> Tuple[Any, Sequence[str]]:
    """Return the file's tf.GraphDef and its fetches; every node that nothing reads when none are given.

    Raises:
        UsageError: it is no graph, TensorFlow cannot import it, or it has no such fetch; the message does not name it.
    """
    try:
        data = read_file(path, _LIMIT)
    except UnreadableError as error:
        raise UsageError(f"{error} ({_EXPECTED})") from error
    graph_def = next((found for found in _readings(data) if _is_graph(found)), None)
    if graph_def is None:
        raise UsageError(_SAVED_MODEL if _is_saved_model(data) else f"not a graph ({_EXPECTED})")
    return graph_def, _checked(_import(graph_def), graph_def, fetches)


def _readings(data: bytes) -> Iterator[Any]:
    """The file as each of the forms; a form that it is not may be read as nonsense, or raise nothing at all."""
    import tensorflow.compat.v1 as tf
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    def text() -> str:
        return data.decode("utf-8")

    def binary(message: Any) -> Any:
        message.ParseFromString(data)
        return message

    forms: List[Callable[[], Any]] = [
        lambda: binary(tf.GraphDef()),
        lambda: binary(tf.MetaGraphDef()).graph_def,
        lambda: text_format.Parse(text(), tf.GraphDef()),
        lambda: text_format.Parse(text(), tf.MetaGraphDef()).graph_def,
    ]
    for form in forms:
        try:
            yield form()
        except (DecodeError, UnicodeDecodeError, text_format.ParseError):
            continue


def _is_graph(graph_def: Any) -> bool:
    """Whether it has nodes, and all of them a name and what may be an op's type."""
    return bool(graph_def.node) and all(node.name and _OP_TYPE.fullmatch(node.op) for node in graph_def.node)


def _is_saved_model(data: bytes) -> bool:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    message = SavedModel()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return False
    return any(_is_graph(meta_graph.graph_def) for meta_graph in message.meta_graphs)


def _import(graph_def: Any) -> Any:
    import tensorflow.compat.v1 as tf

    try:
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
    except (ValueError, tf.errors.OpError) as error:  # the latter for an op that this TensorFlow does not have
        raise UsageError(f"TensorFlow cannot import it: {str(error).splitlines()[0]}") from error
    return graph


def _checked(graph: Any, graph_def: Any, fetches: Sequence[str]) -> Sequence[str]:
    from harness.precision import output_nodes

    for fetch in fetches:
        parts = _FETCH.fullmatch(fetch)
        if parts is None:
            raise UsageError(f"fetch '{fetch}': expected the name of a node, or NODE:NUMBER of one of its outputs")
        name, number = parts.group("node"), parts.group("output")
        if name not in {node.name for node in graph_def.node}:
            raise UsageError(f"fetch '{fetch}': the graph has no node of this name")
        outputs = len(graph.get_operation_by_name(name).outputs)
        if number is not None and int(number) >= outputs:
            raise UsageError(f"fetch '{fetch}': node {name} has {outputs} outputs, counted from 0")
    found = fetches or output_nodes(graph_def)
    if not found:
        raise UsageError("no node in it computes anything from another (expected some, or --fetch NAME)")
    return found
