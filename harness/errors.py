"""Errors that end a command with one line."""

import unicodedata

_ACTS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of characters that a terminal may act upon: control, format, surrogate, line, paragraph."""


def one_line(message: str) -> str:
    """Return the message with escapes for line ends and all else that a terminal would act upon."""
    return "".join(
        character.encode("unicode_escape").decode("ascii") if unicodedata.category(character) in _ACTS else character
        for character in message
    )


class UsageError(ValueError):
    """Bad input: one line with what, where, what was expected, what to do. The command line exits with status 2."""


class RequirementError(UsageError):
    """A package that is needed is missing or broken: which, and how to install it. Exit status 2."""


class ChildFailedError(RuntimeError):
    """A process that was asked something ended without the answer: what, why, and where its log is. Exit status 70."""
