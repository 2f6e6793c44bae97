import re

from markdown_it import MarkdownIt

from harness.remark import remark
from reports.documents import markdown
from reports.language import ENGLISH
from tests.reports.runs import make_run


def _html(text):
    return MarkdownIt("commonmark").enable("table").render(text)


def test_the_decision_comes_first_and_then_what_failed(evidence):
    text = markdown.render(evidence, ENGLISH).decode()
    lines = [line for line in text.splitlines() if line]
    assert lines[0] == "### ❌ StyleBench `tiny`: Failed"
    assert lines[2:6] == [
        "| mode | right? | why | 910 floor ms | casts | compiles | step s |",
        "| :-- | :-- | :-- | --: | --: | --: | --: |",
        "| `must_keep_origin_dtype` | ✅ yes |  | 0.860 | 69 | yes | 0.515 |",
        "| `allow_mix_precision` | ❌ no | `style Gram saturates at relu1_1` | 0.860 | 69 | yes | – |",
    ]
    assert (
        "- Take `must_keep_origin_dtype`: its picture is right, and a step takes at least 0.860 ms on a 910." in lines
    )
    at = lines.index("**Failed**: 1 failed, 0 missing, 0 inconclusive, 1 passed.")
    assert "the dtype plan is not the approved one" in lines[at + 3] and "casts: 1 -> 2" in text
    assert "| `allow_mix_precision` | wrong | `style Gram saturates at relu1_1` | 0.98700 |" in text
    assert _html(text).count("<table>") >= 4


def test_a_run_without_judged_pictures_shows_its_times(tmp_path, case):
    text = markdown.render(make_run(tmp_path / "run", case, fidelity=[]), ENGLISH).decode()
    assert "| `must_keep_origin_dtype` | 0.515 |" in text and "what the timing lacks" in text


def test_an_advice_is_given_once_and_details_name_their_modes(tmp_path, case):
    evidence = make_run(tmp_path / "run", case)
    passed, failed, _ = evidence.run.verdicts
    other = failed.model_copy(update={"mode": "force_fp16", "details": (remark("plan_casts", before=3, after=4),)})
    run = evidence.run.model_copy(update={"verdicts": [passed, failed, other]})
    text = markdown.render(evidence._replace(run=run), ENGLISH).decode()
    assert text.count("if the change is meant, approve it") == 1
    for mode in ("allow_mix_precision", "force_fp16"):
        assert f"<summary>details: plan <code>{mode}</code></summary>" in text


def test_hostile_text_stays_text(hostile):
    rendered = _html(markdown.render(hostile, ENGLISH).decode())
    assert "<img" not in rendered and "&lt;img src=x" in rendered
    assert "<strong>b" not in rendered and 'href="http://d"' not in rendered
    outside = re.sub("<code.*?</code>", "", rendered, flags=re.DOTALL)
    assert "@all" not in outside and "onerror=" not in outside
    assert "\x1b" not in rendered and "\x07" not in rendered


def test_code_spans_hold_any_text():
    for text in ("`", "a``b", " ", "", "a|b", "x\ny", "`a`"):
        span = markdown.code(text)
        rendered = _html(f"| h |\n| -- |\n| {span} |\n")
        assert rendered.count("<code>") == 1 and rendered.count("<td>") == 1, text


def test_a_comment_stays_below_60_kb_and_says_that_it_was_cut(tmp_path, case):
    evidence = make_run(tmp_path / "run", case)
    lines = [[f"{number} {line} {'x' * 500}" for line in range(20)] for number in range(40)]
    told = [{"details": tuple(remark("text", text=text) for text in of_one)} for of_one in lines]
    verdicts = [evidence.run.verdicts[1].model_copy(update=update) for update in told]
    long = evidence._replace(run=evidence.run.model_copy(update={"verdicts": verdicts}))
    data = markdown.render(long, ENGLISH)
    assert len(data) <= markdown.LIMIT and "Shortened; the whole is in the run's folder." in data.decode()
    assert data.decode().startswith("### ❌")
    assert len(data) > markdown.LIMIT * 0.7  # as much as fits
