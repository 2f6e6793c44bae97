"""bench.py on a Python that lacks needed packages; of the standard library alone, as doctor has to be there too."""

import sys
from typing import List

from harness.gates.exit_status import TRIAL_FAILED, USAGE
from harness.machine import requirements
from reports.terminal.bare import print_bare_checks


def main(arguments: List[str]) -> int:
    """Let `doctor` say what is missing, refuse all else in one line, and return the exit status."""
    if arguments == ["doctor"]:
        print_bare_checks(requirements.check_packages())
        return TRIAL_FAILED
    sys.stderr.write(f"bench.py: {requirements.refusal(requirements.absent())}\n")
    return USAGE
