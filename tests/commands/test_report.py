import io
import json
import sys

import pytest
from rich.cells import cell_len

import bench
import suites
from harness import modes
from harness.store.run_folder import RunFolder
from reports.language import Words
from reports.terminal.console import PlainConsole
from reports.terminal.listing import MODES, print_modes
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


def test_a_history_of_what_nobody_has_is_an_error_with_the_nearest(run_bench, evidence):
    output = ("--output", evidence.folder.parent)
    for option, name, part in (
        (
            "--mode",
            "allow_mix",
            "'allow_mix' is unknown, did you mean allow_mix_precision? (expected one of ",
        ),
        ("--suite", "pref", "'pref' is unknown, did you mean perf? (expected one of "),
        ("--case", "big", "'big' is unknown (expected one of small)"),
    ):
        status, out, err = run_bench("history", option, name, *output)
        assert (status, out, err.count("\n")) == (2, "", 1) and part in err
    status, out, _ = run_bench("history", "--mode", "allow_mix_precision_fp16", *output)
    assert status == 0 and "allow_mix_precision" in out
    status, out, _ = run_bench("history", "--mode", "force_fp32", *output)  # known, and never run
    assert status == 0 and "No stored run of that kind." in out


def test_the_text_of_a_stored_run_is_what_the_terminal_showed(run_bench, evidence):
    status, out, err = run_bench("report", evidence.folder, "--format", "text", "--lang", "zh")
    assert (status, err) == (0, "") and "0.515" in out and "精度计划与批准的不一致" in out
    status, out, err = run_bench("--suite", "smoke", "--report", "text")
    assert (status, out) == (2, "") and "a run is shown as text anyway" in err


def test_an_approved_picture_is_shown_from_the_folder_that_is_named(run_bench, tmp_path, case, picture):
    from model import images

    approved = tmp_path / "ours" / "tiny" / "small" / "cpu-tf2-allow_mix_precision.png"
    approved.parent.mkdir(parents=True)
    approved.write_bytes(images.encode(images.read(picture), ".png"))
    evidence = make_run(tmp_path / "run", case)
    judged = [item.model_copy(update={"baseline_picture": str(approved)}) for item in evidence.run.fidelity]
    RunFolder(evidence.folder).save(evidence.run.model_copy(update={"fidelity": judged}))
    pages = []
    for options in ((), ("--baselines", tmp_path / "ours")):
        assert run_bench("report", evidence.folder, *options)[0] == 0
        pages.append((evidence.folder / "report.html").read_text(encoding="utf-8").count("data:image"))
    assert pages[0] < pages[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_there_is_to_choose_from_is_listed(run_bench, language):
    status, out, err = run_bench("list", "--lang", language)
    assert (status, err) == (0, "")
    names = {*suites.names(), *modes.KNOWN, "astronaut-96-noise", "cpu", "npu"}
    assert not {name for name in names if name not in out}
    assert all(line == line.rstrip() for line in out.splitlines())
    narrow = PlainConsole(file=io.StringIO(), width=60)
    print_modes(tuple(MODES), Words(language), narrow)
    assert all(cell_len(line) <= 60 for line in narrow.file.getvalue().splitlines())


def test_a_suite_of_ones_own_is_listed_and_so_checked(run_bench, tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text('[[cases]]\nid = "x"\ncontent = "a.png"\nstyles = ["b.png"]\nsteps = 3\n')
    status, out, _ = run_bench("list", "--suite", path)
    assert status == 0 and "case x: a.png, its own size, 3 steps from content" in out
    path.write_text("cases = []")
    status, out, err = run_bench("list", "--suite", path)
    assert (status, out, err.count("\n")) == (2, "", 1) and f"suite {path}: cases: " in err


def test_the_version_is_one_line(run_bench):
    status, out, err = run_bench("--version")
    assert (status, err, out.count("\n")) == (0, "", 1) and out.startswith("StyleBench revision ")
    assert "Python 3." in out and "tensorflow" in out


def test_the_answer_for_programs_is_one_document(capsys, evidence):
    from reports.terminal.answer import print_answer

    print_answer(evidence, 1)
    answer = json.loads(capsys.readouterr().out)
    assert (answer["run"], answer["exit_status"], answer["complete"]) == (evidence.run.id, 1, True)
    outcomes = [(verdict["outcome"], verdict["text"]) for verdict in answer["verdicts"]]
    assert ("fail", "the dtype plan is not the approved one") in outcomes
    rows = {row["mode"]: row for row in answer["table"]}
    assert set(rows) == {mode.name for mode in evidence.run.suite.modes}
    assert rows["allow_mix_precision"]["summary"]["step_seconds"] == pytest.approx(0.515, abs=1e-3)


def test_what_prints_where_the_answer_goes_is_refused(run_bench, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    status, out, err = run_bench("--suite", "smoke", "--json", "--report", "github")
    assert (status, out) == (2, "") and "--report github: it prints where --json does" in err


def test_reports_are_there_when_the_reader_of_the_text_has_gone(run_bench, tmp_path, monkeypatch):
    def gone(*what):
        raise BrokenPipeError

    monkeypatch.setattr("reports.terminal.run.print_run", gone)
    run_bench("--suite", "smoke", "--plan-only", "--output", tmp_path)
    assert len(list(tmp_path.glob("*/report.html"))) == 1
