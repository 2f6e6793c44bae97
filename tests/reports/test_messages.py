"""Errors, help and other sentences that come whole: each has its Chinese, and nothing in that is English."""

import ast
import os
import re
import subprocess
import sys
from typing import Iterator, Tuple

import pytest

import bench
import neural_style
from reports.catalogue import catalogue, in_chinese, language_asked_for
from tests.conftest import ROOT

pytestmark = pytest.mark.any_tensorflow

RAISED = (
    *("UsageError", "ImageError", "NetworkError", "DeviceUnavailable", "RequirementError", "ChildFailedError"),
    *("GitError", "GraphError", "PrecisionConfigError", "OutputError", "IncomparableError", "TreeFailedError"),
    *("TrialFailedError", "NeverSteadyError", "LostError", "CannotRunError", "OSError", "fail", "_fail", "refuse"),
    *("say", "_say"),
)
"""Calls whose first argument people may read."""
WHOLE = ("Check", "_fail")
"""Calls of which any argument may be read."""
NOT_ENGLISH = re.compile(r"--?[\w-]+|`[^`]*`|'[^']*'|\b\w*[_./:=\d]\w*[\w./:=*]*|\b[A-Z][\w.+-]*")
"""Options, names, numbers, and words that begin with a capital, which Chinese keeps."""
KEPT = set(
    """
    accuracy approve auto bench best bfloat binary black blame calibrate case cases check choose compare cpu customize
    doctor dtype dtypes dynamic evaluator flip float git github gpu gray head html ieee imagenet index inputs
    install jpg json junit keep key list looks main markdown mat matplotlib mean mixlist modify must native none
    npu origin out pass perf pip png postgresql progress psycopg push python rebuild reference relu rounded rows
    run scaling set smoke source sqlite suite synthetic text total trials txt undecided value verydeep vgg white
    writes
    """.split()
)
"""Names of commands, options, fields and files, and words of their values."""


def _form(node: ast.AST, numbers: Iterator[int]) -> str:
    """What a text looks like, {0}, {1}, ... for its values."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_form(part, numbers) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _form(node.left, numbers) + _form(node.right, numbers)
    # Python 3.7 has ast.Str with `s`, later ones ast.Constant with `value`.
    text = getattr(node, "s", None) or getattr(node, "value", None)
    return text if isinstance(text, str) else f"V{next(numbers)}"


def _messages() -> Iterator[Tuple[str, str]]:
    """Each text that is raised or printed whole, with V0, V1, ... for its values, and where it is."""
    rooms = [ROOT / name for name in ("harness", "model", "suites", "reports")]
    for path in (*(path for room in rooms for path in room.rglob("*.py")), ROOT / "bench.py", ROOT / "neural_style.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            arguments = getattr(node, "args", [])
            for argument in arguments if name in WHOLE else arguments[:1] if name in RAISED else ():
                text = _form(argument, iter(range(10))).replace("bench.py: ", "", 1)
                if re.search("[a-z]{3}", text) and not text.startswith("    python "):
                    yield text, f"{path.relative_to(ROOT)}:{node.lineno}"


def _english(text: str) -> list:
    return [word for word in re.findall("[a-z]{3,}", NOT_ENGLISH.sub(" ", text)) if word not in KEPT]


def test_every_message_has_its_chinese():
    found = list(_messages())
    assert len(found) > 150
    assert [(text, where) for text, where in found if _english(in_chinese(text))] == []


def test_every_rule_of_a_plan_has_its_chinese():
    lines = (ROOT / "harness" / "precision" / "rules" / "judge.py").read_text(encoding="utf-8").splitlines()
    shown = "\n".join(line for line in lines if re.search("rule|keeps its dtype", line) and '"""' not in line)
    texts = [text.replace("{listed}", "black, ") for text in re.findall('"([^"\n]*)"', shown)]
    rules = [re.sub("{[^}]*}", "V", text) for text in texts if " " in text]
    assert len(rules) >= 12
    assert [rule for rule in rules if _english(in_chinese(rule))] == []


def _commands(command):
    """The command, and all those below it."""
    yield command
    for subcommand in getattr(command, "commands", {}).values():
        yield from _commands(subcommand)


def _help_texts() -> Iterator[str]:
    commands = list(_commands(bench.cli))
    yield from (command.help.partition("\n")[0] for command in commands)
    yield from (option.help for command in commands for option in command.params if getattr(option, "help", None))
    parser = neural_style.build_parser()
    yield from (action.help for action in parser._actions if "-h" not in action.option_strings)
    yield parser.description


def test_every_help_text_has_its_chinese():
    texts = set(_help_texts())
    assert len(texts) > 90
    assert texts - set(catalogue().help) == set()


def test_chinese_keeps_the_values_of_a_message():
    for english, chinese in catalogue().messages.items():
        assert set(re.findall(r"{\d}", english)) == set(re.findall(r"{\d}", chinese)), english


@pytest.mark.parametrize(
    "english, chinese",
    [
        ("picture a b.png: no such file", "图片 a b.png：没有这个文件"),
        ("--iterations 0: should be greater than 0", "--iterations 0：应大于 0"),
        ("run x: trial y did not end well; only a run without failures can be approved", None),
        ("something: that nobody translated", "something: that nobody translated"),
    ],
)
def test_a_message_is_found_by_its_form_and_what_it_quotes_by_its_own(english, chinese):
    expected = chinese or "运行 x：试验 y 没有正常结束；只能批准没有失败的运行"
    assert in_chinese(english) == expected


def test_the_language_is_known_before_the_command_line_is_read():
    chinese = {"LANG": "zh_CN.UTF-8"}
    assert language_asked_for(["bench.py", "--lang", "zh"], {}) == "zh"
    assert language_asked_for(["bench.py", "--lang=en"], chinese) == "en"
    assert language_asked_for(["bench.py", "--lang", "fr"], chinese) == "zh"


def test_a_command_line_in_chinese_leaves_the_next_one_in_english(monkeypatch, capsys):
    for language, told in (("zh", "没有这个命令"), ("en", "No such command")):
        monkeypatch.setattr(sys, "argv", ["bench.py", f"--lang={language}", "paint"])
        assert bench.main() == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "command, status, said",
    [
        (("bench.py", "--help"), 0, "轮流测量 GITREF 和当前代码"),
        (("bench.py", "explain", "--help"), 0, "用法："),
        (("bench.py", "list", "--help"), 0, "选项：\n"),
        (("bench.py", "--help"), 0, "做什么：\n"),
        (("neural_style.py", "--help"), 0, "图片：\n"),
        (("bench.py", "--suite", "nope"), 2, "bench.py: 未知套件 'nope'"),
        (("bench.py", "--nope"), 2, "bench.py: 没有这个选项：--nope"),
        (("bench.py", "compare", "a"), 2, "bench.py: 缺少参数"),
        (("neural_style.py", "--help"), 0, "第 k 个风格层的权重为它的 k 次方"),
        (("neural_style.py", "--content", "a"), 2, "neural_style.py: 缺少必需的参数：--styles, --output"),
    ],
)
def test_a_person_with_a_chinese_locale_is_spoken_to_in_chinese(command, status, said):
    environment = {**os.environ, "LANGUAGE": "zh_CN:en", "PYTHONIOENCODING": "utf-8"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    ended = subprocess.run([sys.executable, *command], cwd=str(ROOT), env=environment, **streams)
    assert ended.returncode == status
    assert said in ended.stdout.decode("utf-8")
