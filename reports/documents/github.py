"""What a run tells GitHub Actions: annotations on standard output, and the step's summary."""

import os
import sys
from typing import Dict, List, Mapping, TextIO, Tuple

from reports.documents import markdown
from reports.language import Words
from reports.stored_run import Evidence, headline
from reports.verdict_text import effect, sayings

SUMMARY_LIMIT = 900_000
"""Bytes; GitHub drops a summary beyond 1 MiB."""
PER_KIND = 10
"""Annotations GitHub shows of one kind in a step: the count of all, and the nine worst."""

_DETAILS = 3
"""Lines of one verdict; the rest is in run.json."""


def render(evidence: Evidence, words: Words) -> bytes:
    """Return the step's summary, Markdown, at most SUMMARY_LIMIT bytes."""
    return markdown.fit(markdown.sections(evidence, words), SUMMARY_LIMIT, words)


def announce(
    evidence: Evidence, words: Words, environment: Mapping[str, str] = os.environ, out: TextIO = sys.stdout
) -> None:
    """Print the annotations, and append the summary where GitHub asks for one."""
    for line in annotations(evidence, words):
        out.write(line + "\n")
    if environment.get("GITHUB_STEP_SUMMARY"):
        with open(environment["GITHUB_STEP_SUMMARY"], "ab") as file:
            file.write(render(evidence, words) + b"\n")


def annotations(evidence: Evidence, words: Words) -> List[str]:
    """Return the workflow commands: errors for what failed, warnings for what cannot be told; at most PER_KIND each."""
    found: Dict[str, List[Tuple[str, str]]] = {"error": [], "warning": [], "notice": []}
    for trial in evidence.failures():
        found["error"].append((words(trial.status), f"{trial.trial}: {trial.reason}"))
    for saying in sayings(evidence.run.verdicts):
        verdict = saying.verdict
        if verdict.outcome == "pass":
            continue
        kind = "notice" if verdict.advisory else "error" if verdict.outcome == "fail" else "warning"
        title = f"{words(verdict.gate)}: {words(verdict.outcome)}"
        told = [f"{verdict.case} {', '.join(saying.modes)}: {saying.happened(words)}", effect(verdict, words)]
        told += [saying.objection(words), *saying.details[:_DETAILS], *saying.advice(words)]
        found[kind].append((title, "\n".join(line for line in told if line)))
    lines = []
    for kind, told in found.items():
        if len(told) > PER_KIND:
            count = words("{count} in all; the first {shown} follow", count=len(told), shown=PER_KIND - 1)
            told = [(words(headline(evidence.run).word), count), *told[: PER_KIND - 1]]
        lines += [f"::{kind} title={_property('StyleBench ' + title)}::{_message(text)}" for title, text in told]
    return lines


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
