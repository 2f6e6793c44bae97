import io

from harness.gates.approval import Proposal
from harness.modes import get
from harness.records import Baseline
from reports.language import Words
from reports.terminal.approval import print_proposals
from reports.terminal.console import PlainConsole
from tests.builders import FIGURES

BASELINE = Baseline(
    suite="perf",
    case="small",
    case_digest="d",
    mode=get("force_fp16"),
    run="r",
    revision=None,
    packages={},
    reason="why",
    date="",
    device="cpu",
    plan=FIGURES,
)


def rows(figures, language="en"):
    out = PlainConsole(file=io.StringIO(), width=100)
    print_proposals([Proposal(BASELINE, "changed", figures)], out, Words(language))
    return [line.split() for line in out.file.getvalue().splitlines()[3:] if line]


def test_only_what_changes_is_shown_in_the_units_of_reports():
    figures = (
        ("casts", 69, 70),
        ("flop", 10**9, 10**9),
        ("roofline_seconds", 0.001, 0.00100000001),
        ("units cube float16", 5, None),
        ("distance after 2", 1e-5, 2e-5),
    )
    assert rows(figures) == [
        ["casts", "69", "70", "+1.4%"],
        ["910", "floor", "ms", "1", "1", "+1.0e-08"],
        ["ops", "on", "cube", "float16", "5", "–", "–"],
        ["distance", "after", "2", "updates", "1e-05", "2e-05", "+100.0%"],
    ]
    assert [row[0] for row in rows(figures, "zh")] == ["转换次数", "910", "cube", "2"]


def test_without_a_changed_figure_there_is_no_table():
    assert rows((("casts", 69, 69),)) == []
