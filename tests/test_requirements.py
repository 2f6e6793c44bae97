"""The commands on a Python without the packages that they need, and for a user without a home."""

import os
import subprocess
import sys

import pytest

from harness.machine import requirements
from harness.store.cache import cache_folder
from model import vgg
from tests.conftest import ROOT
from tests.reports.runs import make_run

BARE = [sys.executable, "-S", "-E"]
"""Without site-packages."""


def run(*command, **variables):
    return subprocess.run(list(command), cwd=str(ROOT), capture_output=True, text=True, **variables)


@pytest.mark.parametrize(
    "arguments",
    [
        ("bench.py",),
        ("bench.py", "--suite", "perf"),
        ("bench.py", "history"),
        ("neural_style.py", "--content", "a", "--styles", "b", "--output", "c"),
    ],
)
def test_what_is_missing_and_how_to_get_it_is_one_line(arguments):
    ended = run(*BARE, *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"{arguments[0]}: not installed: Pillow, ")
    assert ended.stderr.endswith(" (pip install -r requirements.txt)\n")


def test_doctor_needs_nothing_but_python():
    ended = run(*BARE, "bench.py", "doctor")
    assert (ended.returncode, ended.stderr) == (5, "")
    assert "      ok  Python: " in ended.stdout and " missing  pydantic: not installed\n" in ended.stdout
    assert ended.stdout.endswith("pip install -r requirements.txt\n")


def test_needed_packages_are_those_of_requirements_txt():
    listed = (ROOT / "requirements.txt").read_text()
    assert requirements.absent() == []
    assert all(check.name in listed for check in requirements.check_packages()[1:-1])


def test_a_package_that_only_some_commands_need_is_one_line_too(tmp_path, case):
    evidence = make_run(tmp_path / "run", case)
    (tmp_path / "jinja2.py").write_text("raise ImportError('jinja2: cannot open shared object')\n")
    command = [sys.executable, "bench.py", "report", str(evidence.folder)]
    ended = run(*command, env=dict(os.environ, PYTHONPATH=str(tmp_path)))
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr == "bench.py: jinja2: cannot open shared object (pip install -r requirements.txt)\n"


def test_a_user_without_a_home_has_no_cache_and_no_folder_called_tilde(tmp_path, monkeypatch):
    def nobody(number):
        raise KeyError(number)

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    assert cache_folder() == ""
    assert vgg.load("synthetic", cache_folder()).digest() == vgg.SYNTHETIC_DIGEST
    assert list(tmp_path.iterdir()) == []


def test_what_a_terminal_would_act_upon_is_escaped_in_the_line():
    name = "a\x1b[31m\u202eb\nc.png"
    for command in (
        ("neural_style.py", "--content", name, "--styles", name, "--output", "c.png"),
        ("bench.py", "report", name),
    ):
        ended = run(sys.executable, *command)
        assert ended.returncode == 2 and ended.stderr.count("\n") == 1
        assert "\x1b" not in ended.stderr and r"a\x1b[31m\u202eb\nc.png" in ended.stderr
