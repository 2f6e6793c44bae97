"""One web page: pictures, script and style inside it, so that it opens from disk and from a CI artifact alike."""

import shlex
from typing import Any, Dict, List, Tuple

from harness.records import Case, Run
from reports.base_and_head import headings, revisions, sides
from reports.blame_answer import answers, tried_table
from reports.decision import explanations, tables
from reports.exporter import FileExporter
from reports.figures import FIGURES, NOT_MEASURED
from reports.findings import sentences
from reports.html import pictures
from reports.html.case_charts import CaseCharts
from reports.html.templating import COLORS, environment
from reports.language import Words
from reports.phases import PhaseTable
from reports.plain_text import printable
from reports.ready import not_mended, ready_modes
from reports.stored_run import Evidence, headline, noise_source, title
from reports.verdict_text import sayings

_OPS = 40
"""Rows of a health table; the rest is in the record."""


def render(evidence: Evidence, words: Words) -> bytes:
    """Return the page, UTF-8; its size is bounded by pictures.BUDGET and the number of samples."""
    run = evidence.run
    found = headline(run)
    # Each mode has its picture and perhaps an approved one.
    limit = pictures.BUDGET // max(1, len(run.suite.cases) * (2 * len(run.suite.modes) + 2))
    by_case = evidence.by_case()
    choice = evidence.choice
    decided = [] if evidence.comparison else tables(run, words)
    page = environment(words).get_template("report.html.j2")
    text = page.render(
        sides=sides,
        side_headings=headings,
        revisions=revisions,
        run=run,
        language=words.language,
        headline=found,
        sentence=words(found.sentence, **found.values),
        comparison=evidence.comparison,
        decisions=decided,
        decision_legend=explanations(decided, words),
        sentences=sentences(run, words),
        choice=choice,
        ready=ready_modes(choice, evidence.folder, words) if choice else [],
        unmended=not_mended(choice, words) if choice else [],
        answers=answers(evidence, words),
        tried_table=tried_table,
        colors=_colors(run),
        sayings=sayings(run.verdicts),
        failures=evidence.failures(),
        cases=[_case(by_case[case.id], case, number, words, limit) for number, case in enumerate(run.suite.cases, 1)],
        figures=FIGURES,
        ops=_OPS,
        environment=_facts(run, words),
        phases=PhaseTable.of(run.trials, words),
        noise=noise_source(run, words),
        command=command(run),
        origin=evidence.origin,
    )
    return printable(text).encode()


EXPORTER = FileExporter("report.html", render)


def command(run: Run) -> str:
    """Return the command line that made the run, ready for a shell; empty when the record does not hold it."""
    return " ".join(["python", *(shlex.quote(word) for word in run.command)]) if run.command else ""


def _case(evidence: Evidence, case: Case, number: int, words: Words, limit: int) -> Dict[str, Any]:
    run = evidence.run
    modes = [mode.name for mode in run.suite.modes]
    colors = _colors(run)
    charts = CaseCharts(evidence, case, colors, words)
    return {
        "id": case.id,
        "anchor": f"case-{number}",
        "title": title(case, words),
        "device": ", ".join(sorted({trial.device for trial in run.trials if trial.case == case.id})),
        "modes": modes,
        "colors": colors,
        "summaries": [] if run.plan_only else evidence.summaries(case.id),
        "fidelity": [found for found in run.fidelity if found.case == case.id],
        "pictures": pictures.of_case(evidence, case, limit, words),
        "charts": [chart for chart in (charts.losses(), charts.plane(), charts.pairs(), charts.steps()) if chart],
        "drift": charts.drift(),
        "plans": evidence.plans(case.id),
        "layers": _layers(evidence, case, modes),
        "health": [trial for trial in run.trials if trial.case == case.id and trial.health],
    }


def _colors(run: Run) -> Dict[str, int]:
    """Return each mode's colour, the same throughout the page."""
    return {mode.name: index % COLORS for index, mode in enumerate(run.suite.modes)}


def _layers(evidence: Evidence, case: Case, modes: List[str]) -> List[Dict[str, Any]]:
    """Return each layer's dtypes in each mode: the whole text, and in short the dtypes that its ops put out."""
    plans = evidence.plans(case.id)
    names = list(dict.fromkeys(layer for plan in plans.values() for layer in plan.figures.layers))
    rows = []
    for name in names:
        texts = {mode: plans[mode].figures.layers.get(name, "") for mode in modes if mode in plans}
        rows.append({"name": name, "cells": {mode: (_outputs(text), text) for mode, text in texts.items()}})
    return rows


def _outputs(text: str) -> str:
    """Return `16`, `b16`, `32` or several with `+`: the floating-point formats after the `>` of each op."""
    widths = {part for op in text.split(";") for part in op.rpartition(">")[2].strip().split(",")}
    return " + ".join(width for width in ("16", "b16", "32") if width in widths) or "–"


def _facts(run: Run, words: Words) -> List[Tuple[str, str]]:
    """Return what the run was measured on, name by name."""
    machine = run.environment
    facts = [
        (words("machine"), f"{machine.processor}, {machine.machine}"),
        (words("cores"), f"{machine.cores} ({machine.logical_cores})"),
        (words("memory"), f"{machine.memory_bytes / 2**30:.1f} GiB"),
        (words("system"), machine.system),
        ("Python", machine.python),
        *machine.packages.items(),
        (words("operator table of the plans"), words(machine.op_table)),
        (words("load at the start"), NOT_MEASURED if machine.load_average is None else f"{machine.load_average:.2f}"),
    ]
    worker = next((trial.environment for trial in run.trials if trial.environment), None)
    if worker:
        threads = (worker.intra_op_threads, worker.inter_op_threads)
        facts += [
            (words("device of the steps"), f"{worker.device} ({worker.kind})"),
            ("TensorFlow", worker.tensorflow),
            (words("threads within an op, between ops"), ", ".join(str(count or words("auto")) for count in threads)),
            (words("cores that the worker may use"), str(worker.usable_cores)),
            *worker.variables.items(),
        ]
    return facts
