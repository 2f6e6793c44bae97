"""Read, resize, encode pictures; keep colours. Pictures are uint8 arrays of shape (height, width, 3), RGB."""

import hashlib
import io
import os
import warnings
from typing import Tuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MEAN_PIXEL = (123.68, 116.779, 103.939)
MIN_SIDE = 32
"""Pixels. Four poolings leave 2x2 positions at the deepest style layer; below that a Gram matrix says nothing."""
MAX_PIXELS = 89_478_485
"""Of a picture's file, a quarter of a GiB as RGB: where Pillow begins to warn of decompression bombs."""

_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".ppm": "PPM",
}

_READ = tuple(dict.fromkeys(_FORMATS.values()))
"""Formats that Pillow decodes itself; for others, such as EPS, it would run what it finds on the PATH."""


class ImageError(ValueError):
    """A picture cannot be used; the message names the file and what was expected."""


def read(path: str) -> np.ndarray:
    """Return the picture as uint8 RGB, upright by its EXIF tag, its alpha dropped without compositing.

    Raises:
        ImageError: the file is missing, empty, truncated, in no format that is named here, smaller than MIN_SIDE or
            of more than MAX_PIXELS.
    """
    if not os.path.isfile(path):
        raise ImageError(f"picture {path}: {'not a file' if os.path.exists(path) else 'no such file'}")
    if not os.path.getsize(path):
        raise ImageError(f"picture {path}: the file is empty")
    try:
        with _open(path) as image:
            image.load()
            # Pillow before 10 opens 16-bit grey PNG as 32-bit integers.
            is_16_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
            pixels = np.asarray(_to_rgb(ImageOps.exif_transpose(image), is_16_bit))
    except Exception as error:  # Pillow raises a dozen unrelated types on a damaged file
        raise ImageError(f"picture {path}: {_reason(error)}") from error
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise ImageError(f"picture {path}: {width}x{height} pixels, expected at least {MIN_SIDE} on each side")
    return pixels


def _reason(error: Exception) -> str:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"more than {MAX_PIXELS:,} pixels (scale it down)"
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        reason = "not a picture Pillow can read"
    return f"{reason} (expected a whole JPEG, PNG, BMP, TIFF, WebP, GIF or PPM file)"


def _open(path: str) -> Image.Image:
    """Open the picture if its format is one of those named here, whatever its suffix: no program is run to read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(path, formats=_READ)


def _to_rgb(image: Image.Image, is_16_bit: bool) -> Image.Image:
    if is_16_bit or image.mode in ("I", "F"):
        # Pillow clips these modes to 255 when it converts; 16-bit levels have to be scaled.
        levels = np.asarray(image).astype(np.float64) / (257.0 if is_16_bit else 1.0)
        image = Image.fromarray(to_uint8(levels))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize to height x width by Pillow's bicubic filter."""
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def content_shape(height: int, width: int, new_width: int) -> Tuple[int, int]:
    """Height and width of a content picture brought to new_width, by the reference's truncation."""
    return int(height / width * new_width), new_width


def style_shape(height: int, width: int, scale: float, content_width: int) -> Tuple[int, int]:
    """Height and width of a style picture for a content of content_width, by the reference's truncation."""
    factor = scale * content_width / width
    return int(height * factor), int(width * factor)


def to_uint8(picture: np.ndarray) -> np.ndarray:
    """Clip a float picture to 0..255 and truncate, as the reference saves it."""
    clipped: np.ndarray = np.clip(picture, 0, 255)
    return clipped.astype(np.uint8)


def finished(picture: np.ndarray, content: np.ndarray, keep_colors: bool) -> np.ndarray:
    """Return a float picture as the pixels that are saved: uint8, with the chroma of the content if asked for."""
    return preserve_colors(content, picture) if keep_colors else to_uint8(picture)


def digest(pixels: np.ndarray) -> str:
    """SHA-256 of the size and the pixels of a uint8 picture: files that decode to the same pixels have the same."""
    size = "x".join(map(str, pixels.shape))
    return hashlib.sha256(size.encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def preserve_colors(content: np.ndarray, stylized: np.ndarray) -> np.ndarray:
    """Luma of the stylized picture, float RGB, with the chroma of the content, uint8 RGB; both of one shape.

    Luma is taken of the clipped floats and truncated once, as the reference does; truncating the picture before would
    make it half a level darker.
    """
    red, green, blue = np.moveaxis(np.clip(stylized, 0, 255).astype(np.float64), -1, 0)
    luma = to_uint8(0.299 * red + 0.587 * green + 0.114 * blue)
    grey = Image.fromarray(np.stack([luma] * 3, axis=-1)).convert("YCbCr").split()[0]
    _, chroma_blue, chroma_red = Image.fromarray(content).convert("YCbCr").split()
    return np.asarray(Image.merge("YCbCr", (grey, chroma_blue, chroma_red)).convert("RGB"))


def check_suffix(suffix: str) -> None:
    """Raise ImageError unless the suffix names a picture format."""
    if suffix.lower() not in _FORMATS:
        raise ImageError(f"picture suffix {suffix!r} is unknown (expected one of {', '.join(_FORMATS)})")


def encode(pixels: np.ndarray, suffix: str) -> bytes:
    """Return the bytes of a picture file of the format its suffix names; JPEG at quality 95, GIF of 256 colours.

    Raises:
        ImageError: the suffix names no picture format.
    """
    check_suffix(suffix)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, _FORMATS[suffix.lower()], quality=95)
    return buffer.getvalue()
