"""A host's part of comparisons: `python -m harness.comparisons.on_host FOLDER` measures the pair that is asked for."""

import json
import sys
from pathlib import Path
from typing import List

from harness.comparisons import calibration
from harness.comparisons.questions import TreesAnswer, TreesQuestion, TwinsAnswer, TwinsQuestion
from harness.comparisons.trees import IncomparableError, Meter, Tree, TreeFailedError
from harness.hosts.shipping import case_at, network_missing
from harness.records import Trial, TrialResult
from harness.runs.observer import Observer, PairObserver
from harness.store.cache import cache_folder
from harness.store.files import write_atomic
from harness.store.run_folder import RunFolder


class _Collecting(Observer):
    """Keeps the outcomes of trials."""

    def __init__(self) -> None:
        self.results: List[TrialResult] = []

    def trial_ended(self, trial: Trial, result: TrialResult) -> None:
        """Keep the outcome."""
        self.results.append(result)


def main(home: Path) -> None:
    """Measure the pair and leave the answer; the files of runs and processes are below `out`."""
    question = (home / "question").read_bytes()
    is_calibration = "calibration" in json.loads(question.decode())
    answer = _twins(question, home) if is_calibration else _trees(question, home)
    write_atomic(home / "answer", answer.model_dump_json().encode())


def _trees(data: bytes, home: Path) -> TreesAnswer:
    question = TreesQuestion.model_validate_json(data)
    head, base = (Path(path) for path in json.loads((home / "trees.json").read_text()))
    options = [str(home / value) if value.startswith("files/") else value for value in question.options]
    out, turns = home / "out", question.in_turns
    meter = Meter(Tree("base", base), Tree("head", head), options, out, PairObserver(), turns, question.timeout)
    try:
        pairs = meter.measure(question.number, question.mode)
    except IncomparableError as error:
        told = str(error).replace(str(out), question.folder)
        return TreesAnswer(in_turns=meter.in_turns, error=told, has_failed=isinstance(error, TreeFailedError))
    return TreesAnswer(pairs=pairs, in_turns=meter.in_turns)


def _twins(data: bytes, home: Path) -> TwinsAnswer:
    question = TwinsQuestion.model_validate_json(data)
    asked = question.calibration
    asked = asked.model_copy(update={"case": case_at(asked.case, home)})
    folder, observer = RunFolder(home / "out"), _Collecting()
    try:
        missing = network_missing(asked.case)
        if missing:
            raise calibration.TrialFailedError(missing)
        pair = calibration.measure_pair(asked, question.comparison, question.number, folder, cache_folder(), observer)
    except calibration.TrialFailedError as error:
        return TwinsAnswer(results=observer.results, error=str(error).replace(str(folder.path), question.folder))
    return TwinsAnswer(pair=pair, results=observer.results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
