import io
import re
import sys
from xml.etree import ElementTree

import pytest

from harness.errors import UsageError
from harness.records import Verdict
from reports import formats
from reports.documents import junit, markdown
from reports.figures import FIGURES, MARKS, marks
from reports.html import page
from reports.language import ENGLISH
from reports.stored_run import headline
from tests.reports.runs import MIXED, REFERENCE, make_run


@pytest.mark.parametrize("name", formats.FORMATS)
class TestEveryFormat:
    """What each exporter owes its caller."""

    @pytest.fixture(autouse=True)
    def workflow(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))

    def test_it_can_be_chosen_by_name(self, name):
        assert formats.parse(f"{name}, {name}") == [name]

    def test_it_writes_one_file_and_names_it_or_prints(self, name, evidence, tmp_path, capsys):
        folder = tmp_path / "out" / "of it"
        written = formats.write([name], evidence, folder, ENGLISH)
        assert list(folder.iterdir()) == written and len(written) <= 1
        assert bool(capsys.readouterr().out) == (name in formats.PRINTED) == (not written)

    def test_no_text_does_anything(self, name, hostile, tmp_path, capsysbinary):
        written = formats.write([name], hostile, tmp_path / "out", ENGLISH)
        data = b"".join(path.read_bytes() for path in written) + capsysbinary.readouterr().out
        data.decode("utf-8")
        assert data and not set(data) & {*range(9), 11, 12, *range(14, 32), 127}

    def test_what_it_writes_is_the_same_each_time(self, name, evidence, tmp_path):
        first, second = (formats.write([name], evidence, tmp_path / folder, ENGLISH) for folder in "ab")
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_unknown_formats_are_refused():
    with pytest.raises(UsageError, match="'pdf' is unknown"):
        formats.parse("html,pdf")
    assert formats.parse("none") == []


def test_the_record_is_copied_and_never_onto_itself(evidence, tmp_path):
    before = evidence.record.stat().st_mtime_ns
    (own,) = formats.write(["json"], evidence, evidence.folder, ENGLISH)
    (copy,) = formats.write(["json"], evidence, tmp_path / "out", ENGLISH)
    assert own == evidence.record and own.stat().st_mtime_ns == before
    assert copy.name == "run.json" and copy.read_bytes() == own.read_bytes()


@pytest.mark.parametrize("emulated, steady", [(False, True), (True, True), (False, False), (True, False)])
def test_a_step_time_is_marked_by_words_of_a_column_of_its_own(emulated, steady, tmp_path, case):
    run = make_run(tmp_path / "run", case, fidelity=[])
    summaries = [row.model_copy(update={"emulated": emulated, "steady": steady}) for row in run.run.summaries]
    run = run._replace(run=run.run.model_copy(update={"summaries": summaries}))
    # How steady an emulated time is says nothing.
    expected = ["emulated"] if emulated else [] if steady else ["unsteady"]
    assert marks(summaries[0]) == expected
    seconds = f"{summaries[0].step_seconds:.3f}"
    rows = [line for line in markdown.render(run, ENGLISH).decode().splitlines() if line.startswith(f"| `{MIXED}`")]
    # The first is the decision table's.
    assert [cell.strip() for cell in rows[1].split("|")][2:5:2] == [seconds, ", ".join(expected)]
    html = page.render(run, ENGLISH).decode()
    assert f">{seconds}</td>" in html and f'<td class="soft">{", ".join(expected)}</td>' in html
    properties = ElementTree.fromstring(junit.render(run, ENGLISH)).iter("property")
    found = {item.get("name"): item.get("value") for item in properties}
    assert (found["emulated"], found["unsteady"]) == tuple(str(mark in expected).lower() for mark in MARKS)
    for mark, meaning in MARKS.items():
        text = f"{mark}: {meaning}"
        assert (text in html) == (text in markdown.render(run, ENGLISH).decode()) == (mark in expected)


def test_the_legend_stands_right_under_its_table(tmp_path, case):
    lines = markdown.render(make_run(tmp_path / "run", case, fidelity=[]), ENGLISH).decode().splitlines()
    last = max(index for index, line in enumerate(lines) if line.startswith("| ") and "0.515" in line)
    assert lines[last + 1] == "" and lines[last + 2].startswith("emulated: float16 as rounded float32")


def test_a_run_of_plans_alone_shows_no_table_of_dashes(tmp_path, case):
    verdicts = [Verdict(gate="plan", case=case.id, mode=mode, outcome="pass", reason="plan_same") for mode in "abcde"]
    plans = make_run(tmp_path / "run", case, plan_only=True, trials=[], fidelity=[], verdicts=verdicts, growth=[])
    found = headline(plans.run)
    assert (found.word, ENGLISH(found.sentence, **found.values)) == ("Passed", "5 dtype plans as approved.")
    for text in (markdown.render(plans, ENGLISH).decode(), page.render(plans, ENGLISH).decode()):
        assert "5 dtype plans as approved." in text
        assert FIGURES[0].heading not in text and "0/2" not in text and "not judged" not in text


def test_the_advice_names_the_run_and_the_mode(tmp_path, case, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = {"case": case.id, "outcome": "fail"}
    verdicts = [
        Verdict(gate="plan", mode=REFERENCE, reason="plan_changed", **told),
        Verdict(gate="fitness", mode=MIXED, reason="wrong", **told),
    ]
    run = make_run(tmp_path / "results" / "my run", case, verdicts=verdicts)
    approve = "python bench.py approve 'results/my run' --changed --reason TEXT"
    text = markdown.render(run, ENGLISH).decode()
    assert f"commit baselines/: `{approve}`" in text and f"`python bench.py blame {MIXED}`" in text
    html = re.sub("</?span[^>]*>", "", page.render(run, ENGLISH).decode())  # options stand in spans of their own
    assert f"<code>python bench.py blame {MIXED}</code>" in html and approve.replace("'", "&#39;") in html
    assert approve in junit.render(run, ENGLISH).decode()


def test_annotations_need_no_unicode(evidence, monkeypatch):
    from reports.language import Words

    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    formats.exporter("github").write(evidence, evidence.folder, Words("zh"))
    sys.stdout.flush()
    assert raw.getvalue().startswith(b"::error title=StyleBench ?")
