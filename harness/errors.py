"""Errors that end a command with one line."""

import difflib
import unicodedata
from typing import Iterable

_ACTS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of characters that a terminal may act upon: control, format, surrogate, line, paragraph."""


def one_line(message: str) -> str:
    """Return the message with escapes for line ends and all else that a terminal would act upon."""
    return "".join(
        character.encode("unicode_escape").decode("ascii") if unicodedata.category(character) in _ACTS else character
        for character in message
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `, did you mean NAME?` with the known name that is most like this one; empty when none is like it."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {found[0]}?" if found else ""


class UsageError(ValueError):
    """Bad input: one line with what, where, what was expected, what to do. The command line exits with status 2."""


class RequirementError(UsageError):
    """A package that is needed is missing or broken: which, and how to install it. Exit status 2."""


class ChildFailedError(RuntimeError):
    """A process that was asked something ended without the answer: what, why, and where its log is. Exit status 70."""


class ChildKilledError(ChildFailedError):
    """A signal ended such a process, as where memory runs out or a library crashes."""


class ChildSilentError(ChildFailedError):
    """Such a process said nothing for as long as it may, as where a loop has no end."""
