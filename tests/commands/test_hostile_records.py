"""Records and journals are input like any other: each fault is one line that names the file, and status 2."""

import json
import os
import shutil
import sys

import pytest

import bench
from harness.records import Calibration, CalibrationPair, Comparison, Pair
from harness.store.run_folder import RunFolder
from tests.builders import MACHINE
from tests.reports.runs import REFERENCE, make_run

DEEP = b'{"schema_version": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
LONG = b'{"schema_version": ' + b"1" * 5_000 + b"}"


@pytest.fixture
def refused(monkeypatch, capsys):
    """Runs a command that must end in one line and status 2; returns the line."""

    def refused(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.py", *map(str, arguments)])
        monkeypatch.delenv("CI", raising=False)
        status = bench.main()
        printed = capsys.readouterr()
        said = [line for line in printed.err.splitlines() if not line.startswith("reading and hashing")]  # progress
        assert (status, len(said)) == (2, 1), printed.err
        return said[0]

    return refused


@pytest.fixture
def stored(tmp_path, case):
    """Folder of an interrupted run of one trial, with its journal."""
    evidence = make_run(tmp_path / "results" / "run", case, replicates=1, names=(REFERENCE,), complete=False)
    RunFolder(evidence.folder).append_journal(evidence.run.id, evidence.run.trials[0])
    return evidence.folder


def readers(folder):
    return [
        ("report", folder),
        ("compare", folder, folder.parent),
        ("approve", folder, "--reason", "a test"),
        ("--resume", folder, "--report", "none"),
    ]


def pipe(path):
    os.mkfifo(str(path))


def device(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


def circle(path):
    path.symlink_to(path)


def too_large(path):
    with open(str(path), "wb") as file:
        file.truncate(2**28 + 1)


@pytest.mark.parametrize(
    "make, reason",
    [
        (pipe, "not a regular file"),
        (device, "not a regular file"),
        (folder, "not a regular file"),
        (circle, "Too many levels of symbolic links"),
        (too_large, f"more than {2**28} bytes"),
        (lambda path: path.write_bytes(DEEP), "nested too deep"),
        (lambda path: path.write_bytes(LONG), ""),  # Python 3.7 reads it, and it is no schema's version
        (lambda path: path.write_bytes(b"\xff\xfe"), "not JSON"),
        (lambda path: path.write_bytes(b"[]"), "schema version None, expected 1"),
    ],
)
def test_what_is_no_record_is_refused_by_every_command_that_reads_one(make, reason, refused, stored):
    record = stored / "run.json"
    record.unlink()
    make(record)
    for arguments in readers(stored):
        line = refused(*arguments)
        assert str(record) in line and reason in line


@pytest.mark.parametrize("make", [pipe, device, folder, circle, too_large])
@pytest.mark.parametrize("name", ["comparison.json", "calibration.json", "journal.jsonl"])
def test_other_records_and_journals_are_no_less_careful(name, make, refused, stored):
    path = stored / name
    if path.exists():
        path.unlink()
    make(path)
    arguments = {
        "comparison.json": ("report", stored),
        "calibration.json": ("calibrate", "--resume", stored),
        "journal.jsonl": ("--resume", stored, "--report", "none"),
    }[name]
    assert str(path) in refused(*arguments)


@pytest.mark.parametrize("make", [pipe, device, folder])
def test_history_leaves_out_what_is_no_record(make, stored, monkeypatch, capsys):
    shutil.copytree(str(stored), str(stored.parent / "good"))
    (stored / "run.json").unlink()
    make(stored / "run.json")
    monkeypatch.setattr(sys, "argv", ["bench.py", "history", "--output", str(stored.parent)])
    assert bench.main() == 0
    printed = capsys.readouterr().out
    assert (
        printed.count("left out: ") == 1
        and f"run {stored / 'run.json'}: " in printed
        and "good" not in printed
        and "0.51" in printed
    )


def change(document, path, value):
    *parents, last = path.split(".")
    for name in parents:
        document = document[int(name) if name.isdigit() else name]
    document[int(last) if last.isdigit() else last] = value


@pytest.mark.parametrize(
    "path, value, reason",
    [
        ("trials.0.step_seconds", 0.0, "trials.0.step_seconds: input should be greater than 0"),
        ("trials.0.step_seconds", -1.0, "trials.0.step_seconds: input should be greater than 0"),
        ("trials.0.step_seconds", 1e308, "trials.0.step_seconds: input should be less than or equal to"),
        ("trials.0.started", "yesterday", "trials.0.started: "),
        ("trials.0.picture", "a\0b", "trials.0.picture: expected a file name, which holds no NUL"),
        ("trials.0.mode", "force_fp16", "trials: case small in mode force_fp16 is not of suite tiny"),
        ("trials.0.final_losses", {"content": 1.0}, "trials.0.final_losses: expected a total among the losses"),
        ("summaries.0.mode", "force_fp16", "summaries: case small in mode force_fp16 is not of suite tiny"),
        ("summaries.0.step_seconds_low", 0.0, "summaries.0.step_seconds_low: input should be greater than 0"),
        ("plans.0.case", "large", f"plans: case large in mode {REFERENCE} is not of suite tiny"),
        ("fidelity.0.baseline_picture", "a\0b", "fidelity.0.baseline_picture: expected a file name"),
        ("power_cards.0.comparisons", 0, "power_cards.0: undecided: expected fewer than the comparisons"),
        ("suite.modes", [], "should have at least 1 item"),
        ("suite.cases", [], "should have at least 1 item"),
        ("suite.cases.0.inputs", None, "suite.cases: small has no inputs"),
        ("suite.cases.0.content", "a\0b", "suite.cases.0.content: expected a file name, which holds no NUL"),
        ("suite.cases.0.settings.style_scales", [1e6], "style_scales must be above 0 and at most 256"),
        ("suite.replicates", 10**12, "suite.replicates: input should be less than or equal to 10000"),
        ("suite.timeout", 1e12, "suite.timeout: input should be less than or equal to"),
    ],
)
def test_a_record_that_means_nothing_is_refused_by_every_command_that_reads_one(path, value, reason, refused, stored):
    document = json.loads((stored / "run.json").read_text())
    change(document, path, value)
    (stored / "run.json").write_text(json.dumps(document))
    for arguments in readers(stored):
        line = refused(*arguments)
        assert f"{stored / 'run.json'}: " in line and reason in line


def test_a_journal_s_lines_of_another_run_are_refused_naming_it(refused, stored):
    line = json.loads((stored / "journal.jsonl").read_text())
    assert line["run"] == "run"
    with open(str(stored / "journal.jsonl"), "a") as journal:
        journal.write(json.dumps({**line, "run": "another-run", "replicate": 2}) + "\n")
    assert "journal.jsonl: line 2 is of run another-run, expected lines of run alone" in refused("--resume", stored)


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"mode": "force_fp16"}, "trials: case small in mode force_fp16 is not of suite tiny"),
        ({"case": "large"}, f"trials: case large in mode {REFERENCE} is not of suite tiny"),
        ({"wall_seconds": 2.0}, "is there twice"),
        ({"step_seconds": 0.0}, "line 2 is damaged: step_seconds: input should be greater than 0"),
    ],
)
def test_lines_that_name_no_run_are_taken_only_if_they_can_be_this_run_s(changes, reason, refused, stored):
    line = json.loads((stored / "journal.jsonl").read_text())
    del line["run"]
    lines = [json.dumps(line), json.dumps({**line, **changes}), ""]
    (stored / "journal.jsonl").write_text("\n".join(lines))
    assert reason in refused("--resume", stored)


