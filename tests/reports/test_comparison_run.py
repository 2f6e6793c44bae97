import io
import re

import pytest

from harness.errors import UsageError
from harness.records import Comparison, Pair, Verdict
from reports import formats
from reports.base_and_head import revisions
from reports.documents import markdown
from reports.html import page
from reports.language import ENGLISH
from reports.stored_run import Evidence
from reports.terminal.base_and_head import print_sides
from reports.terminal.console import PlainConsole
from tests.reports.runs import MIXED, REFERENCE, make_run


@pytest.fixture
def compared(tmp_path, case):
    """The folder of a comparison of two pairs."""
    folder = tmp_path / "against-1"
    for number in (1, 2):
        make_run(folder / f"{number}-head-{REFERENCE}" / f"tiny-{number}", case, replicates=1, names=(REFERENCE,))
    sides = {"base_seconds": 0.4, "head_seconds": 0.5, "emulated": False}
    pairs = tuple(Pair(case=case.id, mode=REFERENCE, number=number, **sides) for number in (1, 2))
    slower = Verdict(
        gate="against",
        case=case.id,
        mode=REFERENCE,
        outcome="fail",
        reason="slower",
        **{"effect": 0.25, "low": 0.2, "high": 0.3, "n": 2, "detectable": 0.1},
    )
    record = Comparison(base="main", started="2026-01-01T00:00:00+00:00", command=(), pairs=pairs, verdicts=(slower,))
    (folder / "comparison.json").write_text(record.model_dump_json())
    return folder


def test_a_comparison_is_shown_as_this_trees_run_with_the_verdicts_on_both(compared):
    evidence = Evidence.load(compared)
    assert [trial.replicate for trial in evidence.run.trials] == [1, 2]
    assert all(evidence.samples(trial) and evidence.file(trial.picture) for trial in evidence.run.trials)
    assert evidence.run.summaries[0].replicates == 2
    text = markdown.render(evidence, ENGLISH).decode()
    assert text.startswith("### ❌ StyleBench `tiny`: Failed") and "+25.0% step time" in text
    shown = page.render(evidence, ENGLISH).decode()
    assert "Step times by process" in shown and "<h3>Pairs</h3>" in shown and "head alone" in shown


def test_base_stands_beside_head_in_every_format(compared):
    evidence = Evidence.load(compared)
    console = PlainConsole(file=io.StringIO(), width=80)
    print_sides(evidence.comparison, console=console)
    cells = ["0.4000", "0.5000", "+25.0%", "+20.0% … +30.0%", "2"]
    assert f"{REFERENCE}  0.4000  0.5000  +25.0%  +20.0% … +30.0%      2\n" in console.file.getvalue()
    assert f"| `small` | `{REFERENCE}` | {' | '.join(cells)} |" in markdown.render(evidence, ENGLISH).decode()
    table = re.search('<div class="decision">.*?</table>', page.render(evidence, ENGLISH).decode(), re.DOTALL)
    assert re.findall('<td class="n"[^>]*>([^<]*)</td>', table[0]) == cells


def test_both_sides_are_named_by_hashes(compared):
    record = Evidence.load(compared).comparison
    commits = {"base_commit": "0123456789abcdef", "head": "fedcba9876543210-dirty"}
    assert revisions(record.model_copy(update=commits), ENGLISH) == "base main (0123456789ab), head fedcba987654-dirty"
    named = {**commits, "base": "0123456"}  # as a hash: once is enough
    assert revisions(record.model_copy(update=named), ENGLISH) == "base 0123456, head fedcba987654-dirty"


def test_ratios_are_those_of_the_runs_reference_mode(compared, case):
    for number in (1, 2):
        folder = compared / f"{number}-head-{REFERENCE}" / f"tiny-{number}"
        make_run(folder, case, replicates=1, names=(MIXED,), reference_mode=MIXED)
    (summary,) = Evidence.load(compared).run.summaries
    assert (summary.mode, summary.ratio_to_reference) == (MIXED, 1.0)


def test_its_record_is_the_comparison(compared, tmp_path):
    evidence = Evidence.load(compared)
    (own,) = formats.write(["json"], evidence, evidence.folder, ENGLISH)
    (copy,) = formats.write(["json"], evidence, tmp_path / "out", ENGLISH)
    assert own == compared / "comparison.json" and copy.name == own.name and copy.read_bytes() == own.read_bytes()
    assert not (compared / "run.json").exists()


def test_a_comparison_without_its_runs_is_refused(compared):
    (compared / "comparison.json").write_text(
        Comparison(base="main", started="", command=(), pairs=(), verdicts=()).model_dump_json()
    )
    with pytest.raises(UsageError, match="holds no run of this tree"):
        Evidence.load(compared)


@pytest.mark.parametrize("mode", ["../../elsewhere", "*", "/etc", "a/b"])
def test_a_mode_that_leads_out_of_the_folder_is_refused(mode, compared):
    record = Comparison.model_validate_json((compared / "comparison.json").read_text())
    pairs = tuple(pair.model_copy(update={"mode": mode}) for pair in record.pairs)
    (compared / "comparison.json").write_text(record.model_copy(update={"pairs": pairs}).model_dump_json())
    with pytest.raises(UsageError, match="expected a part of a file.s name"):
        Evidence.load(compared)
