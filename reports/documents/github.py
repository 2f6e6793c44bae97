"""What a run tells GitHub Actions: annotations on standard output, and the step's summary."""

import os
import sys
from pathlib import Path
from typing import IO, Dict, List, Mapping, Tuple

from harness.errors import UsageError
from reports.documents import markdown
from reports.language import Words
from reports.plain_text import printable, replacing
from reports.stored_run import Evidence, headline
from reports.verdict_text import effect, sayings

SUMMARY_LIMIT = 900_000
"""Bytes; GitHub drops a summary beyond 1 MiB."""
PER_KIND = 10
"""Annotations GitHub shows of one kind in a step: the count of all, and the nine worst."""

_DETAILS = 3
"""Lines shown of one verdict; the rest is in run.json."""


def render(evidence: Evidence, words: Words) -> bytes:
    """Return the step's summary, Markdown, at most SUMMARY_LIMIT bytes."""
    return markdown.fit(markdown.sections(evidence, words), SUMMARY_LIMIT, words)


def announce(evidence: Evidence, words: Words, environment: Mapping[str, str], out: IO[str]) -> None:
    """Append the summary where GitHub asks for one, and print the annotations."""
    if environment.get("GITHUB_STEP_SUMMARY"):
        with open(environment["GITHUB_STEP_SUMMARY"], "ab") as file:
            file.write(render(evidence, words) + b"\n")
    for line in annotations(evidence, words):
        out.write(line + "\n")


class GithubExporter:
    """Reports to the workflow that it runs in."""

    def check(self) -> None:
        """Raise UsageError outside of GitHub Actions."""
        if not os.environ.get("GITHUB_ACTIONS"):
            raise UsageError("report format github: only within GitHub Actions (GITHUB_ACTIONS is not set)")

    def write(self, evidence: Evidence, folder: Path, words: Words) -> None:
        """Append the summary where GitHub asks for one, and print the annotations."""
        announce(evidence, words, os.environ, replacing(sys.stdout))


EXPORTER = GithubExporter()


def annotations(evidence: Evidence, words: Words) -> List[str]:
    """Return the workflow commands: errors for what failed, warnings for what cannot be told; at most PER_KIND each."""
    found: Dict[str, List[Tuple[str, str]]] = {"error": [], "warning": [], "notice": []}
    for trial in evidence.failures():
        found["error"].append((words(trial.status), f"{trial.trial}: {words.message(trial.reason)}"))
    for saying in sayings(evidence.run.verdicts):
        verdict = saying.verdict
        if verdict.outcome == "pass":
            continue
        kind = "notice" if verdict.advisory else "error" if verdict.outcome == "fail" else "warning"
        title = f"{words(verdict.gate)}: {words(verdict.outcome)}"
        told = [f"{verdict.case} {', '.join(saying.modes)}: {saying.happened(words)}", effect(verdict, words)]
        told += [saying.objection(words), *saying.details(words)[:_DETAILS]]
        told += [advice.text() for advice in saying.advice(words, evidence.origin)]
        found[kind].append((title, "\n".join(line for line in told if line)))
    lines = []
    for kind, messages in found.items():
        if len(messages) > PER_KIND:
            count = words("{count} in all; the first {shown} follow", count=len(messages), shown=PER_KIND - 1)
            messages = [(words(headline(evidence.run).word), count), *messages[: PER_KIND - 1]]
        lines += [f"::{kind} title={_property('StyleBench ' + title)}::{_message(text)}" for title, text in messages]
    return lines


def _message(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
