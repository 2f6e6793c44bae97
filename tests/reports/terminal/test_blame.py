import io

from rich.console import Console

from harness.blame.messages import Answer, Attempt
from reports.terminal.blame import BlameProgress


def test_a_terminal_shows_what_is_tried_while_it_is_tried():
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    with BlameProgress("force_fp16", console=console) as progress:
        progress.heard(Answer(phase="noise"))
        console.file.truncate(0)
        progress.heard(Answer(attempt=Attempt(blocks=("a", "b", "c", "d", "e"), stage=2, left=7)))
        progress._live.refresh()
        line = console.file.getvalue()
    assert "[1] force_fp16  trying a, b, c and 2 more in float32" in line
    assert "stage 2 of 4, blocks, at most 7 more in it" in line
