"""Files that other programs read of a history."""

import csv
import json
import os
import subprocess
import sys

import pytest
from jsonschema import validate

from harness.history.series import series
from reports.documents.asv_results import write_asv
from reports.documents.bencher import render
from reports.documents.otava import write_otava
from reports.language import ENGLISH
from tests.history.histories import MIXED, REFERENCE, day, entry
from tests.reports.conftest import HOSTILE

TIMES = [0.500, 0.502, 0.499, 0.501] * 5 + [0.600, 0.601, 0.599, 0.602] * 5
BMF = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {name: {"type": "number"} for name in ("value", "lower_value", "upper_value")},
            "required": ["value"],
            "additionalProperties": False,
        },
    },
}
"""Bencher Metric Format, as Bencher's reference describes it."""


def _history(**changes):
    return series([entry(number, seconds, **changes) for number, seconds in enumerate(TIMES)])


# Bencher


def test_bencher_gets_nanoseconds_with_their_interval_and_other_measures(evidence):
    document = json.loads(render(evidence, ENGLISH))
    validate(document, BMF)
    assert set(document) == {f"small[{REFERENCE}]", f"small[{MIXED}-emulated]"}
    summary = evidence.run.summary_of("small", REFERENCE)
    latency = document[f"small[{REFERENCE}]"]["latency"]
    assert latency["value"] == summary.step_seconds * 1e9 == pytest.approx(0.515e9, rel=1e-3)
    assert latency["lower_value"] == summary.step_seconds_low * 1e9 < latency["value"] < latency["upper_value"]
    measures = document[f"small[{MIXED}-emulated]"]
    assert (measures["ssim"], measures["casts"]) == ({"value": 0.987}, {"value": 69.0})


# Otava


def test_otava_gets_a_table_for_each_series_in_the_order_of_revisions(tmp_path):
    table, config = write_otava(_history(branch="main"), tmp_path / "new")
    rows = list(csv.DictReader(table.open(encoding="utf-8", newline="")))
    assert [row["time"] for row in rows] == [day(number) for number in range(40)]
    assert float(rows[-1]["step_seconds"]) == 0.602 and rows[0]["commit"] == "0" * 40
    (test,) = json.loads(config.read_text())["tests"].values()
    assert test["file"] == table.name and test["metrics"]["ssim"]["direction"] == 1
    assert set(test["metrics"]) | set(test["attributes"]) | {"time"} == set(rows[0])


def test_otava_gets_no_emulated_time_and_no_row_with_a_gap(tmp_path):
    emulated = [entry(number, emulated=True, mode=MIXED) for number in range(3)]
    plans = entry(9)._replace(step_seconds=None, true_loss=None)
    paths = write_otava(series([*emulated, entry(1), entry(2), plans]), tmp_path)
    tables = [list(csv.DictReader(path.open(encoding="utf-8", newline=""))) for path in paths[:-1]]
    assert ["step_seconds" in rows[0] for rows in tables] == [False, True]
    assert [len(rows) for rows in tables] == [3, 2]


def test_otava_gets_hostile_text_as_text(tmp_path):
    texts = ("suite", "case", "mode", "device", "machine", "run", "revision", "commit", "branch")
    found = series([entry(number, **dict.fromkeys(texts, HOSTILE)) for number in range(3)])
    table, _ = write_otava(found, tmp_path)
    rows = list(csv.DictReader(table.open(encoding="utf-8", newline="")))
    assert len(rows) == 3 and rows[0]["branch"].startswith("<img src=x") and "\x1b" not in rows[0]["branch"]


# asv


def test_asv_gets_a_file_for_each_commit_and_machine(tmp_path):
    paths, left_out = write_asv(_history(), tmp_path / "new")
    assert left_out == 0 and len(paths) == 2 + len(TIMES)
    assert json.loads((tmp_path / "new/here/machine.json").read_text())["machine"] == "here"
    benchmarks = json.loads((tmp_path / "new/benchmarks.json").read_text())
    assert benchmarks["perf.small.time_step"]["params"] == [[repr(REFERENCE)]]