def test_a_journal_written_before_its_lines_named_a_run_is_read(stored):
    line = json.loads((stored / "journal.jsonl").read_text())
    del line["run"]
    (stored / "journal.jsonl").write_text(json.dumps(line) + "\n")
    (trial,) = RunFolder(stored).recover_journal("run")
    assert trial == RunFolder(stored).load().trials[0]


@pytest.mark.parametrize("numbers", [[(1, 2)], [(1, 1), (1, 1)], [(3, 1)]])
def test_a_calibration_s_pairs_are_its_own_in_their_order(numbers, refused, tmp_path, case, float32, monkeypatch):
    monkeypatch.setattr("harness.comparisons.calibration.ThisMachine.require_unchanged", lambda *arguments: None)
    folder = RunFolder(tmp_path)
    folder.save_calibration(
        Calibration(
            id="calibrate-1", suite="perf", case=case, mode=float32, device="cpu", timeout=1, comparisons=2,
            looks=(2, 2), started="", environment=MACHINE,
        )
    )  # fmt: skip
    seconds = {"wall_seconds": 9, "base_seconds": 1, "head_seconds": 1, "delayed_seconds": 1}
    for comparison, number in numbers:
        pair = CalibrationPair(comparison=comparison, number=number, **seconds)
        folder.append_journal("calibrate-1", pair)
    comparison, number = numbers[-1]
    said = refused("calibrate", "--resume", tmp_path)
    assert f"pair {number} of comparison {comparison} is out of order" in said


@pytest.mark.parametrize("mode", ["**", "/etc", "../..", "[", "a\0b"])
def test_a_comparison_s_modes_lead_nowhere_else(mode, refused, tmp_path):
    pair = {"case": "small", "mode": mode, "number": 1, "base_seconds": 1.0, "head_seconds": 1.0, "emulated": False}
    document = {"schema_version": 1, "base": "main", "started": "", "command": [], "pairs": [pair], "verdicts": []}
    (tmp_path / "comparison.json").write_text(json.dumps(document))
    assert "pairs.0.mode: expected a part of a file's name, without / and wildcards" in refused("report", tmp_path)


def test_a_comparison_s_journal_is_its_own(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.machine.git.describe", lambda: "head")
    comparison = Comparison(
        base="main", base_commit="abc", head="head", modes=(REFERENCE,), looks=(2, 2), complete=False, started="now",
        command=(),
    )  # fmt: skip
    folder = RunFolder(tmp_path)
    folder.save_comparison(comparison)
    pair = Pair(case="small", mode=REFERENCE, number=1, base_seconds=1.0, head_seconds=1.0, emulated=False)
    folder.append_journal("def then", pair)
    assert "line 1 is of run def then, expected lines of abc now alone" in refused("--resume", tmp_path)
    (tmp_path / "journal.jsonl").unlink()
    folder.append_journal(comparison.owner, pair.model_copy(update={"number": 3}))
    assert f"pair 3 in mode {REFERENCE} is not asked for" in refused("--resume", tmp_path)
