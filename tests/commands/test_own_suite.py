"""A suite of the user's own, from its first run to its gate: all in a folder of theirs."""

import json
import sys

import pytest

import bench

SUITE = """
modes = ["force_fp16"]
[[cases]]
id = "ours"
content = "picture.png"
styles = ["style.png"]
size = 48
steps = 5
network = "synthetic-narrow"
"""


@pytest.fixture
def run_bench(monkeypatch, capsys, tmp_path, picture, style):
    (tmp_path / "ours.toml").write_text(SUITE)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr("harness.machine.git.describe", lambda: "0123456789ab")  # of no tree with changes in it
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.py", *arguments])
        capsys.readouterr()
        return bench.main(), capsys.readouterr().out

    return run


def test_what_is_approved_lies_beside_the_suite_and_gates(run_bench, tmp_path):
    gate = ("--suite", "ours.toml", "--plan-only", "--gate", "--report", "none", "--json")
    status, out = run_bench(*gate)
    answer = json.loads(out)
    assert status == answer["exit_status"] == 4
    assert [(row["case"], row["mode"], row["summary"]) for row in answer["table"]] == [("ours", "force_fp16", None)]
    assert answer["table"][0]["plan"]["casts"] > 0
    (folder,) = (tmp_path / "results").iterdir()
    record = (folder / "run.json").read_text()
    (folder / "run.json").write_text(record.replace(f"{tmp_path}/baselines", "/no/such/baselines"))
    assert run_bench("approve", str(folder), "--reason", "of another machine")[0] == 2
    (folder / "run.json").write_text(record)
    assert run_bench("approve", str(folder), "--reason", "the first")[0] == 0
    assert [path.parent.name for path in (tmp_path / "baselines" / "ours").glob("*/*.json")] == ["ours"]
    status, out = run_bench(*gate)
    assert (status, [verdict["outcome"] for verdict in json.loads(out)["verdicts"]]) == (0, ["pass"])
    assert run_bench(*gate, "--baselines", "elsewhere")[0] == 4
