"""The gate of a graph file's plans as one web page, which opens from disk and from a CI artifact alike."""

from harness.records import GraphGate
from reports.advice import ANY_RUN
from reports.graph_gate import figures, provenance
from reports.html.templating import environment
from reports.language import Words
from reports.plain_text import printable
from reports.stored_run import judged_headline
from reports.verdict_text import sayings


def render_gate(gate: GraphGate, words: Words) -> bytes:
    """Return the page, UTF-8."""
    page = environment(words).get_template("graph_gate.html.j2")
    text = page.render(
        gate=gate,
        headline=judged_headline(gate.verdicts),
        sayings=sayings(gate.verdicts),
        table=figures(gate, words),
        lines=provenance(gate, words),
        origin=ANY_RUN,
    )
    return printable(text).encode()
