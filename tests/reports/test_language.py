import ast
import importlib
import json
import re
import string
from pathlib import Path

import jinja2
from typing_extensions import get_args

import reports
import suites
from harness.gates.reasons import REASONS
from harness.records import Growth, ModeFidelity, Run, Status, Verdict
from harness.records.events import Phase
from harness.remark import Remark, remark
from reports.figures import FIGURES, MARKS
from reports.language import ENGLISH, STATUSES, Words, catalogue, language_of
from reports.sentences import SENTENCES
from reports.stored_run import Evidence
from reports.terminal import progress
from tests.reports.runs import make_run

HOME = Path(reports.__file__).parent


def _names(sentence):
    """The names to fill in."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_every_reason_says_what_happened_and_what_to_do_in_both_languages():
    assert set(REASONS) <= set(catalogue().reasons) and set(STATUSES) == set(catalogue().statuses)
    for code in REASONS:
        assert REASONS[code].happened, code
        assert all(Words("zh").reason(code)), code
        commands = [re.findall("`[^`]*`", words.reason(code).advice) for words in (ENGLISH, Words("zh"))]
        assert commands[0] == commands[1], code
    for status in get_args(Status):
        assert all(STATUSES[status]) and all(Words("zh").status(status))


def test_every_remark_has_its_chinese_of_the_same_values():
    assert set(SENTENCES) == set(catalogue().remarks)
    for code, sentence in SENTENCES.items():
        assert _names(sentence) == _names(catalogue().remarks[code]), code


def _strings(node, module):
    """The strings that an argument stands for: itself, a constant of the module, or all that a constant holds."""
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        found = getattr(module, node.id, None)
        return [found] if isinstance(found, str) else list(found.values()) if isinstance(found, dict) else []
    if isinstance(node, (ast.Tuple, ast.List)):
        return [text for item in node.elts for text in _strings(item, module)]
    if isinstance(node, ast.IfExp):
        return _strings(node.body, module) + _strings(node.orelse, module)
    # Python 3.7 has ast.Str with `s`, later ones ast.Constant with `value`.
    found = getattr(node, "s", None) or getattr(node, "value", None)
    return [found] if isinstance(found, str) else []


def _texts():
    """Every text that our code hands to a Words."""
    for path in HOME.rglob("*.py"):
        module = importlib.import_module(".".join(["reports", *path.relative_to(HOME).with_suffix("").parts]))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            arguments = getattr(node, "args", [])
            if name in ("words", "_words") and arguments:
                yield from _strings(arguments[0], module)
            elif name == "map" and getattr(arguments[0], "id", "") == "words":
                yield from _strings(arguments[1], module)
    templates = list((HOME / "html" / "templates").glob("*.j2"))
    assert templates
    for path in templates:
        for call in jinja2.Environment().parse(path.read_text(encoding="utf-8")).find_all(jinja2.nodes.Call):
            if getattr(call.node, "name", "") == "_" and isinstance(call.args[0], jinja2.nodes.Const):
                yield call.args[0].value


def test_every_text_has_its_chinese():
    choices = [*get_args(Status)]
    for record, field in ((Verdict, "gate"), (Verdict, "outcome"), (ModeFidelity, "fitness"), (Growth, "quantity")):
        choices += get_args(record.model_fields[field].annotation)
    assert set(get_args(Phase.model_fields["name"].annotation)) == set(progress.PHASES)
    headings = [text for figure in FIGURES for text in (figure.heading, figure.explanation)]
    purposes = [suites.get(name).purpose for name in suites.names()]
    shown = {*progress.PHASES.values(), *progress.PREPARATIONS.values(), *purposes}
    found = {*_texts(), *choices, *headings, *MARKS, *MARKS.values(), *shown}
    assert len(found) > 150
    assert not found - set(catalogue().words)


def test_translations_keep_the_names_to_fill_in():
    for english, chinese in catalogue().words.items():
        assert _names(english) == _names(chinese), english


def test_the_locale_decides_the_language():
    assert language_of({"LANG": "zh_CN.UTF-8"}) == "zh"
    assert language_of({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}) == "en"
    assert language_of({}) == "en"


def test_codes_of_another_version_are_words_and_nothing_else():
    assert Words("zh").reason("new_code<b>").happened == "new code b "
    assert ENGLISH.remark(remark("new_code", count=3)) == "new code 3"
    assert ENGLISH.remark(remark("drift", share=0.5)) == "drift 0.5"


def test_a_sentence_of_an_older_record_is_said_as_it_stands(tmp_path, case):
    path = make_run(tmp_path / "run", case).record
    document = json.loads(path.read_text())
    document["summaries"][0]["unmet"] = ["never steady in {1} of 2 processes"]
    document["verdicts"][1]["details"] = ["casts: 1 -> 2"]
    document["fidelity"][1]["fit_bounds"][0]["figure"] = "SSIM"
    run = Run.model_validate(document)
    told = (run.summaries[0].unmet[0], run.verdicts[1].details[0], run.fidelity[1].fit_bounds[0].figure)
    assert list(map(ENGLISH.remark, told)) == ["never steady in {1} of 2 processes", "casts: 1 -> 2", "SSIM"]
    assert Evidence(run, tmp_path).run.summaries[0].unmet == (
        Remark(code="text", values={"text": told[0].values["text"]}),
    )
