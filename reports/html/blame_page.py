"""The answer of a search for a cause as one web page, which opens from disk and from a CI artifact alike."""

from reports.blame_answer import BlameAnswer, tried_table
from reports.html.templating import environment
from reports.language import Words
from reports.plain_text import printable


def render_blame(answer: BlameAnswer, words: Words) -> bytes:
    """Return the page, UTF-8."""
    page = environment(words).get_template("blame.html.j2")
    return printable(page.render(answer=answer, table=tried_table(answer, words))).encode()
