"""What a host is asked to measure of a comparison, and what it answers."""

from typing import List, Optional

from harness.records import Calibration, CalibrationPair, Pair, Record, TrialResult


class TreesQuestion(Record):
    """A pair of processes of two trees; the first tree of the job is head, the second base."""

    number: int
    mode: str
    options: List[str]
    """Of both trees' command lines; values that begin with `files/` are files of the job."""
    in_turns: bool
    timeout: float
    folder: str
    """Where the runs' files will lie once they have come back, for messages."""


class TreesAnswer(Record):
    """What one pair of processes said."""

    pairs: List[Pair] = []
    """One for each case."""
    in_turns: bool
    error: str = ""
    """Why the trees cannot be compared; empty when they can."""
    has_failed: bool = False
    """True when they cannot because a trial did not end well."""


class TwinsQuestion(Record):
    """A pair of processes of a calibration."""

    calibration: Calibration
    comparison: int
    number: int
    folder: str
    """Where the processes' files will lie once they have come back, for messages."""


class TwinsAnswer(Record):
    """What one pair of processes that run the same said."""

    pair: Optional[CalibrationPair] = None
    results: List[TrialResult] = []
    """Of those that came to an end."""
    error: str = ""
    """Why there is no pair."""
