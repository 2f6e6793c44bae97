"""The workflows of GitHub Actions: their commands are those that bench.py takes."""

import re
import shlex

import pytest

import bench
from harness.commands.request import Request
from tests.conftest import ROOT

pytestmark = pytest.mark.any_tensorflow

TEXTS = {path.name: path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml")}
COMMANDS = [
    line.split(">>")[0].split(";")[0] for text in TEXTS.values() for line in re.findall("python bench.py (.*)", text)
]


def test_there_are_commands():
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_options_that_exist_and_go_together(command):
    arguments = shlex.split(command)
    with bench.cli.make_context("bench.py", list(arguments)) as context:
        if arguments[0].startswith("-"):
            Request.from_context(context).check()
        else:
            bench.cli.get_command(context, arguments[0]).make_context(arguments[0], arguments[1:]).close()


@pytest.mark.parametrize("name", TEXTS)
def test_every_action_is_pinned_by_its_hash(name):
    used = re.findall("uses: (.*)", TEXTS[name])
    assert used and all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in used)


def test_only_the_workflow_that_runs_no_code_of_ours_may_write():
    writing = [name for name, text in TEXTS.items() if re.search(r"^\s*[\w-]+: write", text, re.M)]
    assert writing == ["stylebench-comment.yml"]
    assert "checkout" not in TEXTS[writing[0]] and "bench.py" not in TEXTS[writing[0]]


def test_what_the_comment_is_made_of_is_what_the_steps_before_it_wrote():
    (folders,) = re.findall("reports.documents.comment (.*) >", TEXTS["stylebench.yml"])
    assert set(folders.split()) == set(re.findall("--output (results/\\w+)", TEXTS["stylebench.yml"]))
