import io

import pytest
from rich.cells import cell_len

from harness.machine.environment import named
from harness.machine.requirements import Check
from reports.language import Words
from reports.terminal.console import PlainConsole
from reports.terminal.doctor import print_checks

PATH = "/a/long/path/of/a/cache/folder/that/may/not/be/broken"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 80, 10_000])
def test_a_check_holds_at_any_width_and_breaks_no_path(width, language):
    console = PlainConsole(file=io.StringIO(), width=width, color_system=None)
    check = Check("cache", False, f"not installed; several words before the place, {PATH}", f"make it: mkdir -p {PATH}")
    print_checks([check], Words(language), console)
    lines = console.file.getvalue().splitlines()
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert sum(PATH in line for line in lines) == 2
    assert all(cell_len(line) <= width for line in lines if PATH not in line)
    assert width < 1000 or len(lines) == 2


def test_what_follows_is_said_in_the_language():
    console = PlainConsole(file=io.StringIO(), width=80, color_system=None)
    check = Check("machine key", True, "854bc9624013", remarks=named({"threads": "2", "TensorFlow": "2.21"}))
    print_checks([check], Words("zh"), console)
    assert console.file.getvalue().split("  ")[-1] == "机器标识：854bc9624013：线程数 2，TensorFlow 2.21\n"
