"""What the gates say, failures first, for a person at a terminal."""

from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.records import PowerCard, Verdict
from reports.advice import ANY_RUN, Origin
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.power_card import card_line
from reports.terminal.tables import folded, print_folded
from reports.verdict_text import WORST_FIRST, advised, effect, sayings

_STYLE = {"fail": "bold red", "missing": "bold yellow", "inconclusive": "bold yellow", "pass": "green"}
_INDENT = 14
_NOTHING = Text("")
_DETAILS = 12
"""Lines shown of one verdict; the rest is in run.json."""


def print_verdicts(
    verdicts: Sequence[Verdict],
    cards: Sequence[PowerCard] = (),
    words: Words = ENGLISH,
    quiet: bool = False,
    console: Optional[Console] = None,
    origin: Origin = ANY_RUN,
    record: str = "run.json",
) -> None:
    """Print what each gate says, with its reason, what it rests on, and what to do; then the power cards, the count.

    Verdicts that say the same of several modes share a line, and each advice is given once. When quiet, what passes is
    only counted.

    Args:
        origin: the run that was judged, for the commands of the advice.
        record: where the whole of what is shortened stands.
    """
    console = console or open_console()
    console.print()
    said = [saying for saying in sayings(verdicts) if not (quiet and saying.verdict.outcome == "pass")]
    for saying, advices in advised(said, words, origin):
        verdict = saying.verdict
        outcome = Text(words(verdict.outcome), style=_STYLE[verdict.outcome])
        about = f"{words(verdict.gate)}  {verdict.case}  {', '.join(saying.modes)}"
        line = Text(f"{about}{words.colon}{saying.happened(words)}")
        if verdict.advisory:
            objections = [saying.objection(words), words("does not gate")]
            line.append(words.aside(words.semicolon.join(filter(None, objections))), style="dim")
        _say(console, line, outcome)
        if verdict.effect is not None:
            _say(console, Text(effect(verdict, words)))
        details = saying.details(words)
        for detail in details[:_DETAILS]:
            _say(console, Text(detail))
        if len(details) > _DETAILS:
            _say(console, Text(words("and {count} more, see {record}", count=len(details) - _DETAILS, record=record)))
        for advice in advices:
            _say(console, Text(advice.text(), style="dim"))
    for card in cards:
        print_folded(console, Text(card_line(card, words)))
    print_folded(console, Text(_count(verdicts, words), style="bold"))


def _count(verdicts: Sequence[Verdict], words: Words) -> str:
    gating = [verdict for verdict in verdicts if not verdict.advisory]
    counts = [f"{sum(verdict.outcome == outcome for verdict in gating)} {words(outcome)}" for outcome in WORST_FIRST]
    shown = len(verdicts) - len(gating)
    text = words("gate") + words.colon + (words.comma.join(counts) if gating else words("nothing was gated"))
    return text + words.semicolon + words("{count} shown that do not gate", count=shown) if shown else text


def _say(console: Console, text: Text, outcome: Text = _NOTHING) -> None:
    """Print a text beside its outcome: folded there on a terminal, though within no name; in one line for programs."""
    lines = folded(text, console.width - _INDENT) if console.is_terminal else [text]
    for line in lines:
        space = Text(" " * (_INDENT - 2 - outcome.cell_len))
        console.print(space + outcome + Text("  ") + line, soft_wrap=True)
        outcome = _NOTHING
