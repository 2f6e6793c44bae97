import json
import sys

import pytest

import bench
from tests.reports.runs import make_run


@pytest.fixture
def run_bench(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.py", *map(str, arguments)])
        status = bench.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_a_stored_run_is_rendered_in_every_format(run_bench, evidence, tmp_path):
    names = "html,markdown,junit,json,pytest-benchmark"
    status, out, _ = run_bench("report", evidence.folder, "--format", names, "--output", tmp_path / "out")
    files = {"report.html", "report.md", "junit.xml", "run.json", "pytest-benchmark.json"}
    assert status == 0 and {path.name for path in (tmp_path / "out").iterdir()} == files
    assert all(name in out for name in files)


def test_the_language_can_be_chosen(run_bench, evidence):
    status, _, _ = run_bench("report", evidence.folder / "run.json", "--lang", "zh")
    assert status == 0 and "未通过" in (evidence.folder / "report.html").read_text(encoding="utf-8")


def _incomplete(folder):
    document = json.loads((folder / "run.json").read_text())
    del document["suite"]
    (folder / "run.json").write_text(json.dumps(document))


def _newer(folder):
    document = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**document, "schema_version": 99}))


@pytest.mark.parametrize(
    "spoil, part",
    [
        (_incomplete, "suite: field required"),
        (_newer, "schema version 99, expected 1"),
        (lambda folder: (folder / "run.json").write_text('{"schema_'), "not JSON"),
        (lambda folder: (folder / "run.json").unlink(), "no run.json in it"),
    ],
)
def test_a_folder_that_is_no_run_is_refused_in_one_line(run_bench, evidence, spoil, part):
    spoil(evidence.folder)
    before = sorted(evidence.folder.iterdir())
    status, out, err = run_bench("report", evidence.folder, "--format", "html,markdown")
    assert (status, out) == (2, "") and err.count("\n") == 1 and part in err and str(evidence.folder) in err
    assert sorted(evidence.folder.iterdir()) == before


@pytest.mark.parametrize("names, part", [("pdf", "'pdf' is unknown"), ("", "'' is unknown"), ("html;md", "unknown")])
def test_an_unknown_format_is_refused_before_anything_runs(run_bench, tmp_path, names, part):
    for arguments in (("report", tmp_path, "--format", names), ("--suite", "smoke", "--report", names)):
        status, out, err = run_bench(*arguments)
        assert (status, out) == (2, "") and part in err


def test_a_run_without_its_files_is_still_shown(run_bench, tmp_path, case):
    import shutil

    evidence = make_run(tmp_path / "run", case)
    shutil.rmtree(str(evidence.folder / "trials"))
    status, _, _ = run_bench("report", evidence.folder, "--format", "html,markdown,junit,pytest-benchmark")
    assert status == 0 and "0.515" in (evidence.folder / "report.html").read_text(encoding="utf-8")


def test_a_history_needs_a_folder_of_runs(run_bench, tmp_path):
    status, _, err = run_bench("history", "--output", tmp_path / "none")
    assert status == 2 and "no such folder" in err
