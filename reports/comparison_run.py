"""A comparison of two revisions as one run: this tree's side of it, with the verdicts on both."""

from pathlib import Path
from typing import List

from harness.errors import UsageError
from harness.records import Run, TrialResult
from harness.runs.summary import summarize
from harness.store.run_folder import RunFolder, inside

COMPARISON = "comparison.json"


def head_run(folder: RunFolder) -> Run:
    """Return the trials that a comparison made of this tree as one run; its replicates are the pairs.

    Raises:
        UsageError: the comparison, or a run in it, is not there or not one this version reads.
    """
    comparison = folder.load_comparison()
    runs = []
    trials: List[TrialResult] = []
    for pair in comparison.pairs:
        for record in _records(folder.path, f"{pair.number}-head-{pair.mode}"):
            run = RunFolder(record.parent).load()
            home = record.parent.relative_to(folder.path)
            runs.append(run)
            trials += [_moved(trial, home, pair.number) for trial in run.trials if trial.case == pair.case]
    if not runs:
        raise UsageError(f"comparison {folder.path}: it holds no run of this tree")
    modes = {mode.name: mode for run in runs for mode in run.suite.modes}
    replicates = max(pair.number for pair in comparison.pairs)
    changes = {"modes": tuple(modes.values()), "replicates": replicates, "max_replicates": None}
    suite = runs[0].suite.model_copy(update=changes)
    return runs[0].model_copy(
        update={
            "id": folder.path.name,
            "suite": suite,
            "started": comparison.started,
            "command": comparison.command,
            "trials": trials,
            "summaries": summarize(suite, trials, runs[0].reference_mode),
            "growth": [],
            "verdicts": list(comparison.verdicts),
            "power_cards": list(comparison.power_cards),
        }
    )


def _records(folder: Path, name: str) -> List[Path]:
    """The records of the runs in a pair's folder; raises UsageError when one leads out of the comparison's."""
    found = sorted((folder / name).glob("*/run.json"))
    return [inside(folder, str(record.relative_to(folder))) for record in found]


def _moved(trial: TrialResult, home: Path, number: int) -> TrialResult:
    """Return the trial as the replicate of its pair, with paths relative to the comparison's folder."""
    files = {name: getattr(trial, name) for name in ("log", "samples", "picture", "health")}
    moved = {name: str(home / file) for name, file in files.items() if file}
    return trial.model_copy(update={"replicate": number, **moved})
