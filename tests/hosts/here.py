"""A device of a host that is this process: modules that a host would run are run here, without Ray."""

import importlib
import json

from harness.hosts.parcel import read_files, write_files
from harness.trial.place import LostError


class HereDevice:
    """Answers as harness.hosts.run.HostDevice does; after `lives` answers its host goes away."""

    host = "test"

    def __init__(self, home, trees=(), lives=10**6, name="cpu"):
        """Set the folder that jobs are unpacked in, and the folders of the trees that they run."""
        self.home, self.trees, self.lives, self.name = home, trees, lives, name
        self.asked = []

    def ask(self, module, question, seconds, files, trees=(), stop=None):
        if not self.lives:
            raise LostError(f"host {self.host} went away")
        self.lives -= 1
        self.asked.append(json.loads(question.decode()))
        home = self.home / str(len(self.asked))
        (home / "out").mkdir(parents=True)
        (home / "question").write_bytes(question)
        (home / "trees.json").write_text(json.dumps([str(tree) for tree in self.trees]))
        write_files(home / "files", files)
        importlib.import_module(module).main(home)
        out = {f"out/{name}": data for name, data in read_files(home / "out").items()}
        return {"answer": (home / "answer").read_bytes(), **out}

    def is_alive(self):
        return self.lives > 0
