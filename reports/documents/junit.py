"""JUnit XML (xunit2): a testcase per case, mode and gate. What was not measured is never passed."""

import re
from typing import List
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from harness.records import Case, Mode, Summary, TrialResult, Verdict
from reports.figures import FIGURES
from reports.language import Words
from reports.stored_run import Evidence
from reports.verdict_text import effect

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def render(evidence: Evidence, words: Words) -> bytes:
    """Return the document, UTF-8."""
    run = evidence.run
    suite = Element("testsuite", name=_legal(run.suite.name), hostname="", timestamp=run.started.partition("+")[0])
    for case in run.suite.cases:
        for mode in run.suite.modes:
            trials = evidence.trials(case.id, mode.name)
            if not run.plan_only:
                _coverage(suite, evidence, case, mode, trials, words)
            for verdict in run.verdicts:
                if (verdict.case, verdict.mode) == (case.id, mode.name) and verdict.gate != "coverage":
                    _judged(_testcase(suite, case.id, verdict.gate, mode.name), verdict, words)
    known = {(case.id, mode.name) for case in run.suite.cases for mode in run.suite.modes}
    for verdict in run.verdicts:  # such as of a baseline that the suite no longer measures
        if (verdict.case, verdict.mode) not in known:
            _judged(_testcase(suite, verdict.case, verdict.gate, verdict.mode), verdict, words)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("time", f"{sum(trial.wall_seconds for trial in run.trials):.3f}")
    root = Element("testsuites")
    root.append(suite)
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + ElementTree.tostring(root, encoding="utf-8")


def _testcase(suite: Element, case: str, gate: str, mode: str, seconds: float = 0.0) -> Element:
    name = f"{gate} [{mode}]"
    classname = f"stylebench.{suite.get('name')}.{case}"
    return SubElement(suite, "testcase", classname=_legal(classname), name=_legal(name), time=f"{seconds:.3f}")


def _coverage(
    suite: Element, evidence: Evidence, case: Case, mode: Mode, trials: List[TrialResult], words: Words
) -> None:
    """Did every replicate end well; with the figures, which belong to no gate."""
    testcase = _testcase(suite, case.id, "coverage", mode.name, sum(trial.wall_seconds for trial in trials))
    for summary in evidence.summaries(case.id):
        if summary.mode == mode.name:
            _figures(testcase, summary)
    bad = [trial for trial in trials if trial.status != "ok"]
    if bad:
        error = SubElement(testcase, "error", type=bad[0].status)
        error.set("message", _legal(f"{words.status(bad[0].status).happened}: {bad[0].trial}: {bad[0].reason}"))
        error.text = _legal("\n".join(line for trial in bad for line in (trial.trial, trial.reason, *trial.log_tail)))
    elif len(trials) < evidence.run.suite.replicates:
        absent = f"{len(trials)} / {evidence.run.suite.replicates}"
        SubElement(testcase, "skipped", type="not_measured", message=words("{count} trials were run", count=absent))


def _figures(testcase: Element, summary: Summary) -> None:
    """As properties, and once more as text for readers that leave a testcase's properties out."""
    values = [(figure.field, figure.value(summary)) for figure in FIGURES]
    known = [(name, f"{value:.6g}") for name, value in values if value is not None]
    known.append(("emulated", str(summary.emulated).lower()))
    properties = SubElement(testcase, "properties")
    for name, value in known:
        SubElement(properties, "property", name=name, value=value)
    SubElement(testcase, "system-out").text = "\n".join(f"{name} {value}" for name, value in known)


def _judged(testcase: Element, verdict: Verdict, words: Words) -> None:
    """A failure fails; what is advisory, missing or inconclusive is skipped, with the reason."""
    reason = words.reason(verdict.reason)
    numbers = {name: getattr(verdict, name) for name in ("effect", "low", "high", "n", "detectable")}
    known = [(name, f"{value:.6g}") for name, value in numbers.items() if value is not None]
    if known:
        properties = SubElement(testcase, "properties")
        for name, value in known:
            SubElement(properties, "property", name=name, value=value)
    if verdict.outcome != "pass":
        told = SubElement(testcase, "failure" if verdict.outcome == "fail" and not verdict.advisory else "skipped")
        told.set("type", _legal(verdict.reason))
        prefix = f"{words('advisory')}: " if verdict.advisory else ""
        told.set("message", _legal(f"{prefix}{words(verdict.outcome)}: {reason.happened}"))
        lines = [effect(verdict, words), *verdict.details, reason.advice]
        told.text = _legal("\n".join(line for line in lines if line))
    elif known:
        SubElement(testcase, "system-out").text = effect(verdict, words)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
