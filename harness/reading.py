"""Files and JSON from outside, read within bounds: whatever cannot be read is one error with one line."""

import json
import os
import stat
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple, Type, Union

LIMIT = 2**28
"""Bytes of the largest record that is read: a run of 10,000 trials takes a tenth of it."""
DAMAGED_NPZ: Tuple[Type[Exception], ...] = (
    *(OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error),
    # Of an archive that claims to be encrypted or otherwise compressed, and of an array's header that cannot be true.
    *(RuntimeError, MemoryError, SyntaxError, tokenize.TokenError),
)
"""What numpy.load and the reading of what it returns raise of a file that is no .npz, or a damaged one."""
_DEPTH = "nested too deep"


class UnreadableError(ValueError):
    """A file, or the JSON in it, cannot be read; the message says why and names no file."""


def read_file(path: Union[str, Path], limit: int = LIMIT) -> bytes:
    """Return the bytes of a regular file; a pipe or a device is refused before it can block or never end.

    Raises:
        UnreadableError: there is no such file, it is none, it cannot be opened, or it has more than `limit` bytes.
    """
    try:
        # Without O_NONBLOCK a pipe that nobody writes to would hold this call for ever.
        descriptor = os.open(str(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableError("not a regular file")
            data = file.read(limit + 1)
    except OSError as error:
        raise UnreadableError(_reason(error)) from error
    except UnreadableError:
        raise
    except ValueError as error:  # a NUL in the path
        raise UnreadableError(str(error)) from error
    if len(data) > limit:
        raise UnreadableError(f"more than {limit} bytes")
    return data


def _reason(error: OSError) -> str:
    return "not a regular file" if isinstance(error, IsADirectoryError) else error.strerror or str(error)


def parse_json(
    text: Union[str, bytes], object_pairs_hook: Optional[Callable[[List[Tuple[str, Any]]], Any]] = None
) -> Any:
    """Return what the JSON says.

    Raises:
        UnreadableError: it is none, nested too deep, or holds a number that is too long; json.JSONDecodeError is the
            cause where a place can be told.
    """
    try:
        return json.loads(text, object_pairs_hook=object_pairs_hook)
    except RecursionError:
        raise UnreadableError(_DEPTH) from None
    except json.JSONDecodeError as error:
        raise UnreadableError(f"not JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableError("not JSON: not UTF-8") from error
    except ValueError as error:
        if "integer string conversion" not in str(error):
            raise
        raise UnreadableError("a number has too many digits") from error
