import pytest

from reports.language import ENGLISH, Words
from reports.terminal.so_far import TableSoFar

LONGEST = "allow_mix_precision+matmul32"


@pytest.fixture
def ended(result):
    """Makes the result of a trial that has ended."""

    def make(mode="must_keep_origin_dtype", case="small", **changes):
        return result.model_copy(update={"mode": mode, "case": case, **changes})

    return make


def test_a_row_is_a_mode_with_the_figures_of_its_good_trials(ended):
    table = TableSoFar(ENGLISH)
    table.add(ended(step_seconds=0.4))
    table.add(ended(step_seconds=0.9))
    table.add(ended(LONGEST, emulated=True, true_losses={"total": 1.5e9}))
    table.add(ended(LONGEST, status="crashed", step_seconds=None))
    heading, _, first, second = table.lines((), 100, 20)
    assert heading.split() == ["mode", "trials", "step", "s", "time", "final", "loss", "true", "loss"]
    assert first.split() == ["must_keep_origin_dtype", "2", "0.600", "1.235e+07", "2.346e+07"]
    assert second.split() == [LONGEST, "1/2", "0.500", "emulated", "1.235e+07", "!", "1.5e+09"]


def test_what_is_not_measured_is_a_dash(ended):
    table = TableSoFar(ENGLISH)
    table.add(ended(status="timed_out", step_seconds=None, final_losses=None, true_losses=None))
    assert table.lines((), 100, 20)[2].split() == ["must_keep_origin_dtype", "0/1", "–", "–", "–"]


@pytest.mark.parametrize("width", [60, 80])
def test_no_line_is_wider_than_the_terminal(ended, width):
    table = TableSoFar(Words("zh"))
    table.add(ended(LONGEST, emulated=True))
    assert all(len(line) <= width for line in table.lines((), width, 20))
    assert any(LONGEST in line for line in table.lines((), width, 20))


def test_where_there_is_no_room_for_all_cases_those_under_way_stay(ended):
    table = TableSoFar(ENGLISH)
    for case in ("first", "second"):
        table.add(ended(case=case))
    both = table.lines((), 100, 8)
    assert [line for line in both if line in ("first", "second")] == ["first", "second"] and len(both) == 8
    assert table.lines(("second",), 100, 7)[0] == "second" and len(table.lines(("second",), 100, 7)) == 4
    assert table.lines(("second",), 100, 3) == []


def test_a_trial_that_ends_later_is_in_the_table_too(ended):
    table = TableSoFar(ENGLISH)
    table.add(ended())
    assert len(table.lines((), 100, 20)) == 3
    table.add(ended(LONGEST))
    assert len(table.lines((), 100, 20)) == 4
