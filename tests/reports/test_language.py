import ast
import importlib
from pathlib import Path

import jinja2
import pytest
from typing_extensions import get_args

import reports
from harness.gates.reasons import REASONS
from harness.records import ModeFidelity, Status, Verdict
from reports import formats
from reports.figures import FIGURES
from reports.language import STATUSES, Words, catalogue, language_of

HOME = Path(reports.__file__).parent


class Complete(Words):
    """Fails for a text that has no Chinese."""

    def __call__(self, english, **values):
        assert english in catalogue()["words"], english
        return super().__call__(english, **values)


def test_every_reason_says_what_happened_and_what_to_do_in_both_languages():
    assert set(REASONS) <= set(catalogue()["reasons"]) and set(STATUSES) == set(catalogue()["statuses"])
    for code in REASONS:
        assert REASONS[code].happened, code
        assert all(Words("zh").reason(code)), code
    for status in get_args(Status):
        assert all(STATUSES[status]) and all(Words("zh").status(status))


def _texts():
    """Every text that our code hands to a Words: where it stands, or by the name of a module's constant."""
    for path in HOME.glob("*.py"):
        module = importlib.import_module(f"reports.{path.stem}")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if name not in ("words", "_words") or not node.args:
                continue
            text = node.args[0]
            # Python 3.7 has ast.Str with `s`, later ones ast.Constant with `value`.
            found = [
                getattr(text, "s", None),
                getattr(text, "value", None),
                getattr(module, getattr(text, "id", ""), None),
            ]
            yield from {item for item in found if isinstance(item, str)}
    for path in (HOME / "templates").glob("*.j2"):
        for call in jinja2.Environment().parse(path.read_text(encoding="utf-8")).find_all(jinja2.nodes.Call):
            if getattr(call.node, "name", "") == "_" and isinstance(call.args[0], jinja2.nodes.Const):
                yield call.args[0].value


def test_every_text_has_its_chinese():
    choices = [*get_args(Status)]
    for record, field in ((Verdict, "gate"), (Verdict, "outcome"), (ModeFidelity, "fitness")):
        choices += get_args(record.model_fields[field].annotation)
    headings = [text for figure in FIGURES for text in (figure.heading, figure.explanation)]
    missing = {*_texts(), *choices, *headings} - set(catalogue()["words"])
    assert not missing


def test_translations_keep_the_names_to_fill_in():
    for english, chinese in catalogue()["words"].items():
        values = {word.partition("}")[0]: "1" for word in english.split("{")[1:]}
        assert chinese.format(**values) and chinese.count("{") == english.count("{"), english


@pytest.mark.parametrize("name", ["html", "markdown", "junit"])
def test_a_report_in_chinese_leaves_no_text_in_english(evidence, name):
    text = formats.render(name, evidence, Complete("zh")).decode()
    assert "精度计划与批准的不一致" in text and "the dtype plan is not" not in text


def test_the_locale_decides_the_language():
    assert language_of({"LANG": "zh_CN.UTF-8"}) == "zh"
    assert language_of({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}) == "en"
    assert language_of({}) == "en"


def test_codes_of_another_version_are_words_and_nothing_else():
    assert Words("zh").reason("new_code<b>").happened == "new code b "
