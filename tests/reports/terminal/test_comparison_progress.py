import io

import pytest

from harness.records import Pair
from reports.language import Words
from reports.terminal.comparison_progress import ComparisonProgress
from reports.terminal.console import PlainConsole

LONGEST = "allow_mix_precision+matmul32"


def _pair(number, head=0.5, mode=LONGEST, case="small"):
    return Pair(case=case, mode=mode, number=number, base_seconds=0.4, head_seconds=head, emulated=False)


def _progress(width=80, height=25, words=None):
    out = PlainConsole(file=io.StringIO(), width=width, height=height, force_terminal=True)
    return ComparisonProgress(4, modes=2, words=words or Words("en"), console=out)


def _lines(progress):
    out = PlainConsole(file=io.StringIO(), width=progress.console.width)
    out.print(progress._draw())
    return out.file.getvalue().splitlines()


def test_a_terminal_has_the_pairs_so_far_and_how_long_the_rest_may_take(clock):
    progress = _progress()
    assert _lines(progress) == ["preparing both revisions", "0 s so far"]
    clock.now = 5.0
    progress.measured([])
    progress.measuring(1, "base and head", LONGEST)
    clock.now = 65.0
    progress.measured([_pair(1)])
    progress.measuring(1, "base and head", "other")
    case, heading, _, row, activity, total = _lines(progress)
    assert (case, heading.split()) == ("small", ["mode", "base", "s", "head", "s", "change", "pairs"])
    assert row.split() == [LONGEST, "0.4000", "0.5000", "+25.0%", "1"]
    assert activity == "[pair 1/4] base and head  other"
    # One of eight measurements took a minute.
    assert total == "1 min 0 s so far, at most about 7 min 0 s left"


def test_pairs_that_were_measured_before_do_not_count_into_the_pace(clock):
    progress = _progress()
    progress.measured([_pair(1), _pair(2)])
    assert _lines(progress)[-1] == "0 s so far"
    clock.now = 30.0
    progress.measured([_pair(1), _pair(2), _pair(3)])
    assert _lines(progress)[-1] == "30 s so far, at most about 2 min 30 s left"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_name_is_broken(clock, width):
    progress = _progress(width, words=Words("zh"))
    progress.measured([_pair(1), _pair(1, mode="must_keep_origin_dtype")])
    progress.measuring(2, "head and base", LONGEST, "10.0.0.1")
    assert all(len(line) <= width for line in _lines(progress))
    assert any(line.startswith(LONGEST) for line in _lines(progress))


def test_where_the_table_has_no_room_it_is_left_out(clock):
    progress = _progress(height=9)
    progress.measured([_pair(1, case=case) for case in ("one", "two")])
    assert len(_lines(progress)) == 2
    progress.measured([_pair(1)])
    assert len(_lines(progress)) == 6


def test_elsewhere_than_on_a_terminal_each_pair_is_a_line():
    out = PlainConsole(file=io.StringIO(), width=200)
    with ComparisonProgress(4, console=out) as progress:
        progress.measuring(1, "base and head", LONGEST, "10.0.0.1")
        progress.measured([_pair(1)])
    assert out.file.getvalue() == f"[pair 1/4] base and head  {LONGEST}  at 10.0.0.1\n"
