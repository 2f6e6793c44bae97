"""The table so far: what a run has measured of each case and mode, while the rest of it is measured."""

import statistics
from typing import Callable, Container, Dict, List, Optional, Sequence, Tuple

from harness.records import Summary, TrialResult
from harness.runs.summary import reported_loss, true_loss
from harness.statistics import geometric_mean
from reports.figures import FIGURES
from reports.language import Words
from reports.terminal.console import lines_of
from reports.terminal.tables import Column, print_table

_SHOWN = ("step_seconds", "marks", "final_loss", "true_loss")
"""Fields of the figures that the table has."""


class TableSoFar:
    """Collects the trials of a run as they end, and writes a table of each case, a row for each mode."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._ended: Dict[str, Dict[str, List[TrialResult]]] = {}
        """By case, then by mode."""
        self._written: Dict[Tuple[str, int], Tuple[int, List[str]]] = {}
        """By case and width, its table and how many trials that holds."""

    def add(self, result: TrialResult) -> None:
        """Count a trial that has ended."""
        self._ended.setdefault(result.case, {}).setdefault(result.mode, []).append(result)

    def lines(self, cases: Container[str], width: int, height: int) -> List[str]:
        """Return the tables of all cases if `height` lines hold them, else of these, else nothing."""
        known = list(self._ended)
        for chosen in (known, [case for case in known if case in cases]):
            lines = [line for case in chosen for line in self._table(case, width, len(known) > 1)]
            if len(lines) <= height:
                return lines
        return []

    def _table(self, case: str, width: int, is_named: bool) -> List[str]:
        """Return the lines of a case's table, under its name where that is asked for."""
        count = sum(map(len, list(self._ended[case].values())))
        held, lines = self._written.get((case, width), (0, []))
        if held != count:  # it is drawn more often than trials end
            lines = self._write(case, width)
            self._written[case, width] = count, lines
        return [case] * is_named + lines

    def _write(self, case: str, width: int) -> List[str]:
        ended = list(self._ended[case].items())
        rows = [_summary(case, mode, trials) for mode, trials in ended]
        columns = [Column(self._words("trials"), [_count(trials) for _, trials in ended], rank=9)]
        columns += [
            Column(
                self._words(figure.heading),
                [figure.text(row, self._words) for row in rows],
                number=bool(figure.form),
                rank=figure.rank,
            )
            for figure in FIGURES
            if figure.field in _SHOWN
        ]
        modes = Column(self._words("mode"), [mode for mode, _ in ended], number=False)
        return lines_of(width, lambda out: print_table(out, modes, columns, self._words))


def _count(trials: Sequence[TrialResult]) -> str:
    """Return how many trials ended, and before it, where some did not end well, how many did."""
    good = sum(trial.status == "ok" for trial in trials)
    return str(good) if good == len(trials) else f"{good}/{len(trials)}"


def _summary(case: str, mode: str, trials: Sequence[TrialResult]) -> Summary:
    """Summarise the trials that ended well as the final table does, without intervals and ratios."""
    good = [trial for trial in trials if trial.status == "ok"]
    seconds = [trial.step_seconds for trial in good if trial.step_seconds is not None]
    return Summary(
        case=case,
        mode=mode,
        replicates=len(trials),
        ok=len(good),
        emulated=any(trial.emulated for trial in good),
        steady=all(trial.steady for trial in good) if seconds else None,
        step_seconds=geometric_mean(seconds) if seconds else None,
        final_loss=_median(reported_loss, good),
        true_loss=_median(true_loss, good),
    )


def _median(loss: Callable[[TrialResult], Optional[float]], trials: Sequence[TrialResult]) -> Optional[float]:
    known = [value for value in map(loss, trials) if value is not None]
    return statistics.median(known) if known else None
