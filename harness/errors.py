"""Errors that are the user's to mend."""


class UsageError(ValueError):
    """Bad input: one line with what, where, what was expected, what to do. The command line exits with status 2."""
