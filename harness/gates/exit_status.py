"""What the process that judged says to the one that started it."""

from typing import Sequence

from harness.records import Verdict

_EXIT = {"pass": 0, "fail": 1, "inconclusive": 3, "missing": 4}
_WORST_FIRST = (1, 4, 3, 0)


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """0 pass, 1 a gate failed, 3 inconclusive, 4 baseline missing or incomparable; the worst wins: 1, 4, 3, 0.

    Nothing judged is 4: it is never a pass. Advisory verdicts do not count.
    """
    found = {_EXIT[verdict.outcome] for verdict in verdicts if not verdict.advisory} or {4}
    return next(status for status in _WORST_FIRST if status in found)


def lenient(status: int) -> int:
    """The exit status when verdicts are only advice: failed trials and errors still count."""
    return 0 if status in _EXIT.values() else status
