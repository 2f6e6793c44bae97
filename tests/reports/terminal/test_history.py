import io

import pytest
from rich.console import Console

from harness.history.folders import index_of
from harness.history.index import Selection
from harness.history.series import series
from reports.language import ENGLISH
from reports.terminal import history
from reports.terminal.console import PlainConsole
from tests.history.histories import MIXED, REFERENCE, entry, stored
from tests.reports.conftest import HOSTILE


def _printed(results, marked=(), last=20, width=80, **wanted):
    out = io.StringIO()
    index, problems, _ = index_of(results)
    console = Console(file=out, width=width, highlight=False)
    history.print_history(index.series(Selection(**wanted), last), set(marked), ENGLISH, console)
    history.print_problems(problems, ENGLISH, console)
    return out.getvalue()


def test_runs_are_drawn_in_the_order_of_revisions_with_what_was_approved_marked(tmp_path, case):
    for day in (3, 1, 2):
        stored(tmp_path, case, f"run-{day}", day, started=f"2026-02-0{9 - day}T00:00:00+00:00")
    lines = _printed(tmp_path, {("run-2", "small", REFERENCE)}, mode=REFERENCE).splitlines()
    rows = [line for line in lines if "2026-02-0" in line]
    assert [row.split("2026-02-0")[1][0] for row in rows] == ["8", "7", "6"]
    assert [row.startswith("◆") for row in rows] == [False, True, False]
    assert "0.515" in rows[0] and "69" in rows[0] and "9e+05" in rows[0]
    assert all(len(line) <= 80 for line in lines)


def test_a_wide_terminal_shows_all_columns(tmp_path, case):
    stored(tmp_path, case, "run")
    narrow, wide = (_printed(tmp_path, width=width, mode=MIXED) for width in (80, 120))
    for text in ("final loss", "MB cast", "GiB", "●", "1.50", "9.2", "8e+05"):
        assert text in wide
    table, _, absent = narrow.partition("no room for: ")
    assert "true loss" in table and "ratio" in table and absent.startswith("final loss, MB cast")


def test_emulated_times_are_marked_and_ssim_is_shown(tmp_path, case):
    stored(tmp_path, case, "run")
    text = _printed(tmp_path, mode=MIXED)
    assert "0.515 " in text and "emulated" in text and "0.9870" in text and REFERENCE not in text


def test_each_machine_has_a_table_of_its_own(tmp_path, case):
    for number, machine in enumerate(("here", "there", "here")):
        stored(tmp_path, case, f"run-{number}", number, machine=machine)
    text = _printed(tmp_path, mode=REFERENCE)
    assert text.index("cpu, here") < text.index("cpu, there")
    assert text.count("0.515") == 3 and _printed(tmp_path, mode=REFERENCE, machine="there").count("0.515") == 1


def test_a_run_that_cannot_be_read_is_named(tmp_path, case):
    stored(tmp_path, case, "run")
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "run.json").write_text('{"schema_version": 99}')
    assert "schema version 99, expected" in _printed(tmp_path)


def test_nothing_stored_says_so(tmp_path):
    assert "No stored run of that kind." in _printed(tmp_path)


def _changes(entries):
    out = io.StringIO()
    history.print_changes(series(entries), ENGLISH, Console(file=out, width=80, highlight=False))
    return out.getvalue()


@pytest.mark.parametrize("mended", [False, True])
def test_a_change_is_told_with_its_revisions_size_and_interval(mended):
    times = [0.500, 0.502, 0.499, 0.501] * 2 + [0.550, 0.551, 0.549, 0.552] * 2
    times += [0.501, 0.499, 0.500, 0.502] * 2 if mended else []
    text = " ".join(_changes([entry(number, seconds) for number, seconds in enumerate(times)]).split())
    assert "step time 0.5005 s → 0.5505 s; +10.0%, 95 % interval +9." in text
    assert "between 0000000 (2026-01-08) and 0000000 (2026-01-09)" in text
    assert ("; mended by 0000000 (2026-01-17)" in text) == mended


def test_another_number_of_casts_is_a_change():
    entries = [entry(number, emulated=True, casts=69 if number < 2 else 71) for number in range(3)]
    assert "casts 69 → 71; between " in _changes(entries)
    assert "No change was found." in _changes(entries[:2])


def test_hostile_text_is_shown_and_does_nothing():
    texts = ("suite", "case", "mode", "device", "machine", "run", "revision", "branch", "processor")
    found = series([entry(number, 0.5 + number % 20 // 10, **dict.fromkeys(texts, HOSTILE)) for number in range(20)])
    out = io.StringIO()
    console = PlainConsole(file=out, width=80, highlight=False)
    history.print_history(found, set(), ENGLISH, console)
    history.print_changes(
        series([one._replace(revision=f"{HOSTILE}{n}") for n, one in enumerate(found[0].entries)]), ENGLISH, console
    )
    assert "<img src=x onerror='window.pwned=1'>" in out.getvalue() and "\x1b" not in out.getvalue()
