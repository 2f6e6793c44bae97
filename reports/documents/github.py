"""What a run tells GitHub Actions: annotations on standard output, and the step's summary."""

import os
import sys
from pathlib import Path
from typing import IO, Dict, List, Mapping, Sequence, Tuple

from harness.errors import UsageError
from harness.records import Verdict
from reports.advice import Origin
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
    """Return the workflow commands of a run: of its failed trials, then of its verdicts."""
    failed = [(words(trial.status), f"{trial.trial}: {words.message(trial.reason)}") for trial in evidence.failures()]
    return verdict_annotations(
        evidence.run.verdicts, evidence.origin, words(headline(evidence.run).word), words, failed
    )


def verdict_annotations(
    verdicts: Sequence[Verdict], origin: Origin, word: str, words: Words, failed: Sequence[Tuple[str, str]] = ()
) -> List[str]:
    """Return the workflow commands: errors for what failed, warnings for what cannot be told; at most PER_KIND each.

    Args:
        word: heading of the line that counts those beyond PER_KIND.
        failed: title and text of further errors, which come first.
    """
    found: Dict[str, List[Tuple[str, str]]] = {"error": list(failed), "warning": [], "notice": []}
    for saying in sayings(verdicts):
        verdict = saying.verdict
        if verdict.outcome == "pass":
            continue
        kind = "notice" if verdict.advisory else "error" if verdict.outcome == "fail" else "warning"
        title = f"{words(verdict.gate)}: {words(verdict.outcome)}"
        told = [f"{verdict.case} {', '.join(saying.modes)}: {saying.happened(words)}", effect(verdict, words)]
        told += [saying.objection(words), *saying.details(words)[:_DETAILS]]
        told += [advice.text() for advice in saying.advice(words, origin)]
        found[kind].append((title, "\n".join(line for line in told if line)))
    lines = []
    for kind, messages in found.items():
        if len(messages) > PER_KIND:
            count = words("{count} in all; the first {shown} follow", count=len(messages), shown=PER_KIND - 1)
            messages = [(word, count), *messages[: PER_KIND - 1]]
        lines += [f"::{kind} title={_property('StyleBench ' + title)}::{_message(text)}" for title, text in messages]
    return lines


def _message(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
