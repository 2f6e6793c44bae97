"""Pictures as data URIs, small enough that a whole report stays a few megabytes."""

import base64
import hashlib
import io
from functools import lru_cache
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

import numpy as np
from PIL import Image

from harness.errors import UsageError
from harness.fidelity.distances import LUMINANCE, ssim_map
from harness.machine.git import ROOT
from harness.records import Case
from harness.step import inputs
from model import images
from reports.language import Words
from reports.stored_run import Evidence

BUDGET = 3 * 2**20
"""Bytes of all pictures of a report, before base64 adds a third."""
_WIDTHS = (1024, 768, 512, 384, 256, 192, 128, 96, 64)
_QUALITY = 88
_MAP_COLORS = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
"""Colours of an SSIM map, from 1 (equal) to 0 and below: dark to light as in the inferno map, distinct in grey too."""


class Shown(NamedTuple):
    """A picture of the page."""

    label: str
    uri: str
    alt: str
    mode: str = ""
    """The mode that made it in this run; empty for what was put in or approved before."""


class CasePictures(NamedTuple):
    """The pictures that the page shows of one case."""

    gallery: List[Shown]
    """Content and styles, then each mode's picture, with the approved one behind it."""
    maps: List[Shown]
    """Where a mode's picture differs from the reference mode's and from the approved one."""
    left: int
    right: int
    """Places in the gallery that the slider begins with."""
    problem: str
    """Why content and styles are not there."""


def of_case(evidence: Evidence, case: Case, limit: int, words: Words) -> Optional[CasePictures]:
    """Return the pictures of a case, each of at most about `limit` bytes; None when no mode has made one."""
    run = evidence.run
    made = {mode.name: _made(evidence, case, mode.name) for mode in run.suite.modes}
    if not any(found for found in made.values()):
        return None
    originals, problem = _inputs(case, words)
    gallery, maps = [], []
    for index, pixels in enumerate(originals):
        name = words("style") + (f" {index}" if len(originals) > 2 else "") if index else words("content")
        gallery.append(Shown(name, data_uri(pixels, limit), name))
    reference = made.get(run.reference_mode)
    for mode, found in made.items():
        if found is None:
            continue
        alt = words("{case} stylized in mode {mode}", case=case.id, mode=mode)
        gallery.append(Shown(mode, data_uri(found.pixels, limit, found.png), alt, mode))
        others = [] if mode == run.reference_mode or reference is None else [("reference", reference.pixels)]
        approved = _approved(evidence, case, mode)
        if approved is not None:
            label = words("{mode}, approved", mode=mode)
            gallery.append(Shown(label, data_uri(approved, limit), label))
            others.append(("approved", approved))
        for name, other in others:
            label = words("{mode} against {name}", mode=mode, name=words(name))
            drawn = map_uri(found.pixels, other)
            if drawn:
                maps.append(Shown(label, drawn, words("SSIM map: {name}", name=label), mode))
    own = [index for index, shown in enumerate(gallery) if shown.mode]
    left = next((index for index in own if gallery[index].mode == run.reference_mode), own[0])
    right = next((index for index in own if index != left), left)
    return CasePictures(gallery, maps, left, right, problem)


class _Made(NamedTuple):
    pixels: np.ndarray
    png: bytes


def _made(evidence: Evidence, case: Case, mode: str) -> Optional[_Made]:
    for trial in evidence.good(case.id, mode):
        path = evidence.file(trial.picture)
        pixels = _read(path) if path else None
        if path and pixels is not None:
            return _Made(pixels, path.read_bytes())
    return None


def _read(path: Path) -> Optional[np.ndarray]:
    try:
        return images.read(str(path))
    except images.ImageError:
        return None


def _approved(evidence: Evidence, case: Case, mode: str) -> Optional[np.ndarray]:
    """Return the stored picture that the mode was held against; only one below the folder of baselines is read."""
    for found in evidence.run.fidelity:
        if (found.case, found.mode) == (case.id, mode) and found.baseline_picture:
            path = (ROOT / found.baseline_picture).resolve()
            return _read(path) if evidence.baselines.resolve() in path.parents else None
    return None


def _inputs(case: Case, words: Words) -> Tuple[List[np.ndarray], str]:
    """Return content and styles as the case used them; or none of them, and the reason."""
    try:
        pictures = inputs.read_pictures(case)
    except (UsageError, images.ImageError, OSError) as error:
        return [], str(error)
    found = [pictures.contents[0], *pictures.styles]  # of a batch, the picture that is shown is the first one's
    recorded = [case.inputs.content_sha256, *case.inputs.styles_sha256] if case.inputs else []
    if [hashlib.sha256(pixels.tobytes()).hexdigest() for pixels in found] != recorded:
        return [], words("the files have changed since the run")
    return found, ""


def data_uri(pixels: np.ndarray, limit: int, original: Optional[bytes] = None) -> str:
    """Return a data URI of at most about `limit` bytes: the original PNG if it is small enough, else a JPEG.

    Args:
        pixels: uint8 (height, width, 3).
        original: the bytes of the PNG file that held them.
    """
    if original is not None and len(original) <= limit:
        return _uri("png", original)
    image = Image.fromarray(pixels)
    for width in (image.width, *(width for width in _WIDTHS if width < image.width)):
        buffer = io.BytesIO()
        size = (width, max(1, round(image.height * width / image.width)))
        (image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)).save(
            buffer, "JPEG", quality=_QUALITY
        )
        if buffer.tell() <= limit:
            break
    return _uri("jpeg", buffer.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def map_uri(picture: np.ndarray, reference: np.ndarray) -> Optional[str]:
    """Return the map of local SSIM of two pictures' luma as a PNG, dark where they are equal.

    None when their sizes differ. For looking at only: what a gate judges is in the records.
    """
    if picture.shape != reference.shape:
        return None
    _, local = ssim_map(picture @ LUMINANCE, reference @ LUMINANCE)
    image = Image.fromarray(np.clip((1.0 - local) * 255.0, 0, 255).astype(np.uint8))
    image.putpalette(_palette())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return _uri("png", buffer.getvalue())


@lru_cache(maxsize=None)
def _palette() -> List[int]:
    stops = np.linspace(0, 255, len(_MAP_COLORS))
    channels = [np.interp(np.arange(256), stops, values) for values in zip(*_MAP_COLORS)]
    levels: List[int] = np.stack(channels, axis=-1).astype(int).ravel().tolist()
    return levels
