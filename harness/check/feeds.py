"""What a graph is fed: arrays from .npz files, or random ones in a range. Nothing here needs TensorFlow."""

import hashlib
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from harness.errors import UsageError, nearest
from harness.reading import DAMAGED_NPZ

if TYPE_CHECKING:  # it imports TensorFlow
    from harness.graphs.feeding import GraphInput

Feeds = Dict[str, np.ndarray]
"""Arrays by the names of their placeholders' tensors, such as `image:0`."""
Shapes = Dict[str, Tuple[int, ...]]
"""By the names of placeholders."""
_STRING = "string"


class Samples:
    """Sets of feeds, made one at a time, since all together they may be larger than the memory.

    Each is made once at the start, for its shapes and the hash; what it raises then, such as UsageError, is passed on.
    """

    def __init__(self, makers: Sequence[Callable[[], Feeds]]) -> None:
        """Take what makes each sample."""
        self._makers = makers
        self.shapes: List[Shapes] = []
        """Shapes of each sample's feeds, by placeholder."""
        found = hashlib.sha256()
        for make in makers:
            feeds = make()
            self.shapes.append({name[:-2]: tuple(map(int, value.shape)) for name, value in feeds.items()})
            for name, value in sorted(feeds.items()):
                found.update(f"{name} {value.dtype} {value.shape} ".encode())
                found.update(np.ascontiguousarray(value).tobytes())
        self.sha256 = found.hexdigest()
        """Hash of all feeds."""

    def __len__(self) -> int:
        return len(self._makers)

    def __getitem__(self, index: int) -> Feeds:
        return self._makers[index]()

    def common_shapes(self) -> Shapes:
        """Return the shapes that all samples share, by placeholder."""
        first = self.shapes[0]
        return {name: shape for name, shape in first.items() if all(other.get(name) == shape for other in self.shapes)}


def feed_files(path: str) -> Tuple[str, ...]:
    """Return the absolute paths of a .npz file, or of all in a folder, by name.

    Raises:
        UsageError: there is none.
    """
    if os.path.isdir(path):
        found = sorted(str(file) for file in Path(path).glob("*.npz"))
        if not found:
            raise UsageError(f"feeds {path}: no .npz file in this folder (expected one a sample)")
        return tuple(map(os.path.abspath, found))
    if not os.path.isfile(path):
        raise UsageError(f"feeds {path}: no such file (expected a .npz file, or a folder of them)")
    return (os.path.abspath(path),)


def from_files(files: Sequence[str], placeholders: "Sequence[GraphInput]") -> Samples:
    """Return the samples in the files.

    Raises:
        UsageError: a file cannot be read, or an array is of no placeholder, or of another shape or dtype.
    """
    return Samples([lambda file=file: _load(file, placeholders) for file in files])  # type: ignore[misc]


def _load(file: str, placeholders: "Sequence[GraphInput]") -> Feeds:
    what = f"feeds {file}"
    known = {placeholder.name: placeholder for placeholder in placeholders}
    feeds: Feeds = {}
    for name, array in _arrays(what, file).items():
        bare = name[:-2] if name.endswith(":0") else name
        if bare not in known:
            expected = f"expected some of {', '.join(known)}" if known else "the graph has no placeholder"
            raise UsageError(f"{what}: '{name}' is no placeholder{nearest(bare, known)} ({expected})")
        _check(f"{what}: '{name}'", array, known[bare])
        feeds[known[bare].tensor] = array
    absent = [one for one in placeholders if one.tensor not in feeds and not one.has_default]
    if absent:
        raise UsageError(f"{what}: no array '{absent[0].name}' ({_spelled(absent[0])} is expected)")
    return feeds


def _arrays(what: str, file: str) -> Dict[str, np.ndarray]:
    """Return what numpy.savez wrote, by name; raises UsageError."""
    arrays = None
    try:
        stored = np.load(file, allow_pickle=False)
        if not isinstance(stored, np.ndarray):
            with stored:
                arrays = dict(stored)
    except DAMAGED_NPZ as error:
        # Of a file that is neither an array nor an archive, NumPy says how to load it unsafely.
        is_archive = zipfile.is_zipfile(file) or isinstance(error, OSError)
        reason = (str(error).splitlines() or [type(error).__name__])[0] if is_archive else "no archive of arrays"
        raise UsageError(f"{what}: not readable as .npz: {reason} (expected numpy.savez, without objects)") from error
    if arrays is None:
        raise UsageError(f"{what}: a single array (expected numpy.savez with the name of a placeholder for each)")
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise UsageError(f"{what}: '{name}' is no array (expected numpy.savez, without other files)")
    return arrays


