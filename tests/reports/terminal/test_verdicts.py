import io

from rich.console import Console

from harness.records import Verdict
from harness.remark import remark
from reports.advice import Origin
from reports.language import Words
from reports.terminal.verdicts import print_verdicts


def test_failures_come_first_with_reason_details_and_advice():
    passed = Verdict(gate="plan", case="c", mode="m1", outcome="pass", reason="plan_same")
    failed = Verdict(
        gate="plan",
        case="c",
        mode="m2",
        outcome="fail",
        reason="plan_changed",
        details=tuple(remark("plan_unknown_types_now", op=f"[bold]{number}") for number in range(14)),
    )
    out = io.StringIO()
    origin = Origin("results/perf-1", "perf")
    print_verdicts([passed, failed], console=Console(file=out, width=200), origin=origin)
    lines = [line.strip() for line in out.getvalue().splitlines() if line.strip()]
    assert lines[0] == "fail  plan  c  m2: the dtype plan is not the approved one"
    assert lines[1] == "now an unknown type: [bold]0"
    assert lines[13] == "and 2 more, see run.json"
    assert lines[14].endswith("commit baselines/: python bench.py approve results/perf-1 --changed --reason TEXT")
    assert lines[15] == "pass  plan  c  m1: the dtype plan is the approved one"
    assert lines[16] == "gate: 1 fail, 0 missing, 0 inconclusive, 1 pass"


def test_quiet_prints_what_does_not_pass_and_the_count():
    verdicts = [
        Verdict(gate="plan", case="c", mode="m1", outcome="pass", reason="plan_same"),
        Verdict(gate="plan", case="c", mode="m2", outcome="missing", reason="no_baseline"),
    ]
    out = io.StringIO()
    print_verdicts(verdicts, quiet=True, console=Console(file=out, width=80))
    assert (
        "m2" in out.getvalue() and "m1" not in out.getvalue() and "1 missing, 0 inconclusive, 1 pass" in out.getvalue()
    )


def test_verdicts_in_chinese():
    out = io.StringIO()
    failed = Verdict(gate="plan", case="c", mode="m", outcome="fail", reason="plan_changed")
    print_verdicts([failed], words=Words("zh"), console=Console(file=out, width=80))
    assert "失败  精度计划  c  m：精度计划与批准的不一致" in out.getvalue()


def test_colour_is_left_out_on_request(monkeypatch):
    failed = Verdict(gate="plan", case="c", mode="m", outcome="fail", reason="plan_changed")
    texts = {}
    for name in ("coloured", "plain"):
        if name == "plain":
            monkeypatch.setenv("NO_COLOR", "1")
        out = io.StringIO()
        print_verdicts([failed], console=Console(file=out, width=80, force_terminal=True, color_system="standard"))
        texts[name] = out.getvalue()
    assert "\x1b[1;31m" in texts["coloured"] and "31m" not in texts["plain"] and "fail" in texts["plain"]


def test_on_a_terminal_lines_are_folded_beside_the_outcome():
    modes = ("must_keep_origin_dtype", "allow_fp32_to_fp16", "force_fp16", "allow_mix_precision+matmul32")
    verdicts = [Verdict(gate="plan", case="c" * 20, mode=mode, outcome="fail", reason="plan_changed") for mode in modes]
    out = io.StringIO()
    print_verdicts(verdicts, console=Console(file=out, width=80, force_terminal=True, color_system=None))
    lines = out.getvalue().splitlines()[1:-1]
    assert len(lines) > 3 and all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("        fail  plan") and all(line.startswith(" " * 14) for line in lines[1:])
