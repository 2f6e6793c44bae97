"""A host's part of comparisons: `python -m harness.comparisons.on_host FOLDER` measures the pair that is asked for."""

import json
import sys
from pathlib import Path

from harness.comparisons import calibration
from harness.comparisons.questions import TreesAnswer, TreesQuestion, TwinsQuestion
from harness.comparisons.trees import Meter, Tree
from harness.hosts.shipping import case_at
from harness.records import CalibrationPair
from harness.runs.observer import Observer, PairObserver
from harness.store.cache import cache_folder
from harness.store.files import write_atomic
from harness.store.run_folder import RunFolder


def main(home: Path) -> None:
    """Measure the pair and leave the answer; the runs' files are below `out`."""
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
    return TreesAnswer(pairs=meter.measure(question.number, question.mode), in_turns=meter.in_turns)


def _twins(data: bytes, home: Path) -> CalibrationPair:
    question = TwinsQuestion.model_validate_json(data)
    asked = question.calibration
    asked = asked.model_copy(update={"case": case_at(asked.case, home)})
    folder = RunFolder(home / "out")
    return calibration.measure_pair(asked, question.comparison, question.number, folder, cache_folder(), Observer())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
