"""The first sign of life: said by the standard library alone, while the packages that a command needs are imported."""

import sys
from contextlib import contextmanager
from typing import Iterator, Optional

from reports.catalogue import catalogue, language_asked_for

_TEXT = "starting"


@contextmanager
def opening(language: Optional[str] = None, quiet: bool = False) -> Iterator[None]:
    """Say on a terminal, and nowhere else, that the command has begun; take it back at the end of the context."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    chinese = (language or language_asked_for(sys.argv)) == "zh"
    text = catalogue().words[_TEXT] if chinese else _TEXT
    sys.stderr.write(text)
    sys.stderr.flush()
    try:
        yield
    finally:
        sys.stderr.write("\r" + " " * 2 * len(text) + "\r")  # an ideograph is two columns wide
        sys.stderr.flush()
