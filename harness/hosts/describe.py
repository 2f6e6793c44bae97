"""A host's answer to what it is: `python -m harness.hosts.describe FOLDER`; the question is the devices of its run."""

import sys
from pathlib import Path

from harness.machine import environment
from harness.store.files import write_atomic


def main(home: Path) -> None:
    """Leave the environment of this host, as a run records it."""
    device = (home / "question").read_text()
    write_atomic(home / "answer", environment.describe(device=device).model_dump_json().encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
