"""bench.py on a Python that lacks needed packages; of the standard library alone, as doctor has to be there too."""

import sys
from typing import List

from harness.gates.exit_status import TRIAL_FAILED, USAGE
from harness.machine import requirements
from reports.catalogue import in_chinese, language_asked_for
from reports.terminal.bare import print_bare_checks


def main(arguments: List[str]) -> int:
    """Let `doctor` say what is missing, refuse all else in one line, and return the exit status."""
    language = language_asked_for(arguments)
    if arguments[:1] == ["doctor"]:
        print_bare_checks(requirements.check_packages(), language)
        return TRIAL_FAILED
    refusal = requirements.refusal(requirements.absent())
    sys.stderr.write(f"bench.py: {in_chinese(refusal) if language == 'zh' else refusal}\n")
    return USAGE
