"""A comment for a pull request: decision, verdicts, tables, folded details; no name in it is interpreted."""

import html
import re
from typing import Iterable, List, Sequence

from harness.records import Case, Comparison, Run, Summary, TrialResult
from reports.advice import Origin
from reports.base_and_head import headings, revisions, sides
from reports.decision import Decision, DecisionColumn, explanations, tables
from reports.exporter import FileExporter
from reports.figures import COSTS, NOT_MEASURED, RESULTS, Figure, legend
from reports.findings import sentences
from reports.html.page import command
from reports.language import Words
from reports.phases import PhaseTable
from reports.plain_text import printable
from reports.stored_run import Evidence, headline, title
from reports.terminal.power_card import card_line
from reports.verdict_text import Saying, advised, effect, sayings

LIMIT = 60_000
"""Bytes. GitHub refuses comments beyond 65,536 characters."""
SIGNS = {"pass": "✅", "fail": "❌", "error": "💥", "missing": "⚠️", "inconclusive": "❔", "none": "➖"}
_FITNESS = {"fit": "✅", "wrong": "❌", "not_judged": "❔"}
_DETAILS = 20
"""Lines shown of one verdict; the rest is in run.json."""


def render(evidence: Evidence, words: Words) -> bytes:
    """Return the comment, UTF-8, at most LIMIT bytes."""
    return fit(sections(evidence, words), LIMIT, words)


EXPORTER = FileExporter("report.md", render)


def sections(evidence: Evidence, words: Words) -> List[str]:
    """Return the parts of the comment, the most important first."""
    run = evidence.run
    found = headline(run)
    sentence = words(found.sentence, **found.values)
    judged = found.outcome not in ("none", "missing")
    sign, word = (f"{SIGNS[found.outcome]} ", words.colon + words(found.word)) if judged else ("", "")
    parts = [f"### {sign}StyleBench {code(run.suite.name)}{word}\n"]
    parts += [_comparison(evidence.comparison, words)] if evidence.comparison else _decision(run, words)
    parts.append(f"**{words(found.word)}**{words.colon}{sentence}\n")
    gating = [saying for saying in sayings(run.verdicts) if not saying.verdict.advisory]
    worse = [saying for saying in gating if saying.verdict.outcome != "pass"]
    if worse:
        parts += verdict_tables(worse, evidence.origin, words)
    parts += [_failure(trial, words) for trial in evidence.failures()]
    for case in run.suite.cases:
        parts += _case(evidence, case, words)
    passed = [saying for saying in gating if saying.verdict.outcome == "pass"]
    advisory = [saying for saying in sayings(run.verdicts) if saying.verdict.advisory]
    for text, said in (("{count} passed", passed), ("{count} shown that do not gate", advisory)):
        if said:
            count = sum(len(saying.modes) for saying in said)
            parts.append(folded(words(text, count=count), "\n".join(verdict_tables(said, evidence.origin, words))))
    phases = PhaseTable.of(run.trials, words)
    if phases.rows:
        headings = [phases.headings[0], *map(code, phases.headings[1:])]
        parts.append(folded(words("Where the time of a trial went, mean seconds"), pipe_table(headings, phases.rows)))
    parts.append(_provenance(run, words))
    return parts


def _comparison(comparison: Comparison, words: Words) -> str:
    """Return both sides of each case and mode, and which revisions they are."""
    found = sides(comparison.pairs, comparison.verdicts)
    shown = headings(found)
    rows = [[code(row.case), code(row.mode), *map(row.cells(words).__getitem__, shown)] for row in found]
    told = [words(heading) for heading in ("case", "mode", *shown)]
    return f"{code(revisions(comparison, words))}\n\n" + pipe_table(told, rows, 2)


def _decision(run: Run, words: Words) -> List[str]:
    """Return the decision tables, what their columns hold, and the sentences, as one part that is never cut."""
    found = tables(run, words)
    if not found:
        return []
    parts = []
    for table in found:
        headings = [words(heading) for heading in (table.first, *(column.heading for column in table.columns))]
        rows = [[code(table.name(row)), *(_cell(column, row, words) for column in table.columns)] for row in table.rows]
        heading = f"**{code(table.case.id)}** {code(title(table.case, words))}\n\n" if table.case else ""
        texts = sum(column.heading in ("right?", "why") for column in table.columns)
        parts.append(heading + pipe_table(headings, rows, 1 + texts))
    said = [
        sentence.text + (f" {code(sentence.command)}" if sentence.command else "")
        for sentence in sentences(run, words, code)
    ]
    return ["\n".join([*parts, explanations(found, words) + "\n", *(f"- {line}" for line in said), ""])]


def _cell(column: DecisionColumn, row: Decision, words: Words) -> str:
    """Return a decision's text; reasons, which may hold names, are set as code."""
    text = column.text(row, words)
    if column.heading == "right?":
        return f"{_FITNESS[row.fitness]} {text}"
    return code(text) if column.heading == "why" and text else text


