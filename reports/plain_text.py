"""Text as it may be shown: no character in it does anything, and none ends a command."""

import re
from pathlib import Path
from typing import IO

_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters but tab and line feed, what reverses or breaks a line, halves of surrogate pairs, and what no XML
document may hold."""


def printable(text: str) -> str:
    """Return the text with U+FFFD for every character that a terminal, a page or an XML reader would act upon."""
    return _UNSHOWN.sub("\ufffd", text)


def shown_path(path: Path) -> str:
    """Return a path as the user would write it: relative where it lies below the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def replacing(stream: IO[str]) -> IO[str]:
    """Return the stream, which from now on replaces what its encoding cannot show instead of raising an error."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return stream
