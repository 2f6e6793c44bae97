"""Code that hosts run in tests: a tree of one module, which does what its question says."""

import hashlib

from harness.hosts.parcel import packed, unpacked
from harness.hosts.shipping import Tree, answer, job
from tests.conftest import ROOT

MODULE = """
import json, os, subprocess, sys, time
from pathlib import Path

home = Path(sys.argv[1])
word = (home / "question").read_text()
journal = Path(os.environ["STYLEBENCH_CLAIMS"], "run.txt")
with open(journal, "a") as file:
    file.write(f"{word} {os.getpid()}\\n")
if word == "wait":
    claim = int(os.environ["STYLEBENCH_CLAIM"])
    tether = [sys.executable, "-I", "-S", "harness/machine/tethered.py", str(os.getpid())]  # as harness.machine.child
    child = subprocess.Popen([*tether, sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=[claim])
    with open(journal, "a") as file:
        file.write(f"child {child.pid}\\n")
    time.sleep(600)
if word == "late":
    time.sleep(2)
if word == "fail":
    sys.exit("it went wrong")
if word == "variables":
    told = {"niceness": os.getpriority(os.PRIO_PROCESS, 0), "variables": dict(os.environ)}
    told["affinity"] = sorted(os.sched_getaffinity(0))
    (home / "answer").write_text(json.dumps(told))
else:
    (home / "out" / "large").write_bytes(b"x" * 3 * 10**6)
    (home / "answer").write_text("result of " + word)
"""


def tree(**files):
    """Code of the module and these files."""
    names = {"doing.py": MODULE, **files}
    entries = {name: text.encode() for name, text in names.items()}
    entries["harness/machine/tethered.py"] = (ROOT / "harness/machine/tethered.py").read_bytes()
    archive = packed(entries)
    return Tree(hashlib.sha256(archive).hexdigest(), archive)


class Pack:
    """Makes jobs of words, each an attempt of its own."""

    def __init__(self, code=None, seconds=600.0):
        self.code, self.seconds, self.count = code or tree(), seconds, 0

    def __call__(self, word):
        self.count += 1
        return job(f"{word.decode()}-{id(self)}-{self.count}", "doing", word, self.seconds, [self.code], {})


def unpack(result):
    """The answer of a job."""
    return answer(result, "test")["answer"]


def came_back(result):
    """The names of the files that came with an answer."""
    return sorted(unpacked(result))