def test_asv_gets_no_emulated_time_and_no_run_of_no_commit(tmp_path):
    dirty = entry(2, revision="abc-dirty")
    found = series([entry(1, emulated=True), dirty, entry(3, commit=None), entry(4, commit="f" * 40)])
    _, left_out = write_asv(found, tmp_path)
    assert left_out == 2
    values = json.loads((tmp_path / f"here/{1:040x}-cpu.json").read_text())["results"]
    assert "perf.small.time_step" not in values and values["perf.small.track_casts"][0] == [69]
    values = json.loads((tmp_path / f"here/{'f' * 40}-cpu.json").read_text())
    assert values["results"]["perf.small.time_step"][0] == [0.5] and values["commit_hash"] == "f" * 40


def test_asv_gets_hostile_names_as_names_of_files_below_its_folder(tmp_path):
    texts = ("suite", "case", "mode", "device", "machine", "commit")
    paths, _ = write_asv(series([entry(**dict.fromkeys(texts, "../../" + HOSTILE))]), tmp_path / "tree")
    assert all(tmp_path / "tree" in path.resolve().parents for path in paths)


# As their readers read them


@pytest.fixture(scope="session")
def reader(tmp_path_factory):
    """Path of a program, from the folder that READERS names or from an environment that is made for it."""

    def reader(package, program):
        home = os.environ.get("READERS")
        folder = os.path.join(home, program) if home else str(tmp_path_factory.mktemp(program))
        path = os.path.join(folder, "bin", program)
        if not os.path.exists(path):
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([os.path.join(folder, "bin", "pip"), "install", "--quiet", package], check=True)
        return path

    return reader


def _ended(command, folder):
    ended = subprocess.run(command, cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert ended.returncode == 0, ended.stdout.decode()
    return ended.stdout.decode()


@pytest.mark.readers
@pytest.mark.any_tensorflow
def test_otava_finds_the_change_that_is_there(reader, tmp_path):
    otava = reader("apache-otava", "otava")
    table, _ = write_otava(_history(), tmp_path)
    command = [otava, "analyze", "--config-file", "otava.yaml", "--since", "2025-12-01", "--output", "json"]
    told = _ended([*command, table.stem], tmp_path)
    (found,) = json.loads(told[told.index("{") :]).values()
    changed = {change["metric"] for point in found for change in point["changes"]}
    assert changed == {"step_seconds"} and [point["time"] for point in found] == [1768953600]  # day 20


@pytest.mark.readers
@pytest.mark.any_tensorflow
def test_asv_publishes_the_tree(reader, tmp_path):
    asv = reader("asv", "asv")
    repository = tmp_path / "repository"
    repository.mkdir()
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    _ended([*git, "init", "-q", "-b", "main"], repository)
    entries = []
    for number, seconds in enumerate(TIMES):
        _ended([*git, "commit", "-q", "--allow-empty", "-m", str(number), f"--date={day(number)}"], repository)
        entries.append(entry(number, seconds, commit=_ended([*git, "rev-parse", "HEAD"], repository).strip()))
    write_asv(series(entries), tmp_path / "results")
    config = {
        "version": 1, "project": "p", "repo": str(repository), "branches": ["main"], "results_dir": "results",
        "html_dir": "html", "benchmark_dir": str(tmp_path),
    }  # fmt: skip
    (tmp_path / "asv.conf.json").write_text(json.dumps(config))
    _ended([asv, "publish", "--no-pull"], tmp_path)
    index = json.loads((tmp_path / "html/index.json").read_text())
    assert index["params"]["machine"] == ["here"] and "perf.small.time_step" in index["benchmarks"]
    regressions = json.loads((tmp_path / "html/regressions.json").read_text())["regressions"]
    assert [found[0] for found in regressions if "time_step" in found[0]] == [f"perf.small.time_step('{REFERENCE}')"]
