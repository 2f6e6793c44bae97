"""The parts of a trial in words, for progress lines and for the table of where the time went."""

from typing import Dict, Iterable, List, NamedTuple, Optional

from harness.records import PhaseName, TrialResult
from reports.figures import NOT_MEASURED
from reports.language import Words

PHASES: Dict[PhaseName, str] = {
    "interpreter": "starting the interpreter",
    "tensorflow": "importing TensorFlow",
    "network": "reading pictures",
    "targets": "computing targets",
    "graph": "building the step",
    "plan": "planning dtypes",
    "session": "opening the session",
    "first_step": "compiling the step",
    "steps": "steps",
    "finish": "fetching the picture",
    "timing": "finding the steady state",
    "picture": "writing the picture",
    "score": "scoring the picture",
    "rates": "measuring matrix products",
    "health": "counting what float16 loses",
    "fidelity": "measuring errors and noise",
    "shutdown": "ending the process",
}


def time_by_phase(trials: Iterable[TrialResult]) -> Dict[str, Dict[PhaseName, float]]:
    """Return by mode the mean seconds of a trial in each of its parts, in their order; empty for what has none."""
    sums: Dict[str, Dict[PhaseName, float]] = {}
    counts: Dict[str, int] = {}
    for trial in trials:
        if trial.phases:
            counts[trial.mode] = counts.get(trial.mode, 0) + 1
            sums.setdefault(trial.mode, {})
            for name, seconds in trial.phases.items():
                sums[trial.mode][name] = sums[trial.mode].get(name, 0.0) + seconds
    return {
        mode: {name: by_name[name] / counts[mode] for name in PHASES if name in by_name}
        for mode, by_name in sums.items()
    }


class PhaseTable(NamedTuple):
    """Where the time of trials went: a row a part, a column a mode, and the whole beneath."""

    headings: List[str]
    rows: List[List[str]]
    """First the part's name, then its mean seconds in a trial of each mode."""

    @classmethod
    def of(cls, trials: Iterable[TrialResult], words: Words) -> "PhaseTable":
        """Return the table of these trials; without rows where none says how long its parts took."""
        times = time_by_phase(trials)
        names = [name for name in PHASES if any(name in by_name for by_name in times.values())]
        rows = [[words(PHASES[name]), *(cls._cell(by_name.get(name)) for by_name in times.values())] for name in names]
        if rows:
            rows.append([words("whole trial"), *(f"{sum(by_name.values()):.1f}" for by_name in times.values())])
        return cls([words("part"), *times], rows)

    @staticmethod
    def _cell(seconds: Optional[float]) -> str:
        return NOT_MEASURED if seconds is None else f"{seconds:.1f}"
