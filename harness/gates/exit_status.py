"""The exit statuses of bench.py: what its process says to the one that started it."""

from typing import TYPE_CHECKING, Sequence

if TYPE_CHECKING:  # the commands need the numbers at their start, and the records take long to import
    from harness.records import Verdict

PASS, GATE_FAILED, USAGE, INCONCLUSIVE, INCOMPARABLE, TRIAL_FAILED = range(6)
INTERNAL, INTERRUPTED = 70, 130

_OF_OUTCOME = {"pass": PASS, "fail": GATE_FAILED, "inconclusive": INCONCLUSIVE, "missing": INCOMPARABLE}
_WORST_FIRST = (GATE_FAILED, INCOMPARABLE, INCONCLUSIVE, PASS)


def exit_status(verdicts: "Sequence[Verdict]", inconclusive: str = "fail") -> int:
    """Return the status of the worst verdict: a gate failed, baseline missing or incomparable, inconclusive, pass.

    Advisory verdicts do not count. Without any other the status is INCOMPARABLE: what was not judged never passes.

    Args:
        inconclusive: `pass` when inconclusive verdicts count as passed, as on a noisy runner; else `fail`.
    """
    of_outcome = {**_OF_OUTCOME, "inconclusive": PASS} if inconclusive == "pass" else _OF_OUTCOME
    statuses = {of_outcome[verdict.outcome] for verdict in verdicts if not verdict.advisory} or {INCOMPARABLE}
    return next(status for status in _WORST_FIRST if status in statuses)


def lenient(status: int) -> int:
    """Return the exit status when verdicts are only advice: failed trials and errors still count."""
    return PASS if status in _WORST_FIRST else status
