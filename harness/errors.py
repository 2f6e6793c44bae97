"""Errors that end a command with one line."""


class UsageError(ValueError):
    """Bad input: one line with what, where, what was expected, what to do. The command line exits with status 2."""


class RequirementError(UsageError):
    """A package that is needed is missing or broken: which, and how to install it. Exit status 2."""


class ChildFailedError(RuntimeError):
    """A process that was asked something ended without the answer: what, why, and where its log is. Exit status 70."""
