import os
import subprocess
import sys
from datetime import datetime, timezone

import pytest

from harness.machine import git
from harness.machine.git import ROOT, GitError

pytestmark = pytest.mark.any_tensorflow


@pytest.fixture
def make_checkout(tmp_path):
    """Makes a checkout with a commit tagged `old` and one after it; returns its path."""

    def make(name="checkout"):
        root = tmp_path / name
        root.mkdir()
        _git(root, "init", "-q")
        for name, value in (("user.name", "n"), ("user.email", "e"), ("commit.gpgsign", "false")):
            _git(root, "config", name, value)
        (root / "file").write_text("old\n")
        (root / "other").write_text("old\n")
        _git(root, "add", ".")
        _git(root, "commit", "-qm", "old")
        _git(root, "tag", "old")
        (root / "other").write_text("new\n")
        _git(root, "commit", "-qam", "new")
        return root

    return make


def _git(root, *arguments):
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


BASE_TREE = """
import sys
from datetime import datetime, timezone
from pathlib import Path
sys.path.insert(0, {project!r})
from harness.comparisons.revisions import base_tree
with base_tree("old", Path({root!r})) as base:
    assert (base.path / "other").read_text() == "old\\n"
"""


@pytest.mark.parametrize("arguments", [["-qam", "mine"], ["-qm", "mine", "file"]], ids=["all", "one path"])
def test_a_comparison_in_a_hook_leaves_the_commit_as_the_user_meant_it(make_checkout, tmp_path, arguments):
    root, seen = make_checkout(), tmp_path / "seen"
    program = BASE_TREE.format(project=str(ROOT), root=str(root))
    (tmp_path / "program.py").write_text(program)
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nenv > '{seen}'\nexec '{sys.executable}' '{tmp_path / 'program.py'}'\n")
    hook.chmod(0o755)
    (root / "file").write_text("mine\n")
    _git(root, "commit", *arguments)
    assert "GIT_INDEX_FILE=" in seen.read_text()  # what must not be passed on
    assert _git(root, "show", "--stat", "--format=", "HEAD").split()[0] == "file"
    assert len(_git(root, "show", "--name-only", "--format=", "HEAD").split()) == 1
    assert _git(root, "show", "HEAD:file") == "mine" and _git(root, "show", "HEAD:other") == "new"
    assert _git(root, "status", "--porcelain") == ""
    assert len(_git(root, "worktree", "list").splitlines()) == 1


def test_a_comparison_runs_no_hook_of_the_checkout(make_checkout, tmp_path):
    from harness.comparisons.revisions import base_tree

    root, marker = make_checkout(), tmp_path / "marker"
    hook = root / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    hook.chmod(0o755)
    with base_tree("old", root):
        pass
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE", "GIT_COMMON_DIR"]
)
def test_the_callers_repository_is_not_asked(make_checkout, monkeypatch, name):
    root, other = make_checkout(), make_checkout("other")
    expected, index = _git(root, "rev-parse", "--short=12", "HEAD"), (other / ".git/index").read_bytes()
    assert git.describe(root) == expected
    point = {"GIT_INDEX_FILE": other / ".git/index", "GIT_OBJECT_DIRECTORY": other / ".git/objects"}
    monkeypatch.setenv(name, str(point.get(name, other if name == "GIT_WORK_TREE" else other / ".git")))
    assert git.describe(root) == expected
    assert git.commit("HEAD", root)[:12] == expected
    assert (other / ".git/index").read_bytes() == index


def test_a_folder_within_somebody_elses_checkout_has_no_revision(make_checkout):
    inner = make_checkout() / "unpacked"
    inner.mkdir()
    assert git.describe(inner) is None


def test_a_revision_is_resolved_to_the_hash_of_a_commit(make_checkout):
    root = make_checkout()
    assert git.commit("HEAD~1", root) == git.commit("old", root) == _git(root, "rev-parse", "old^{commit}")


@pytest.mark.parametrize(
    "revision, reason",
    [
        ("nowhere", "no such commit in .*checkout .expected a git revision"),
        ("--help", "a revision does not begin with -"),
        ("-h", "a revision does not begin with -"),
        ("", "no such commit"),
        ("HEAD:file", "no such commit|expected commit type"),
    ],
)
def test_what_names_no_commit_is_said(make_checkout, revision, reason):
    with pytest.raises(GitError, match=reason):
        git.commit(revision, make_checkout())


def test_outside_a_checkout_the_line_that_says_so_is_shown(tmp_path):
    with pytest.raises(GitError, match="^not a git repository"):
        git.commit("HEAD", tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives the checkout to another user")
def test_of_a_checkout_of_another_user_the_line_that_says_so_is_shown(make_checkout, monkeypatch):
    root = make_checkout()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("HOME", str(root))
    for path in (root, root / ".git"):
        os.chown(str(path), 12345, 12345)
    with pytest.raises(GitError, match="^detected dubious ownership in repository at"):
        git.commit("HEAD", root)


def test_without_git_there_is_no_revision(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    git._redirections.cache_clear()
    assert git.describe() is None
    with pytest.raises(GitError, match="git cannot be run: No such file"):
        git.commit("HEAD")


def test_a_revision_has_the_time_of_its_commit_whatever_describe_made_of_it(make_checkout):
    root = make_checkout()
    told = git.describe(root)
    seconds = int(_git(root, "show", "--no-patch", "--format=%ct", "HEAD"))
    expected = datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    assert expected.endswith("+00:00")
    for revision in ("HEAD", told, f"{told}-dirty", git.commit("HEAD", root)):
        assert git.committed(revision, root) == expected
    for revision in ("none", "--all", "", "\x1b[31m", "HEAD; ls"):
        assert git.committed(revision, root) is None


def test_a_checkout_on_no_branch_is_on_the_one_that_ci_names(make_checkout, monkeypatch):
    root = make_checkout()
    for name in git._BRANCH_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    _git(root, "checkout", "-q", "-b", "topic")
    monkeypatch.setenv("GITHUB_REF_NAME", "other")
    assert git.branch(root) == "topic"
    _git(root, "checkout", "-q", "--detach")
    assert git.branch(root) == "other"
    monkeypatch.setenv("GITHUB_HEAD_REF", "of a pull request")
    assert git.branch(root) == "of a pull request"
    monkeypatch.delenv("GITHUB_HEAD_REF")
    monkeypatch.delenv("GITHUB_REF_NAME")
    assert git.branch(root) is None
