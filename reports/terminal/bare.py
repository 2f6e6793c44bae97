"""What a Python without the needed packages can print: plain lines."""

from typing import Callable, Sequence

from harness.machine.requirements import Check
from reports.catalogue import in_chinese


def print_bare_checks(checks: Sequence[Check], language: str = "en") -> None:
    """Print what the doctor found, as reports.terminal.doctor does."""
    say: Callable[[str], str] = in_chinese if language == "zh" else str
    for check in checks:
        mark = {True: "ok", False: "missing", None: "optional"}[check.ok]
        print(f"{mark:>8}  {say(check.name)}" + (f": {say(check.detail)}" if check.detail else ""))
        if check.advice:
            print(f"{'':10}{say(check.advice)}")
