"""Power cards for a person at a terminal."""

from pathlib import Path
from typing import Optional

from rich.console import Console
from rich.text import Text

from harness.gates.power_card import MOST_FALSE_ALARMS, MOST_PAIRS, WANTED_POWER
from harness.records import PowerCard
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.tables import print_folded

_LINE = (
    "power card {machine_key}, {case}, {pairs}, {condition}: {false_alarms} false alarms in {settled} comparisons "
    "({alarm_rate:.1%}), no answer in {no_answers}, {delay:+.0%} found in {detections} ({detection_rate:.0%})"
)
_ALARMS = "false alarms: 95 % interval {low:.1%} to {high:.1%}; a gate that blocks may show {most:.0%}"
_NO_ANSWERS = "no answer on an unchanged tree: 95 % interval {low:.0%} to {high:.0%}"
_DETECTION = "detection: 95 % interval {low:.0%} to {high:.0%}; {wanted:.0%} of {delay:+.0%} take {needed}"
_EQUALS = "an unchanged tree is called equal in {equals} of {settled} comparisons ({rate:.0%})"
_TAKEN = "an unchanged tree takes {pairs:g} pairs, {minutes:.1f} minutes (medians)"
_SPREAD = "step {seconds:.4f} s; pairs differ by {spread:.1%} (standard deviation of log ratios)"


def card_line(card: PowerCard, words: Words) -> str:
    """Return the card's figures in one line."""
    names = ("machine_key", "case", "false_alarms", "settled", "delay", "detections")
    rates = {
        "alarm_rate": card.false_alarms / card.settled,
        "detection_rate": card.detections / card.settled,
    }
    none = card.no_answers
    no_answers = words("unknown") if none is None else f"{none} ({none / card.settled:.0%})"
    told = {"no_answers": no_answers, "pairs": pairs_of(card, words), "condition": condition(card, words)}
    return words(_LINE, **{name: getattr(card, name) for name in names}, **rates, **told)


def pairs_of(card: PowerCard, words: Words) -> str:
    """Return how many pairs the card's comparisons take."""
    fewest, most = card.rule.looks or (card.pairs, card.pairs)
    return words("{fewest} to {most} pairs" if fewest < most else "{most} pairs", fewest=fewest, most=most)


def condition(card: PowerCard, words: Words) -> str:
    """Return whether the machine was calm."""
    return words("beside a load" if card.disturbed else "calm machine")


def print_card(card: PowerCard, path: Path, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print what a card says, what it would take to see enough, and where it is."""
    console = console or open_console()
    if card.needed_pairs is None:
        needed = words("more than {count} pairs", count=MOST_PAIRS)
    else:
        needed = words(
            "{count} pairs ({processes} processes)", count=card.needed_pairs, processes=2 * card.needed_pairs
        )
    delay = {"delay": card.delay, "wanted": WANTED_POWER, "needed": needed}
    alarms = {"low": card.false_alarm_low, "high": card.false_alarm_high, "most": MOST_FALSE_ALARMS}
    details = [
        words(_ALARMS, **alarms),
        words(_DETECTION, low=card.detection_low, high=card.detection_high, **delay),
        words(_SPREAD, seconds=card.step_seconds, spread=card.spread),
    ]
    if card.equals is not None:
        details.append(words(_EQUALS, equals=card.equals, settled=card.settled, rate=card.equals / card.settled))
    if card.median_pairs is not None and card.median_seconds is not None:
        details.append(words(_TAKEN, pairs=card.median_pairs, minutes=card.median_seconds / 60))
    if card.no_answer_low is not None and card.no_answer_high is not None:
        details.append(words(_NO_ANSWERS, low=card.no_answer_low, high=card.no_answer_high))
    if card.undecided:
        details.append(words("{count} more comparisons had a process whose steps never settled", count=card.undecided))
    print_folded(console, Text(card_line(card, words)))
    for detail in details:
        print_folded(console, Text(detail), 2)
    console.print(Text(words("wrote {path}", path=path)), soft_wrap=True)
