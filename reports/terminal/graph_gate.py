"""What the gate says of a graph file's plans, and what an approval changed, for a person at a terminal."""

from pathlib import Path
from typing import Sequence

from rich.text import Text

from harness.gates.graph_plan import Change
from harness.records import GraphGate
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console
from reports.terminal.run import print_paths
from reports.terminal.tables import print_folded
from reports.terminal.verdicts import print_verdicts

_CHANGES = 12
"""Lines shown of one change; the rest is in version control."""


def print_gate(gate: GraphGate, written: Sequence[Path], words: Words = ENGLISH, as_json: bool = False) -> None:
    """Print the verdicts and where the reports are; as JSON the text goes to standard error."""
    console = open_console(stderr=as_json)
    print_verdicts(gate.verdicts, words=words, console=console, record="--json")
    print_paths(written, words, console)


def print_approved(changes: Sequence[Change], path: str, words: Words = ENGLISH) -> None:
    """Print what an approval changed, and which file it wrote."""
    console = open_console()
    for change in changes:
        title = f"{words('missing' if change.is_new else 'changed'):>8}  {words('plan')}  {change.mode}"
        console.print(Text(title, style="bold"), soft_wrap=True)
        for told in change.remarks[:_CHANGES]:
            print_folded(console, Text(words.remark(told)), 10)
        if len(change.remarks) > _CHANGES:
            console.print(Text(f"{'':10}{words('and {count} more', count=len(change.remarks) - _CHANGES)}"))
    said = words("wrote {path}", path=path) if changes else words("Nothing to approve: every plan is as approved.")
    print_folded(console, Text(said))
