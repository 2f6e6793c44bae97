import pytest

from harness.history.changes import changes
from harness.history.series import series
from tests.history.histories import entry

pytestmark = pytest.mark.any_tensorflow
QUICK, SLOW = [0.500, 0.502, 0.499, 0.501] * 2, [0.550, 0.551, 0.549, 0.552] * 2


def found(times, **fields):
    return changes(series([entry(number, seconds, **fields) for number, seconds in enumerate(times)]))


def test_a_change_has_its_revisions_size_and_interval():
    (change,) = found(QUICK + SLOW)
    assert (change.before.run, change.after.run, change.mended) == ("perf-7", "perf-8", None)
    assert change.low < change.ratio < change.high and change.ratio == pytest.approx(1.1, abs=0.002)
    assert change.high - change.low < 0.02
    assert (change.old, change.new) == (pytest.approx(0.5005, abs=1e-3), pytest.approx(0.5505, abs=1e-3))


def test_a_mended_change_stays_one():
    later, first = found(QUICK + SLOW + QUICK)
    assert (first.after.run, first.mended.run) == ("perf-8", "perf-16")
    assert later.after.run == "perf-16" and later.mended is None and later.ratio < 1


@pytest.mark.parametrize("fields", [{"emulated": True}, {"steady": False}, {"steady": None}])
def test_times_that_say_nothing_change_nothing(fields):
    assert found(QUICK + SLOW, **fields) == []


def test_machines_and_jobs_are_not_compared():
    for name in ("machine", "job", "device"):
        entries = [entry(number, time) for number, time in enumerate(QUICK)]
        entries += [entry(number, time, **{name: "other"}) for number, time in enumerate(SLOW, 8)]
        assert changes(series(entries)) == []


def test_many_runs_of_one_revision_are_one_point():
    quick = [entry(0, seconds, run=f"a{number}") for number, seconds in enumerate(QUICK)]
    slow = [entry(1, seconds, run=f"b{number}") for number, seconds in enumerate(SLOW)]
    assert changes(series(quick + slow)) == []
    rest = [entry(number, seconds) for number, seconds in enumerate(SLOW, 2)]
    before = [entry(-number, 0.5 + number / 1000) for number in (4, 3, 2, 1)]
    (change,) = changes(series(before + quick + slow + rest))
    assert (change.before.run, change.after.run) == ("a7", "b0")


def test_missing_times_are_left_out():
    entries = [entry(number, seconds) for number, seconds in enumerate(QUICK + SLOW)]
    gaps = [entry(number)._replace(step_seconds=None) for number in range(16)]
    (change,) = changes(series([one for pair in zip(entries, gaps) for one in pair]))
    assert change.after.run == "perf-8"


def test_casts_change_by_any_number_and_from_none():
    entries = [entry(number, casts=casts, step_seconds=None) for number, casts in enumerate([0, 0, 69, 69, 70])]
    second, first = changes(series(entries))
    assert (first.figure, first.old, first.new, first.ratio, first.low) == ("casts", 0, 69, None, None)
    assert (second.old, second.new, second.before.run, second.after.run) == (69, 70, "perf-3", "perf-4")


def test_the_latest_change_comes_first():
    entries = [entry(number, seconds, case=case) for case in "ab" for number, seconds in enumerate(QUICK + SLOW)]
    late = [entry(number, seconds, case="c") for number, seconds in enumerate([*QUICK, *QUICK, *SLOW])]
    assert [change.after.case for change in changes(series(entries + late))][0] == "c"


def test_casts_are_of_all_machines_and_of_one_table_of_operators():
    numbers = {0: 69, 1: 69, 2: 71, 3: 71}
    entries = [entry(number, casts=casts, machine=f"machine {number}") for number, casts in numbers.items()]
    (change,) = changes(series(entries))
    assert (change.before.run, change.after.run) == ("perf-1", "perf-2")
    assert change.place == ("perf", "small", entries[0].mode, "", "", "1")
    cann = [one._replace(op_table="CANN's", casts=80) for one in entries]
    assert changes(series(entries + cann)) == [change]
