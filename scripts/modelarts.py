"""Shared by the ModelArts entries: run a train script, copy its results, return its exit status."""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

SCRIPTS = Path(__file__).resolve().parent
sys.path.insert(0, str(SCRIPTS.parent))

from reports.catalogue import in_chinese, language_of, libraries_in  # noqa: E402
from reports.help import translate_parser  # noqa: E402

EXIT_FAILED, EXIT_USAGE = 1, 2
DATA_URL = "/home/ma-user/modelarts/inputs/data_url_0"
TRAIN_URL = "/home/ma-user/modelarts/outputs/train_url_0/"
"""Where ModelArts mounts the first input and the first output of a job."""


def run(script: str, arguments: Optional[List[str]] = None) -> int:
    """Run the script on --data_url, copy what it wrote to --train_url, and return its exit status.

    Other arguments go to the script as they are. Both places are folders, or obs:// addresses where ModelArts'
    own moxing is installed.
    """
    with libraries_in(language_of()):
        options, others = _parser(script).parse_known_args(arguments)
    work = Path(os.environ.get("STYLEBENCH_WORK", str(SCRIPTS.parent / "output" / "modelarts")))
    data, results = options.data_url, work / "results"
    shutil.rmtree(str(results), ignore_errors=True)  # of an earlier job; they must not pass for this one's
    for option, place in (("--data_url", data), ("--train_url", options.train_url)):
        if _is_remote(place) and importlib.util.find_spec("moxing") is None:
            return _fail(f"{option} {place}: moxing is not installed (ModelArts' images have it; expected a folder)")
    if _is_remote(data):
        data = str(work / "data")
        try:
            _copy_remote(options.data_url, data)
        except Exception as error:  # moxing raises types of its own
            return _fail(f"--data_url {options.data_url}: {_reason(error)}")
    elif not os.path.isdir(data):
        return _fail(f"--data_url {data}: no such folder")
    environment = dict(os.environ, PYTHON=os.environ.get("PYTHON", sys.executable))
    command = ["bash", str(SCRIPTS / script), f"--data_path={data}", f"--output_path={results}", *others]
    status = subprocess.run(command, env=environment).returncode
    if results.is_dir():  # of a job that failed too: its log says why
        try:
            _deliver(results, options.train_url)
        except Exception as error:
            reason = f"{_reason(error)}; the results are in {results}"
            failed = _fail(f"--train_url {options.train_url}: {reason}", EXIT_FAILED)
            return status or failed  # the job's own failure is what its caller has to know first
    return status


def _parser(script: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Run scripts/{script} as a ModelArts job.")
    parser.add_argument("--data_url", default=DATA_URL, help="folder of the pictures and the network (%(default)s)")
    parser.add_argument("--train_url", default=TRAIN_URL, help="folder that gets the results (%(default)s)")
    if language_of() == "zh":
        translate_parser(parser)
    return parser


def _fail(message: str, status: int = EXIT_USAGE) -> int:
    said = in_chinese(message) if language_of() == "zh" else message
    sys.stderr.write(f"{Path(sys.argv[0]).name}: {said}\n")
    return status


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _deliver(results: Path, target: str) -> None:
    if _is_remote(target):
        _copy_remote(str(results), target)
        return
    os.makedirs(target, exist_ok=True)
    for path in results.iterdir():
        shutil.copy2(str(path), target)


def _is_remote(place: str) -> bool:
    return place.startswith(("obs://", "s3://"))


def _copy_remote(source: str, target: str) -> None:
    import moxing

    moxing.file.copy_parallel(source, target)
