"""Which graph is meant, as the command line names it; imports no TensorFlow."""

import os
import re
from typing import Dict, Iterable, Optional, Tuple

from harness.errors import UsageError
from harness.records.base import FileName, Record

Shape = Tuple[Optional[int], ...]
"""Dimensions of a tensor; None where one is not known."""

FORMS = "a GraphDef or MetaGraphDef, binary or in text, or a SavedModel"
_SIZE = re.compile(r"[0-9]{1,9}")
_UNKNOWN_SIZES = ("?", "-1")
_SHAPE_EXPECTED = "expected NAME=SIZE,SIZE,… such as image=1,224,224,3, with ? for a size that stays unknown"
_EXPORT = "model.export(FOLDER) of Keras 3, or tf.saved_model.save(model, FOLDER), writes the SavedModel that is taken"
_SIGNATURES = (
    (0, b"\x89HDF\r\n\x1a\n", f"it is an HDF5 file, such as Keras writes ({_EXPORT})"),
    (0, b"PK\x03\x04", f"it is a Keras model or another ZIP archive ({_EXPORT})"),
    (4, b"TFL3", f"it is a TensorFlow Lite model, whose ops are no longer TensorFlow's (expected {FORMS})"),
)
"""What the first bytes of files say that are often taken for a graph: where, what, and the reason to refuse."""


class GraphSource(Record):
    """A file or folder with a graph, and what of it is meant."""

    path: FileName
    signature: str = ""
    """Of a SavedModel: name of the signature to be run; empty: its only one, or serving_default."""
    fetches: Tuple[str, ...] = ()
    """Names of the tensors and operations that it is run for; empty: the signature's outputs, or what is guessed."""
    shapes: Dict[str, Shape] = {}
    """Shapes of placeholders, by name, that the file leaves open."""
    inputs: Tuple[str, ...] = ()
    """Names of tensors that are fed although the graph computes them; the graph ends there."""


def graph_source(
    path: str, signature: Optional[str], fetches: Iterable[str], shapes: Iterable[str], inputs: Iterable[str] = ()
) -> GraphSource:
    """Return the source that the options of a command name, after what can be said of it without TensorFlow.

    Args:
        shapes: texts such as `image=1,224,224,3`.

    Raises:
        UsageError: there is no such file, it is no graph's, or a shape is none or one of two of a placeholder.
    """
    _check_path(path)
    return GraphSource(
        path=os.path.abspath(path),
        signature=signature or "",
        fetches=tuple(fetches),
        shapes=_shapes(shapes),
        inputs=tuple(inputs),
    )


def _check_path(path: str) -> None:
    if not os.path.exists(path):
        raise UsageError(f"graph {path}: no such file (expected {FORMS})")
    if os.path.isdir(path):
        if not any(os.path.isfile(os.path.join(path, name)) for name in ("saved_model.pb", "saved_model.pbtxt")):
            raise UsageError(f"graph {path}: the folder holds no saved_model.pb (expected {FORMS})")
        return
    if not os.path.isfile(path):
        raise UsageError(f"graph {path}: not a regular file (expected {FORMS})")
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError as error:
        raise UsageError(f"graph {path}: cannot be read: {error.strerror} (expected {FORMS})") from error
    for offset, signature, reason in _SIGNATURES:
        if start[offset:].startswith(signature):
            raise UsageError(f"graph {path}: {reason}")


def _shapes(texts: Iterable[str]) -> Dict[str, Shape]:
    found: Dict[str, Shape] = {}
    for text in texts:
        name, shape = _shape(text)
        bare = name[:-2] if name.endswith(":0") else name
        if bare in found:
            raise UsageError(f"--shape {text}: a shape of {bare} is given before (expected one for each placeholder)")
        found[bare] = shape
    return found


def _shape(text: str) -> Tuple[str, Shape]:
    name, equals, sizes = text.rpartition("=")
    parts = [part.strip() for part in sizes.split(",")] if sizes.strip() else []
    if not name or not equals or not all(_SIZE.fullmatch(part) or part in _UNKNOWN_SIZES for part in parts):
        raise UsageError(f"--shape {text}: it says no shape ({_SHAPE_EXPECTED})")
    return name, tuple(None if part in _UNKNOWN_SIZES else int(part) for part in parts)
