import io
import sys

import pytest
from rich.table import Table
from rich.text import Text

from reports.language import ENGLISH
from reports.terminal.console import PlainConsole, open_console
from reports.terminal.fidelity import print_fidelity
from reports.terminal.run import print_run
from reports.terminal.verdicts import print_verdicts


def test_names_do_nothing_to_a_terminal(hostile):
    console = PlainConsole(file=io.StringIO(), width=300, force_terminal=True, color_system="standard")
    print_run(hostile.run, hostile.folder, ENGLISH, console=console)
    print_fidelity(hostile.run, ENGLISH, console)
    print_verdicts(hostile.run.verdicts, console=console, origin=hostile.origin)
    text = console.file.getvalue()
    assert "\ufffd]0;f" in text and "\x1b[1;31m" in text  # the name's escape is gone, our colour is not
    assert "\x1b]" not in text and not set(text) & set("\x07\r\ud800\ufffe")
    text.encode("utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
@pytest.mark.parametrize("stderr", [False, True])
def test_a_stream_that_cannot_show_a_character_replaces_it(encoding, stderr, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr" if stderr else "stdout", io.TextIOWrapper(raw, encoding=encoding))
    console = open_console(stderr)
    table = Table("95 % ±", "…")
    table.add_row(Text("●─◆\ud800"), Text("判定"))
    console.print(table)
    console.file.flush()
    assert b"95 % " in raw.getvalue() and raw.getvalue().decode(encoding)
