"""JUnit XML (xunit2): a testcase per case, mode and gate, red wherever the exit status of the run is not 0."""

from typing import List, Set
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from harness.records import Case, Mode, Run, Summary, TrialResult, Verdict
from reports.advice import Origin
from reports.exporter import FileExporter
from reports.figures import FIGURES, MARKS, marks
from reports.language import Words
from reports.plain_text import printable
from reports.stored_run import Evidence
from reports.verdict_text import effect, sayings


def render(evidence: Evidence, words: Words) -> bytes:
    """Return the document, UTF-8."""
    run = evidence.run
    let_pass = _let_pass(run)
    suite = Element("testsuite", name=run.suite.name, hostname="", timestamp=run.started.partition("+")[0])
    for case in run.suite.cases:
        for mode in run.suite.modes:
            trials = evidence.trials(case.id, mode.name)
            if not run.plan_only:
                _coverage(suite, evidence, case, mode, trials, words)
            for verdict in run.verdicts:
                if (verdict.case, verdict.mode) == (case.id, mode.name) and verdict.gate != "coverage":
                    judge(testcase(suite, case.id, verdict.gate, mode.name), verdict, evidence.origin, let_pass, words)
    known = {(case.id, mode.name) for case in run.suite.cases for mode in run.suite.modes}
    for verdict in run.verdicts:  # such as of a baseline that the suite no longer measures
        if (verdict.case, verdict.mode) not in known:
            judge(testcase(suite, verdict.case, verdict.gate, verdict.mode), verdict, evidence.origin, let_pass, words)
    return document(suite, sum(trial.wall_seconds for trial in run.trials))


EXPORTER = FileExporter("junit.xml", render)


def document(suite: Element, seconds: float) -> bytes:
    """Count a suite's testcases, which took these seconds, and return the document that holds it, UTF-8."""
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("time", f"{seconds:.3f}")
    root = Element("testsuites")
    root.append(suite)
    # What XML 1.0 cannot hold, not even escaped, is among what is not printable.
    text = printable(ElementTree.tostring(root, encoding="unicode"))
    return f"<?xml version='1.0' encoding='utf-8'?>\n{text}".encode()


def testcase(suite: Element, case: str, gate: str, mode: str, seconds: float = 0.0) -> Element:
    """Add a testcase to a suite and return it."""
    name = f"{gate} [{mode}]"
    classname = f"stylebench.{suite.get('name')}.{case}"
    return SubElement(suite, "testcase", classname=classname, name=name, time=f"{seconds:.3f}")


def _coverage(
    suite: Element, evidence: Evidence, case: Case, mode: Mode, trials: List[TrialResult], words: Words
) -> None:
    """Add the testcase that says whether every replicate ended well, with the figures, which belong to no gate."""
    element = testcase(suite, case.id, "coverage", mode.name, sum(trial.wall_seconds for trial in trials))
    for summary in evidence.summaries(case.id):
        if summary.mode == mode.name:
            _figures(element, summary)
    bad = [trial for trial in trials if trial.status != "ok"]
    if bad:
        error = SubElement(element, "error", type=bad[0].status)
        error.set("message", f"{words.status(bad[0].status).happened}: {bad[0].trial}: {words.message(bad[0].reason)}")
        error.text = "\n".join(
            line for trial in bad for line in (trial.trial, words.message(trial.reason), *trial.log_tail)
        )
    elif not evidence.run.complete and len(trials) < evidence.run.suite.rounds(trials):
        absent = f"{len(trials)} / {evidence.run.suite.rounds(trials)}"
        SubElement(element, "error", type="not_measured", message=words("{count} trials were run", count=absent))


def _figures(element: Element, summary: Summary) -> None:
    """Write the figures as properties, and once more as text for readers that leave a testcase's properties out."""
    values = [(figure.field, figure.value(summary)) for figure in FIGURES]
    known = [(name, f"{value:.6g}") for name, value in values if value is not None]
    known += [(mark, str(mark in marks(summary)).lower()) for mark in MARKS]
    properties = SubElement(element, "properties")
    for name, value in known:
        SubElement(properties, "property", name=name, value=value)
    SubElement(element, "system-out").text = "\n".join(f"{name} {value}" for name, value in known)


def judge(element: Element, verdict: Verdict, origin: Origin, let_pass: Set[str], words: Words) -> None:
    """Fail the testcase of what failed, with the reason.

    What is missing or inconclusive is an error, what is advisory or let pass is skipped.

    Args:
        origin: what was judged, for the commands of the advice.
        let_pass: outcomes that are kept from being the exit status.
    """
    (saying,) = sayings([verdict])
    numbers = {name: getattr(verdict, name) for name in ("effect", "low", "high", "n", "detectable")}
    known = [(name, f"{value:.6g}") for name, value in numbers.items() if value is not None]
    if known:
        properties = SubElement(element, "properties")
        for name, value in known:
            SubElement(properties, "property", name=name, value=value)
    if verdict.outcome != "pass":
        counts = not verdict.advisory and verdict.outcome not in let_pass
        tag = ("failure" if verdict.outcome == "fail" else "error") if counts else "skipped"
        told = SubElement(element, tag)
        told.set("type", verdict.reason)
        prefix = f"{words('advisory')}: " if verdict.advisory else ""
        told.set("message", f"{prefix}{words(verdict.outcome)}: {saying.happened(words)}")
        advice = [advice.text() for advice in saying.advice(words, origin)]
        lines = [effect(verdict, words), saying.objection(words), *saying.details(words), *advice]
        told.text = "\n".join(line for line in lines if line)
    elif known:
        SubElement(element, "system-out").text = effect(verdict, words)


def _let_pass(run: Run) -> Set[str]:
    """Return the outcomes that the options of the run's command keep from being its exit status."""
    command = run.command
    if "--advisory" in command:
        return {"fail", "missing", "inconclusive"}
    given = ("--inconclusive", "pass") in zip(command, command[1:]) or "--inconclusive=pass" in command
    return {"inconclusive"} if given else set()
