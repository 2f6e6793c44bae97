"""Power cards for a person at a terminal."""

from pathlib import Path
from typing import Optional

from rich.console import Console
from rich.text import Text

from harness.gates.power_card import MOST_FALSE_ALARMS, MOST_PAIRS, WANTED_POWER
from harness.records import PowerCard


def card_line(card: PowerCard) -> str:
    """The card's figures in one line."""
    return (
        f"power card {card.machine_key}, {card.case}, {card.pairs} pairs: {card.false_alarms} false alarms in"
        f" {card.settled} comparisons ({card.false_alarms / card.settled:.1%}), no answer in {_no_answers(card)},"
        f" {card.delay:+.0%} found in {card.detections} ({card.detections / card.settled:.0%})"
    )


def _no_answers(card: PowerCard) -> str:
    return "unknown" if card.no_answers is None else f"{card.no_answers} ({card.no_answers / card.settled:.0%})"


def print_card(card: PowerCard, path: Path, console: Optional[Console] = None) -> None:
    """Print what a card says, what it would take to see enough, and where it is."""
    console = console or Console(highlight=False)
    if card.needed_pairs is None:
        needed = f"more than {MOST_PAIRS} pairs"
    else:
        needed = f"{card.needed_pairs} pairs ({2 * card.needed_pairs} processes)"
    lines = [
        card_line(card),
        f"  false alarms: 95 % interval {card.false_alarm_low:.1%} to {card.false_alarm_high:.1%}; a gate that blocks"
        f" may show {MOST_FALSE_ALARMS:.0%}",
        f"  no answer on an unchanged tree: 95 % interval {card.no_answer_low:.0%} to {card.no_answer_high:.0%}",
        f"  detection: 95 % interval {card.detection_low:.0%} to {card.detection_high:.0%}; {WANTED_POWER:.0%} of"
        f" {card.delay:+.0%} take {needed}",
        f"  step {card.step_seconds:.4f} s; pairs differ by {card.spread:.1%} (standard deviation of log ratios)",
    ]
    if card.undecided:
        lines.append(f"  {card.undecided} more comparisons had a process whose steps never settled")
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    console.print(Text(f"wrote {path}"), soft_wrap=True)
