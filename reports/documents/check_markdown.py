"""The check of a user's graph as a comment for a pull request; no name in it is interpreted."""

from typing import List

from harness.records import GraphCheck
from reports.advice import Origin
from reports.documents.markdown import LIMIT, block, code, fit, folded
from reports.graph_check import CheckTable, legend, sentences, subject, tables
from reports.language import Words
from reports.verdict_text import advised, sayings

_SIGNS = {"pass": "✅", "fail": "❌", "missing": "⚠️", "inconclusive": "❔"}


def render_check(check: GraphCheck, folder: str, words: Words) -> bytes:
    """Return the comment, UTF-8, at most LIMIT bytes.

    Args:
        folder: path of the check's folder, for the commands of the advice.
    """
    first, *rest = tables(check, words)
    parts = [f"### StyleBench {code(check.graph)}\n", answer_table(first)]
    said = [
        sentence.text + (f" {code(sentence.command)}" if sentence.command else "")
        for sentence in sentences(check, words)
    ]
    parts.append("\n".join([*(f"- {line}" for line in said), ""]))
    parts += _verdicts(check, folder, words)
    for table in rest:
        parts.append(folded(table.title, answer_table(table)))
    return fit([*parts, legend(words) + "\n", block(subject(check, words))], LIMIT, words)


def _verdicts(check: GraphCheck, folder: str, words: Words) -> List[str]:
    lines = []
    for saying, advices in advised(sayings(check.verdicts), words, Origin(folder, check.graph)):
        if saying.verdict.advisory:
            continue
        told = [
            saying.happened(words),
            *(advice.text(command=code) for advice in advices),
        ]
        modes = ", ".join(map(code, saying.modes))
        lines.append(f"- {_SIGNS[saying.verdict.outcome]} {words(saying.verdict.gate)} {modes}: {'; '.join(told)}")
        lines += [f"    - {code(detail)}" for detail in saying.details(words)]
    return ["\n".join([*lines, ""])] if lines else []


def answer_table(table: CheckTable) -> str:
    """Return the table in Markdown, its names and texts as code."""
    columns = [table.names, *table.columns]
    rule = ["--:" if column.number else ":--" for column in columns]
    rows = [
        [
            code(column.cells[row]) if column.cells[row] and not column.number else column.cells[row]
            for column in columns
        ]
        for row in range(len(table.names.cells))
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in ([column.heading for column in columns], rule, *rows))
