"""Reads a case's input files: once by the parent, to refuse bad ones before anything runs, and once by each worker."""

import hashlib
import os
from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy as np

from harness.errors import UsageError
from harness.records import Case, Inputs
from model import images, vgg
from model.settings import MAX_SIDE


class Pictures(NamedTuple):
    """The pictures of a case at the size they are used in: uint8 RGB of shape (height, width, 3)."""

    contents: Tuple[np.ndarray, ...]
    """Content picture for each picture of the batch, all of one shape."""
    styles: Tuple[np.ndarray, ...]
    """Style pictures, each of a shape of its own."""
    initial: Optional[np.ndarray]
    """Picture to start from, of the content's shape; None for a start from the content or from noise."""

    @property
    def shape(self) -> Tuple[int, int]:
        """Height and width of every content picture."""
        return self.contents[0].shape[:2]


class Loaded(NamedTuple):
    """A case, its pictures and its network."""

    case: Case
    """The case with `inputs` filled in and every path absolute."""
    pictures: Pictures
    network: vgg.Network


def read_pictures(case: Case) -> Pictures:
    """Read and resize the pictures; raises images.ImageError or UsageError."""
    contents = _contents(case)
    height, width = contents[0].shape[:2]
    styles = []
    for path, scale in zip(case.styles, case.settings.scales(len(case.styles))):
        style = images.read(path)
        shape = images.style_shape(style.shape[0], style.shape[1], scale, width)
        # However small: its Gram matrices say what there is, and the reference program takes it.
        _check_size(f"style {path} at scale {scale:g} of a {width} pixels wide content", shape, least=1)
        styles.append(images.resize(style, *shape))
    from_file = case.initial not in ("content", "noise")
    initial = images.resize(images.read(case.initial), height, width) if from_file else None
    return Pictures(contents, tuple(styles), initial)


def _contents(case: Case) -> Tuple[np.ndarray, ...]:
    paths = (case.content, *case.further_contents)
    if len(paths) > case.batch:
        raise UsageError(f"case {case.id}: {len(paths)} content pictures for a batch of {case.batch}")
    given = [_content(path, case.size) for path in paths]
    first = given[0].shape
    for path, content in zip(paths, given):
        if content.shape != first:
            raise UsageError(
                f"content {path}: {content.shape[1]}x{content.shape[0]} pixels, expected {first[1]}x{first[0]} as "
                f"{case.content} has: the pictures of a batch are of one size"
            )
    return tuple(given[index % len(given)] for index in range(case.batch))


def _content(path: str, size: Optional[int]) -> np.ndarray:
    content = images.read(path)
    if size is None:
        _check_size(f"content {path} at its own size", content.shape[:2])
        return content
    shape = images.content_shape(content.shape[0], content.shape[1], size)
    _check_size(f"content {path} at size {size}", shape)
    return content if shape == content.shape[:2] else images.resize(content, *shape)


def _check_size(what: str, shape: Tuple[int, int], least: int = images.MIN_SIDE) -> None:
    if min(shape) < least:
        raise UsageError(f"{what}: {shape[1]}x{shape[0]} pixels, expected at least {least} on each side")
    if max(shape) > MAX_SIDE:
        raise UsageError(f"{what}: {shape[1]}x{shape[0]} pixels, expected at most {MAX_SIDE} on each side")


def resolve(case: Case, cache: str) -> Case:
    """Return the case with `inputs` filled in and every path absolute; raises as `load` does."""
    return load(case, cache).case


def load(case: Case, cache: str) -> Loaded:
    """Read every file of the case.

    Raises:
        UsageError, images.ImageError, vgg.NetworkError: a file or a setting cannot be used.
    """
    try:
        case.settings.check_style_count(len(case.styles))
    except ValueError as error:
        raise UsageError(f"case {case.id}: {error}") from error
    pictures = read_pictures(case)
    network = vgg.load(case.network, cache)
    further = pictures.contents[1 : 1 + len(case.further_contents)]
    inputs = Inputs(
        content_sha256=_sha256(pictures.contents[0]),
        further_contents_sha256=tuple(_sha256(content) for content in further),
        styles_sha256=tuple(_sha256(style) for style in pictures.styles),
        initial_sha256=_sha256(pictures.initial) if pictures.initial is not None else None,
        network_sha256=network.digest(),
        height=pictures.shape[0],
        width=pictures.shape[1],
    )
    return Loaded(case.model_copy(update={"inputs": inputs, **_absolute_paths(case)}), pictures, network)


def _absolute_paths(case: Case) -> Dict[str, Any]:
    """Return the case's paths as absolute ones, for workers and resumed runs in other folders."""
    return {
        "content": os.path.abspath(case.content),
        "further_contents": tuple(os.path.abspath(content) for content in case.further_contents),
        "styles": tuple(os.path.abspath(style) for style in case.styles),
        "initial": case.initial if case.initial in ("content", "noise") else os.path.abspath(case.initial),
        "network": case.network if case.network in vgg.BUILT_IN else os.path.abspath(case.network),
    }


def _sha256(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
