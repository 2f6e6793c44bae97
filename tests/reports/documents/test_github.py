import io
import re

import pytest

from harness.errors import UsageError
from harness.remark import remark
from reports import formats
from reports.documents import github
from reports.language import ENGLISH


def _many(verdict, count):
    return [
        verdict.model_copy(update={"details": (*verdict.details, remark("text", text=str(number)))})
        for number in range(count)
    ]


def test_errors_are_what_failed_and_notices_what_is_advisory(evidence):
    lines = github.annotations(evidence, ENGLISH)
    assert [line.split()[0] for line in lines] == ["::error", "::notice"]
    assert "title=StyleBench plan%3A fail::small allow_mix_precision: the dtype plan" in lines[0]


def test_hostile_text_gives_no_further_command(hostile):
    lines = github.annotations(hostile, ENGLISH)
    for line in lines:
        assert "\n" not in line and "\r" not in line
        assert re.fullmatch(r"::(error|warning|notice) title=[^:,]*::.*", line)
    assert "%0A::error::e\ufffd%250A" in lines[0]


def test_at_most_ten_of_a_kind(evidence):
    many = evidence._replace(run=evidence.run.model_copy(update={"verdicts": _many(evidence.run.verdicts[1], 30)}))
    lines = github.annotations(many, ENGLISH)
    assert len(lines) == 10 and "30 in all; the first 9 follow" in lines[0]


def test_the_summary_is_appended_where_github_wants_it(evidence, tmp_path):
    out, summary = io.StringIO(), tmp_path / "summary.md"
    summary.write_text("before\n")
    github.announce(evidence, ENGLISH, {"GITHUB_STEP_SUMMARY": str(summary)}, out)
    assert out.getvalue().startswith("::error")
    assert summary.read_text(encoding="utf-8").startswith("before\n### ❌ StyleBench")
    github.announce(evidence, ENGLISH, {}, out)


def test_the_summary_stays_below_its_limit(evidence):
    verdict = evidence.run.verdicts[1].model_copy(update={"details": (remark("text", text="x" * 5000),) * 20})
    many = evidence._replace(run=evidence.run.model_copy(update={"verdicts": _many(verdict, 30)}))
    assert len(github.render(many, ENGLISH)) <= github.SUMMARY_LIMIT


def test_it_is_refused_elsewhere(monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    with pytest.raises(UsageError, match="GITHUB_ACTIONS is not set"):
        formats.parse("html,github")
