"""What the gate says of a graph file's plans: a page, Markdown, JSON, JUnit XML, and the workflow that it runs in."""

import json
import os
import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple
from xml.etree.ElementTree import Element

from harness.records import GraphGate
from harness.store.files import write_atomic
from reports.advice import ANY_RUN
from reports.documents import github, junit, markdown
from reports.documents.check_markdown import answer_table
from reports.exporter import make_folder
from reports.graph_gate import figures, provenance
from reports.language import Words
from reports.plain_text import replacing
from reports.stored_run import judged_headline
from reports.verdict_text import sayings

_RECORD = "graph-gate.json"


def write(gate: GraphGate, formats: Sequence[str], folder: Path, words: Words) -> List[Path]:
    """Write the formats, every file whole or not at all; return the paths of those that went to the folder.

    Raises:
        UsageError: the folder cannot be made.
    """
    written: List[Path] = []
    if set(formats) - {"github"}:
        make_folder(folder)
    for name in formats:
        if name == "github":
            _announce(gate, words)
            continue
        file, render = _FILES[name]
        write_atomic(folder / file, render(gate, words))
        written.append(folder / file)
    return written


def render_html(gate: GraphGate, words: Words) -> bytes:
    """Return the page, UTF-8."""
    from reports.html.graph_gate_page import render_gate

    return render_gate(gate, words)


def render_markdown(gate: GraphGate, words: Words, limit: int = markdown.LIMIT) -> bytes:
    """Return the comment, UTF-8, at most `limit` bytes."""
    found = judged_headline(gate.verdicts)
    parts = [
        f"### {markdown.SIGNS[found.outcome]} StyleBench {markdown.code(Path(gate.graph).name)}"
        f"{words.colon}{words(found.word)}\n",
        f"**{words(found.word)}**{words.colon}{words(found.sentence, **found.values)}\n",
        *markdown.verdict_tables(sayings(gate.verdicts), ANY_RUN, words, _RECORD),
        answer_table(figures(gate, words)),
        markdown.folded(words("Environment"), markdown.block(provenance(gate, words))),
    ]
    return markdown.fit(parts, limit, words)


def render_json(gate: GraphGate, words: Words, status: Optional[int] = None) -> bytes:
    """Return the record with the text of each verdict, and the exit status where it is given; UTF-8."""
    document = gate.model_dump(mode="json")
    for told, verdict in zip(document["verdicts"], gate.verdicts):
        told["text"] = words.reason(verdict.reason).happened
        told["details"] = list(map(words.remark, verdict.details))
    if status is not None:
        document["exit_status"] = status
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def render_junit(gate: GraphGate, words: Words) -> bytes:
    """Return a testcase per mode, red wherever the exit status is not 0; UTF-8."""
    suite = Element("testsuite", name="explain", hostname="", timestamp=gate.started.partition("+")[0])
    for verdict in gate.verdicts:
        element = junit.testcase(suite, verdict.case, verdict.gate, verdict.mode)
        junit.judge(element, verdict, ANY_RUN, set(), words)
    return junit.document(suite, 0.0)


_FILES: Dict[str, Tuple[str, Callable[[GraphGate, Words], bytes]]] = {
    "html": ("graph-gate.html", render_html),
    "markdown": ("graph-gate.md", render_markdown),
    "json": (_RECORD, render_json),
    "junit": ("junit.xml", render_junit),
}
FORMATS = (*_FILES, "github")


def _announce(gate: GraphGate, words: Words) -> None:
    """Append the summary where GitHub asks for one, and print the annotations."""
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(os.environ["GITHUB_STEP_SUMMARY"], "ab") as file:
            file.write(render_markdown(gate, words, github.SUMMARY_LIMIT) + b"\n")
    word = words(judged_headline(gate.verdicts).word)
    for line in github.verdict_annotations(gate.verdicts, ANY_RUN, word, words):
        replacing(sys.stdout).write(line + "\n")
