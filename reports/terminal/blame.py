"""The search for what makes a mode's picture wrong, while it goes on and when it is done."""

from pathlib import Path
from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.blame.search import Score
from harness.records import Blame
from reports.terminal.console import open_console


class BlameProgress:
    """Says which parts of the step were kept in float32, and what that did."""

    def __init__(self, console: Optional[Console] = None) -> None:
        self._console = console or open_console(stderr=True)
        self._number = 0

    def scored(self, score: Score) -> None:
        """Say what came of one set that was tried."""
        self._number += 1
        kept = _shortened(score.blocks) if score.blocks else "nothing"
        text = f"[{self._number}] {'fit  ' if score.fit else 'wrong'}  SSIM {1 - score.distance:.4f}  {kept} in float32"
        self._console.print(Text(text), soft_wrap=True)


def print_blame(found: Blame, file: Optional[Path], console: Optional[Console] = None) -> None:
    """Print the answer, and where the file is that makes the mode fit."""
    console = console or open_console()
    where = f"{found.size} pixels wide, {found.steps} steps"
    if not found.neutral:
        note = "Counting what is lost changed the picture: take what follows as a hint alone."
        console.print(Text(note, style="bold yellow"), soft_wrap=True)
    if found.fit_before:
        console.print(Text(f"{found.mode} is fit at {where}: nothing to blame."), soft_wrap=True)
    elif not found.blocks:
        every = "with every op in float32 that the card has a kernel for"
        text = f"{found.mode} is wrong at {where}, and stays so {every}."
        console.print(Text(text, style="bold red"), soft_wrap=True)
    else:
        console.print(
            Text(f"{found.mode} is wrong at {where}. It is fit with these ops alone in float32:"), soft_wrap=True
        )
        for op in found.blocks:
            console.print(Text(f"    {op}", style="bold"), soft_wrap=True)
        console.print(
            Text(f"Found in {len(found.scores)} scorings; without any one of them the picture is wrong again.")
        )
        console.print(Text(f"wrote {file}; judge it with"), soft_wrap=True)
        # Its case is no approved one, and the picture alone is asked for.
        command = f"python bench.py --suite accuracy --advisory --customize-dtypes {file}"
        modes = f"must_keep_origin_dtype,{found.mode}"
        console.print(Text(f"    {command} --modes {modes}"), soft_wrap=True)


def _shortened(blocks: Sequence[str]) -> str:
    return ", ".join(blocks) if len(blocks) <= 4 else f"{', '.join(blocks[:3])} and {len(blocks) - 3} more blocks"
