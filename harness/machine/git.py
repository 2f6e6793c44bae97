"""Runs git in this project's own checkout, whatever GIT_* variables the caller has; those of a hook point elsewhere."""

import functools
import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Dict, FrozenSet, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
"""The project's folder."""
_BRANCH_VARIABLES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BRANCH_NAME")
"""Where CI says the branch of a checkout that is on none: GitHub for a pull request and for a push, GitLab, Jenkins."""


class GitError(RuntimeError):
    """git is not installed or refused a command; the message is the line that says why."""


def git(*arguments: str, root: Path = ROOT) -> str:
    """Run git in the checkout at `root` and return what it prints, without the last line's end.

    Raises:
        GitError: git is not installed, `root` is not the top of a checkout, or git ended with another status than 0.
    """
    try:
        ended = subprocess.run(
            ["git", "-C", str(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(root),
        )
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}") from error
    if ended.returncode:
        raise GitError(_reason(ended.stderr.decode("utf-8", "replace"), ended.returncode))
    return ended.stdout.decode("utf-8", "replace").rstrip("\n")


def commit(revision: str, root: Path = ROOT) -> str:
    """Return the hash of the commit that a revision names now; raises GitError when it names none."""
    if revision.startswith("-"):  # an option to git, and no name that git lets anybody give
        raise GitError("a revision does not begin with - (expected a git revision)")
    try:
        return git("rev-parse", "--verify", f"{revision}^{{commit}}", root=root)
    except GitError as error:
        if "Needed a single revision" in str(error):
            raise GitError(f"no such commit in {root} (expected a git revision)") from error
        raise


def describe(root: Path = ROOT) -> Optional[str]:
    """Return the checkout's revision as `git describe --always --dirty` says it, None where git says none."""
    try:
        return git("describe", "--always", "--dirty", "--abbrev=12", root=root)
    except GitError:
        return None


def committed(revision: str, root: Path = ROOT) -> Optional[str]:
    """Return when a revision was committed, ISO 8601 in UTC; None where this checkout does not know it.

    Args:
        revision: a git revision, or what `describe` made of one.
    """
    clean = revision[: -len("-dirty")] if revision.endswith("-dirty") else revision
    try:
        seconds = int(git("show", "--no-patch", "--format=%ct", commit(clean, root), root=root))
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    except (GitError, ValueError, OverflowError, OSError):  # no such commit, or a time that is none
        return None


def branch(root: Path = ROOT) -> Optional[str]:
    """Return the branch that the checkout is on, or that CI says it is of; None where neither says one."""
    try:
        return git("symbolic-ref", "--short", "HEAD", root=root)
    except GitError:
        return next((os.environ[name] for name in _BRANCH_VARIABLES if os.environ.get(name)), None)


def _environment(root: Path) -> Dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in _redirections()}
    # The ceiling: a folder inside another project's checkout must not report that project's revision. LC_ALL: messages
    # are matched in English. Without optional locks describe does not refresh the index.
    return {**own, "GIT_CEILING_DIRECTORIES": str(root.parent), "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


@functools.lru_cache(maxsize=None)
def _redirections() -> FrozenSet[str]:
    """The variables that bind git to one repository, its index or its objects, as this git knows them."""
    listed = subprocess.run(["git", "rev-parse", "--local-env-vars"], stdout=subprocess.PIPE, check=False)
    return frozenset(listed.stdout.decode().split()) | {"GIT_NAMESPACE", "GIT_QUARANTINE_PATH"}


def _reason(said: str, status: int) -> str:
    """The first line of git's complaint; advice on what to do follows it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    found = next((line for line in lines if line.startswith(("fatal: ", "error: "))), lines[0] if lines else "")
    return found.partition(": ")[2] if found.startswith(("fatal: ", "error: ")) else found or f"git: status {status}"
