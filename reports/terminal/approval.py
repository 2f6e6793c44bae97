"""What an approval would change and what it wrote, for a person at a terminal."""

from pathlib import Path
from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.gates.approval import Proposal
from reports.language import ENGLISH, Words
from reports.plain_text import shown_path
from reports.terminal.console import open_console
from reports.terminal.side_by_side import Row, print_side_by_side, scaled
from reports.terminal.tables import print_folded

_CHANGES = 12
"""Lines shown of one proposal; the rest is in version control."""
_HEADINGS = {
    "bytes_cast": ("MB cast", 1e-6),
    "flop": ("GFLOP", 1e-9),
    "roofline_seconds": ("910 floor ms", 1e3),
    "step_seconds": ("step s", 1.0),
    "first_step_seconds": ("first s", 1.0),
    "peak_memory_bytes": ("GiB", 2.0**-30),
    "reported_loss": ("final loss", 1.0),
    "true_loss": ("true loss", 1.0),
}
"""By the name of a figure: its heading in reports, and the scale of the unit that it has there."""


def print_proposals(proposals: Sequence[Proposal], console: Optional[Console] = None, words: Words = ENGLISH) -> None:
    """Print what is to be approved, old beside new."""
    console = console or open_console()
    for proposal in proposals:
        baseline = proposal.baseline
        kind = "plan" if baseline.plan else "picture" if baseline.fidelity else "timing"
        section = (
            words(kind) if baseline.plan else words("{what} on {device}", what=words(kind), device=baseline.device)
        )
        title = f"{words(proposal.kind):>8}  {section}  {baseline.case}  {baseline.mode.name}"
        console.print(Text(title, style="bold"), soft_wrap=True)
        if proposal.refusal:
            text = "refused: {reason}; only what was measured well can be approved"
            refusal = words(text, reason=words.remark(proposal.refusal))
            print_folded(console, Text(refusal, style="bold yellow"), 10)
        for change in proposal.changes[:_CHANGES]:
            print_folded(console, Text(words.remark(change)), 10)
        if len(proposal.changes) > _CHANGES:
            more = words("and {count} more", count=len(proposal.changes) - _CHANGES)
            console.print(Text(f"{'':10}{more}"))
        rows = [_shown(name, old, new, words) for name, old, new in proposal.figures if old != new]
        if rows:
            print_side_by_side(console, rows, ("old", "new"), words)
        console.print()


def _shown(name: str, old: Optional[float], new: Optional[float], words: Words) -> Row:
    """Return a figure under the name and in the unit that reports have."""
    kind, _, rest = name.partition(" ")
    if kind == "units":
        return words("ops on {kind}", kind=rest), old, new
    if kind == "distance":
        return words("distance after {updates} updates", updates=rest.split()[-1]), old, new
    heading, scale = _HEADINGS.get(name, (name, 1.0))
    return words(heading), scaled(old, scale), scaled(new, scale)


def print_left(
    left: Sequence[Proposal], run: str, what: str, console: Optional[Console] = None, words: Words = ENGLISH
) -> None:
    """Print what else of the run is not as approved, and the command that approves it.

    Args:
        run: path of the run's folder.
        what: option that chooses these.
    """
    console = console or open_console()
    kinds = {"plan": 0, "timing": 0, "picture": 0}
    for proposal in left:
        kinds["plan" if proposal.baseline.plan else "picture" if proposal.baseline.fidelity else "timing"] += 1
    counts = words.comma.join(f"{words(kind)} {count}" for kind, count in kinds.items() if count)
    told = words("Not as approved either, and not asked for") + words.colon + counts
    print_folded(console, Text(told, style="bold yellow"))
    console.print(Text(f"    python bench.py approve {run} --{what} --reason TEXT"), soft_wrap=True)


def print_written(paths: Sequence[str], console: Optional[Console] = None, words: Words = ENGLISH) -> None:
    """Print which files an approval wrote."""
    for path in paths:
        (console or open_console()).print(Text(words("wrote {path}", path=shown_path(Path(path)))), soft_wrap=True)
