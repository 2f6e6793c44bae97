"""The check of a user's graph as JUnit XML: a testcase per mode and gate, red wherever its exit status is not 0."""

from xml.etree.ElementTree import Element

from harness.records import GraphCheck
from reports.advice import Origin
from reports.documents.junit import document, judge, testcase
from reports.language import Words


def render_check(check: GraphCheck, folder: str, words: Words) -> bytes:
    """Return the document, UTF-8.

    Args:
        folder: path of the check's folder, for the commands of the advice.
    """
    suite = Element("testsuite", name="check", hostname="", timestamp=check.started.partition("+")[0])
    seconds = {mode.mode.name: mode.seconds or 0.0 for mode in check.modes}
    for verdict in check.verdicts:
        own = seconds.get(verdict.mode, 0.0) if verdict.gate == "fitness" else 0.0
        element = testcase(suite, verdict.case, verdict.gate, verdict.mode, own)
        judge(element, verdict, Origin(folder, check.graph), set(), words)
    return document(suite, check.float32_seconds + sum(seconds.values()))
