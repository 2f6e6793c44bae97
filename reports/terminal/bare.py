"""What a Python without the needed packages can print: plain lines."""

from typing import Sequence

from harness.machine.requirements import Check


def print_bare_checks(checks: Sequence[Check]) -> None:
    """Print what the doctor found, as reports.terminal.doctor does."""
    for check in checks:
        mark = {True: "ok", False: "missing", None: "optional"}[check.ok]
        print(f"{mark:>8}  {check.name}" + (f": {check.detail}" if check.detail else ""))
        if check.advice:
            print(f"{'':10}{check.advice}")
