"""A host's part of a trial: `python -m harness.hosts.trial FOLDER` runs the attempt that the agent put there."""

import sys
from pathlib import Path

from harness.hosts.shipping import case_at, network_missing
from harness.records import Trial, TrialResult
from harness.store.cache import cache_folder
from harness.store.files import write_atomic
from harness.store.run_folder import RunFolder
from harness.trial.exchange import Attempt, Reply, unmeasured
from harness.trial.supervisor import run_trial


def main(home: Path) -> None:
    """Run the attempt and leave its reply; its files are those of a run's folder, below `out`."""
    attempt = Attempt.model_validate_json((home / "question").read_bytes())
    folder = RunFolder(home / "out")
    trial = _at(attempt.trial, home, folder)
    missing = network_missing(trial.case)
    result = unmeasured(trial, folder, "refused", missing) if missing else _run(trial, folder, attempt.timeout)
    write_atomic(home / "answer", Reply(attempt=attempt.id, result=result).model_dump_json().encode())


def _at(trial: Trial, home: Path, folder: RunFolder) -> Trial:
    """Return the trial with the paths of this host."""
    shared = home.parent / "shared"
    shared.mkdir(exist_ok=True)
    changes = {
        "case": case_at(trial.case, home),
        "picture": str(folder.trial_folder(trial.id, trial.attempt) / "picture.png"),
        "cache": cache_folder(),
        "baselines": str(home / "files" / trial.baselines) if trial.baselines else "",
        "targets": str(shared / trial.targets) if trial.targets else "",
        "oracle": str(shared / trial.oracle) if trial.oracle else "",
    }
    return trial.model_copy(update=changes)


def _run(trial: Trial, folder: RunFolder, timeout: float) -> TrialResult:
    result = run_trial(trial, folder, timeout, lambda event: None)
    if result.status == "crashed" and "(network_sha256)" in result.reason and trial.case.inputs:
        digest = trial.case.inputs.network_sha256
        reason = f"network {trial.case.network}: another file on this host (expected the one with SHA-256 {digest})"
        return result.model_copy(update={"status": "refused", "reason": reason})
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]))
