"""Read a case's input files: once by the parent, to refuse bad ones before anything runs, and once by each worker."""

import hashlib
import os
from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy as np

from harness.errors import UsageError
from harness.records import Case, Inputs
from model import images, vgg


class Pictures(NamedTuple):
    """The pictures of a case at the size they are used in: uint8 RGB."""

    content: np.ndarray
    styles: Tuple[np.ndarray, ...]
    initial: Optional[np.ndarray]
    """A picture to start from; None for a start from noise."""


class Loaded(NamedTuple):
    """A case and what its files hold."""

    case: Case
    """With `inputs` filled in and every path absolute."""
    pictures: Pictures
    network: vgg.Network


def read_pictures(case: Case) -> Pictures:
    """Read and resize the pictures; raises images.ImageError or UsageError."""
    content = images.read(case.content)
    if case.size is not None:
        shape = images.content_shape(content.shape[0], content.shape[1], case.size)
        _check_size(f"content {case.content} at size {case.size}", shape)
        if shape != content.shape[:2]:
            content = images.resize(content, *shape)
    height, width = content.shape[:2]
    styles = []
    for path, scale in zip(case.styles, case.settings.scales(len(case.styles))):
        style = images.read(path)
        shape = images.style_shape(style.shape[0], style.shape[1], scale, width)
        _check_size(f"style {path} at scale {scale:g} of a {width} pixels wide content", shape)
        styles.append(images.resize(style, *shape))
    if case.initial == "noise":
        return Pictures(content, tuple(styles), None)
    initial = content if case.initial == "content" else images.resize(images.read(case.initial), height, width)
    return Pictures(content, tuple(styles), initial)


def _check_size(what: str, shape: Tuple[int, int]) -> None:
    if min(shape) < images.MIN_SIDE:
        raise UsageError(f"{what}: {shape[1]}x{shape[0]} pixels, expected at least {images.MIN_SIDE} on each side")


def resolve(case: Case, cache: str) -> Case:
    """Return the case with what its files hold; raises as `load` does."""
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
    started_from_file = case.initial not in ("content", "noise")
    inputs = Inputs(
        content_sha256=_sha256(pictures.content),
        styles_sha256=tuple(_sha256(style) for style in pictures.styles),
        initial_sha256=_sha256(pictures.initial) if started_from_file and pictures.initial is not None else None,
        network_sha256=network.digest(),
        height=pictures.content.shape[0],
        width=pictures.content.shape[1],
    )
    return Loaded(case.model_copy(update={"inputs": inputs, **_absolute_paths(case)}), pictures, network)


def _absolute_paths(case: Case) -> Dict[str, Any]:
    """The case's files for a process in another folder, such as a worker or a resumed run."""
    return {
        "content": os.path.abspath(case.content),
        "styles": tuple(os.path.abspath(style) for style in case.styles),
        "initial": case.initial if case.initial in ("content", "noise") else os.path.abspath(case.initial),
        "network": case.network if case.network in vgg.BUILT_IN else os.path.abspath(case.network),
    }


def _sha256(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels)).hexdigest()
