"""What the templates of all pages share: escaping, words, colours."""

import re

import jinja2
from markupsafe import Markup, escape

from harness.remark import Remark, remark
from reports.advice import Advice
from reports.figures import FIGURES, legend, loss_legend
from reports.language import Words
from reports.stored_run import title
from reports.terminal.power_card import condition, pairs_of
from reports.verdict_text import advised, effect

COLORS = 8
"""Colours of the style sheet; further modes begin again."""


def environment(words: Words) -> jinja2.Environment:
    """Return what fills the templates: every text that they are given is escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("reports.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["remark_text"] = words.remark
    made.filters["unbroken"] = _unbroken
    made.filters["command"] = _command
    made.globals.update(
        condition=condition,
        pairs_of=pairs_of,
        status_advice=lambda status: Advice(words.status(status).advice, {}),
        _=words,
        words=words,
        advised=advised,
        effect=effect,
        breakable=_breakable,
        advice=_advice,
        probe=_probe,
        table_legend=legend,
        loss_legend=loss_legend,
        losses=[figure for figure in FIGURES if figure.field in ("final_loss", "true_loss")],
        title=title,
    )
    return made


def _advice(advice: Advice) -> Markup:
    """Return an advice with its commands set as code."""
    return Markup(advice.text(command=lambda text: Markup("<code>{}</code>").format(_command(text)), other=escape))


def _command(line: str) -> Markup:
    """Return a command line in which no option is broken after its hyphens."""
    option = Markup('<span class="option">{}</span>').format
    return Markup(" ").join(option(word) if word.startswith("-") else escape(word) for word in line.split(" "))


def _probe(name: str) -> Remark:
    """Return the remark that names a probe of the records, `NAME KIND`."""
    layer, _, kind = name.rpartition(" ")
    return remark(f"probe_{kind}", name=layer)


def _unbroken(heading: str) -> str:
    """Return a heading in which nothing is parted from its unit or sign."""
    return re.sub(r" (?=%|±|(?:s|ms|dB)$)", "\N{NO-BREAK SPACE}", heading)


def _breakable(name: str) -> Markup:
    """Return a mode's name that may be broken after its underscores."""
    return Markup("").join(escape(part) + Markup("<wbr>") for part in re.split("(?<=[_+])", name))
