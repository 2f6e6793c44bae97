import io
import json

from rich.console import Console

from reports.language import ENGLISH
from reports.terminal import history
from tests.reports.runs import MIXED, REFERENCE, make_run


def _printed(results, baselines, **options):
    out = io.StringIO()
    runs, problems = history.stored_runs(results)
    marked = history.approved(baselines)
    console = Console(file=out, width=80, highlight=False)
    history.print_history(runs, problems, marked, options.pop("last", 20), ENGLISH, console, **options)
    return out.getvalue()


def test_runs_are_drawn_in_order_with_what_was_approved_marked(tmp_path, case):
    results = tmp_path / "results"
    for day in (3, 1, 2):
        make_run(results / f"run-{day}", case, started=f"2026-01-0{day}T00:00:00+00:00")
    baseline = tmp_path / "baselines" / "tiny" / "small" / "a.json"
    baseline.parent.mkdir(parents=True)
    baseline.write_text(json.dumps({"run": "run-2", "case": "small", "mode": {"name": REFERENCE}}))
    (baseline.parent / "b.json").write_text("{")
    lines = _printed(results, tmp_path / "baselines", mode=REFERENCE).splitlines()
    rows = [line for line in lines if "2026-01-0" in line]
    assert [row.split("2026-01-0")[1][0] for row in rows] == ["1", "2", "3"]
    assert [row.startswith("◆") for row in rows] == [False, True, False]
    assert "0.515" in rows[0] and "69" in rows[0] and "●" in rows[0]
    assert all(len(line) <= 80 for line in lines)


def test_emulated_times_are_marked_and_ssim_is_shown(tmp_path, case):
    make_run(tmp_path / "run", case)
    text = _printed(tmp_path, tmp_path, mode=MIXED)
    assert "0.515 " in text and "emulated" in text and "0.9870" in text and REFERENCE not in text


def test_a_run_that_cannot_be_read_is_named(tmp_path, case):
    make_run(tmp_path / "run", case)
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "run.json").write_text('{"schema_version": 99}')
    assert "schema version 99, expected" in _printed(tmp_path, tmp_path)


def test_nothing_stored_says_so(tmp_path):
    assert "No stored run of that kind." in _printed(tmp_path, tmp_path)
