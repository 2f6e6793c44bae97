"""What a host is asked to measure of a comparison, and what it answers."""

from typing import List

from harness.records import Calibration, Pair, Record


class TreesQuestion(Record):
    """A pair of processes of two trees; the first tree of the job is head, the second base."""

    number: int
    mode: str
    options: List[str]
    """Of both trees' command lines; values that begin with `files/` are files of the job."""
    in_turns: bool
    timeout: float


class TreesAnswer(Record):
    """What one pair of processes said."""

    pairs: List[Pair]
    """One for each case."""
    in_turns: bool


class TwinsQuestion(Record):
    """A pair of processes of a calibration."""

    calibration: Calibration
    comparison: int
    number: int