def _check(what: str, array: np.ndarray, placeholder: "GraphInput") -> None:
    expected = f"expected {_spelled(placeholder)}"
    if placeholder.dtype != _STRING and array.dtype.name != placeholder.dtype:
        raise UsageError(f"{what}: dtype {array.dtype.name} ({expected})")
    if not _fits(array.shape, placeholder.shape):
        raise UsageError(f"{what}: shape {_shape(array.shape)} ({expected})")


def _fits(shape: Tuple[int, ...], wanted: Optional[Tuple[Optional[int], ...]]) -> bool:
    if wanted is None:
        return True
    return len(shape) == len(wanted) and all(size in (None, own) for own, size in zip(shape, wanted))


def _shape(shape: Sequence[Optional[int]]) -> str:
    return f"[{','.join('?' if size is None else str(size) for size in shape)}]"


def _spelled(placeholder: "GraphInput") -> str:
    shape = "any shape" if placeholder.shape is None else f"shape {_shape(placeholder.shape)}"
    return f"{placeholder.dtype} of {shape}"


def random_feeds(
    placeholders: "Sequence[GraphInput]",
    low: float,
    high: float,
    seed: int,
    samples: int,
    shapes: Mapping[str, Sequence[Optional[int]]],
) -> Samples:
    """Return samples of uniform floats from low to high, integers from 0 to the largest in the range, and booleans.

    Placeholders with defaults are left to them. A first size that is unknown is taken as 1: a batch of one.

    Args:
        shapes: what the user says of placeholders; in old graphs that of a single number is not to be told from none.

    Raises:
        UsageError: a shape is not known or too large, or a placeholder takes strings.
    """
    wanted = [(one, _static(one, shapes.get(one.name))) for one in placeholders if not one.has_default]

    def make(number: int) -> Feeds:
        random = np.random.RandomState((seed + number) % 2**32)
        try:
            return {one.tensor: _draw(random, one, shape, low, high) for one, shape in wanted}
        except (MemoryError, ValueError) as error:  # ValueError: more elements than can be counted
            shapes_wanted = ", ".join(f"{one.name} {_shape(shape)}" for one, shape in wanted)
            raise UsageError(
                f"random feeds of shape {shapes_wanted} are more than the memory holds (expected a smaller --shape)"
            ) from error

    return Samples([lambda number=number: make(number) for number in range(samples)])  # type: ignore[misc]


def _static(placeholder: "GraphInput", given: Optional[Sequence[Optional[int]]]) -> Tuple[int, ...]:
    name, shape = placeholder.name, placeholder.shape
    shape = tuple(given) if shape is None and given is not None else shape
    if placeholder.dtype == _STRING:
        raise UsageError(f"placeholder {name} takes strings: nothing random fits it (expected --feeds FILE.npz)")
    if shape is None or None in shape[1:]:
        raise UsageError(
            f"placeholder {name} takes {_spelled(placeholder)}: not enough to draw random feeds "
            f"(expected --shape {name}=SIZE,SIZE,..., or --feeds FILE.npz)"
        )
    return tuple(1 if size is None else size for size in shape)


def _draw(
    random: np.random.RandomState, placeholder: "GraphInput", shape: Tuple[int, ...], low: float, high: float
) -> np.ndarray:
    if placeholder.dtype == "bool":
        return random.randint(0, 2, shape).astype(bool)
    if placeholder.dtype.startswith(("int", "uint")):
        # Mostly indices, of which no negative one is any good.
        return random.randint(0, max(int(high), 0) + 1, shape).astype(placeholder.dtype)
    return random.uniform(low, high, shape).astype(_numpy_name(placeholder.dtype))


def _numpy_name(dtype: str) -> str:
    return dtype if dtype in ("float16", "float32", "float64") else "float32"


def parse_range(text: str) -> Tuple[float, float]:
    """Read a range such as `-1..1`.

    Raises:
        UsageError: it is none.
    """
    low, dots, high = text.partition("..")
    try:
        found = float(low), float(high)
    except ValueError:
        found = (0.0, 0.0)
    if not dots or not found[0] < found[1] or not np.all(np.isfinite(found)):
        raise UsageError(f"--range {text}: expected LOW..HIGH, such as 0..255")
    return found
