"""What an approval would change and what it wrote, for a person at a terminal."""

from typing import Optional, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.gates.approval import Figure, Proposal
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console

_CHANGES = 12
"""Lines shown of one proposal; the rest is in version control."""
_NONE = "–"


def print_proposals(proposals: Sequence[Proposal], console: Optional[Console] = None, words: Words = ENGLISH) -> None:
    """Print what would be approved, old beside new."""
    console = console or open_console()
    if not proposals:
        console.print("Nothing to approve: what this run holds is as approved.")
    for proposal in proposals:
        baseline = proposal.baseline
        section = "plan" if baseline.plan else f"{'picture' if baseline.fidelity else 'timing'} on {baseline.device}"
        title = f"{proposal.kind:>8}  {section}  {baseline.case}  {baseline.mode.name}"
        console.print(Text(title, style="bold"), soft_wrap=True)
        if proposal.refusal:
            refusal = f"{'':10}refused: {words.remark(proposal.refusal)}; only what was measured well can be approved"
            console.print(Text(refusal, style="bold yellow"), soft_wrap=True)
        for change in proposal.changes[:_CHANGES]:
            console.print(Text(f"{'':10}{words.remark(change)}"), soft_wrap=True)
        if len(proposal.changes) > _CHANGES:
            console.print(Text(f"{'':10}and {len(proposal.changes) - _CHANGES} more"))
        console.print(_table(proposal.figures))


def print_written(paths: Sequence[str], console: Optional[Console] = None) -> None:
    """Print which files an approval wrote."""
    for path in paths:
        (console or open_console()).print(Text(f"wrote {path}"), soft_wrap=True)


def _table(figures: Sequence[Figure]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure", min_width=24)
    for name in ("old", "new", "change"):
        table.add_column(name, justify="right", min_width=12)
    for figure in figures:
        table.add_row(Text(figure.name), _number(figure.old), _number(figure.new), _change(figure))
    return table


def _number(value: Optional[float]) -> str:
    if value is None:
        return _NONE
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _change(figure: Figure) -> str:
    if figure.old is None or figure.new is None:
        return _NONE
    if figure.old == figure.new:
        return "="
    return f"{figure.new / figure.old - 1:+.1%}" if figure.old else f"{figure.new - figure.old:+g}"
