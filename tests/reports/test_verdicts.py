import io

from rich.console import Console

from harness.records import Verdict
from reports.verdicts import print_verdicts


def test_failures_come_first_with_reason_details_and_advice():
    passed = Verdict(gate="plan", case="c", mode="m1", outcome="pass", reason="plan_same")
    failed = Verdict(
        gate="plan", case="c", mode="m2", outcome="fail", reason="plan_changed", details=("casts: 3 -> [bold]4",) * 14
    )
    out = io.StringIO()
    print_verdicts([passed, failed], console=Console(file=out, width=200))
    lines = [line.strip() for line in out.getvalue().splitlines() if line.strip()]
    assert lines[0] == "fail  plan  c  m2: the dtype plan is not the approved one"
    assert lines[1] == "casts: 3 -> [bold]4"
    assert lines[13] == "and 2 more, see run.json"
    assert lines[14].startswith("if the change is meant, approve it")
    assert lines[15] == "pass  plan  c  m1: the dtype plan is the approved one"
    assert lines[16] == "gate: 1 fail, 0 missing, 0 inconclusive, 1 pass"