def _case(evidence: Evidence, case: Case, words: Words) -> List[str]:
    """Return what the suite is about, pictures or times, in full; the rest folded."""
    side = f" ({words('head alone')})" if evidence.comparison else ""
    heading = f"**{code(case.id)}** {code(title(case, words))}{side}\n"
    rows = evidence.summaries(case.id)
    if any(found.case == case.id for found in evidence.run.fidelity):
        return [heading, _fidelity(evidence.run, case.id, words)]
    if not rows or evidence.run.plan_only:
        return []
    unmet = [f"{row.mode}: {words.remark(condition)}" for row in rows for condition in row.unmet]
    parts = [heading, _figures(rows, RESULTS, words), legend(rows, evidence.run.reference_mode, words) + "\n"]
    parts += [folded(words("what the timing lacks"), block(unmet))] if unmet else []
    return [*parts, folded(words("throughput and cost"), _figures(rows, COSTS, words))]


def fit(parts: Sequence[str], limit: int, words: Words) -> bytes:
    """Join the parts as far as they fit into `limit` bytes, and say when some did not; each is kept whole."""
    closing = "\n" + words("Shortened; the whole is in the run's folder.") + "\n"
    room = limit - len(closing.encode())
    kept: List[str] = []
    for part in parts:
        room -= len(part.encode()) + 1
        if room < 0:
            return ("\n".join(kept) + closing).encode()
        kept.append(part)
    return "\n".join(kept).encode()


def code(text: str) -> str:
    """Return any text as a code span of one line, in which Markdown and HTML mean nothing; fit for a table cell."""
    line = printable(re.sub(r"\s+", " ", text)).strip() or " "
    ticks = "`" * (_longest_run(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{ticks}{pad}{line}{pad}{ticks}".replace("|", "\\|")


def block(lines: Iterable[str]) -> str:
    """Return any lines as a fenced block."""
    text = "\n".join(printable(line.replace("\n", " ")) for line in lines)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}\n"


def folded(summary: str, text: str) -> str:
    """Return a part that opens on a click; `summary` is HTML and not escaped."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n</details>\n"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def pipe_table(headings: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a table whose first `left` columns are texts."""
    rule = [":--" if index < left else "--:" for index in range(len(headings))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (headings, rule, *rows))


def verdict_tables(said: Sequence[Saying], origin: Origin, words: Words, record: str = "run.json") -> List[str]:
    """Return a table of verdicts, and the details of each row that has some.

    Args:
        record: where the whole of what is shortened stands.
    """
    headings = [words(heading) for heading in ("outcome", "gate", "case", "mode", "reason")]
    rows = []
    for saying, advices in advised(said, words, origin):
        verdict = saying.verdict
        told = [saying.happened(words), effect(verdict, words), saying.objection(words)]
        told += [advice.text(command=code) for advice in advices]
        outcome = f"{SIGNS[verdict.outcome]} {words(verdict.outcome)}"
        modes = "<br>".join(code(mode) for mode in saying.modes)
        rows.append([outcome, words(verdict.gate), code(verdict.case), modes, "<br>".join(filter(None, told))])
    details = [
        folded(
            f"{words('details')}: {words(saying.verdict.gate)} {_tagged(saying.modes)}",
            block(_shortened(saying.details(words), words, record)),
        )
        for saying in said
        if saying.remarks
    ]
    return [pipe_table(headings, rows, len(headings)), *details]


def _tagged(names: Sequence[str]) -> str:
    """Return names as HTML in which they mean nothing."""
    return ", ".join(f"<code>{html.escape(printable(' '.join(name.split())))}</code>" for name in names)


def _shortened(details: Sequence[str], words: Words, record: str) -> List[str]:
    more = len(details) - _DETAILS
    return [
        *details[:_DETAILS],
        *([words("and {count} more, see {record}", count=more, record=record)] if more > 0 else []),
    ]


def _failure(trial: TrialResult, words: Words) -> str:
    line = f"{SIGNS['error']} {words(trial.status)}: {code(trial.trial)}: {code(words.message(trial.reason))}\n"
    return line + ("\n" + folded(words("last lines of the log"), block(trial.log_tail)) if trial.log_tail else "")


def _figures(summaries: Sequence[Summary], figures: Sequence[Figure], words: Words) -> str:
    headings = [words("mode"), *(words(figure.heading) for figure in figures)]
    rows = [[code(row.mode), *(figure.text(row, words) for figure in figures)] for row in summaries]
    return pipe_table(headings, rows)


def _fidelity(run: Run, case: str, words: Words) -> str:
    headings = ("mode", "fitness", "why", "SSIM to reference", "SSIM to approved")
    rows = []
    for found in run.fidelity:
        if found.case == case:
            distances = (found.to_reference, found.to_baseline)
            ssims = [NOT_MEASURED if distance is None else f"{distance.ssim:.5f}" for distance in distances]
            why = words.semicolon.join(map(words.remark, found.reasons))
            rows.append([code(found.mode), words(found.fitness), code(why) if why else "", *ssims])
    return pipe_table([words(heading) for heading in headings], rows, 3)


def _provenance(run: Run, words: Words) -> str:
    machine = run.environment
    lines = [
        f"{words('run')} {run.id}, {run.started}",
        f"{words('revision')} {machine.revision or NOT_MEASURED}",
        f"{words('operator table of the plans')}: {words(machine.op_table)}",
        f"{words('machine')} {machine.processor}, {machine.logical_cores} {words('cores')}, {machine.system}",
        f"Python {machine.python}, " + ", ".join(f"{name} {version}" for name, version in machine.packages.items()),
        *(card_line(card, words) for card in run.power_cards),
        command(run),
    ]
    return folded(words("Environment"), block(line for line in lines if line))
