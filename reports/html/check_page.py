"""The check of a user's graph as one web page, which opens from disk and from a CI artifact alike."""

from harness.records import GraphCheck
from reports.advice import Origin
from reports.graph_check import legend, sentences, subject, tables
from reports.html.templating import environment
from reports.language import Words
from reports.plain_text import printable
from reports.verdict_text import sayings


def render_check(check: GraphCheck, folder: str, words: Words) -> bytes:
    """Return the page, UTF-8.

    Args:
        folder: path of the check's folder, for the commands of the advice.
    """
    page = environment(words).get_template("check.html.j2")
    text = page.render(
        check=check,
        tables=tables(check, words),
        sentences=sentences(check, words),
        sayings=sayings(check.verdicts),
        lines=subject(check, words),
        legend=legend(words),
        origin=Origin(folder, check.graph),
    )
    return printable(text).encode()
