import json
import re
import shutil
import sys

import pytest

import bench
import suites
from reports.terminal.published_figures import PUBLISHED


def test_our_figures_beside_the_published_ones(tmp_path, monkeypatch, capfd, picture, style):
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(picture, str(data / "1-content.jpg"))
    shutil.copy(style, str(data / "1-style.jpg"))
    monkeypatch.setattr(
        sys,
        "argv",
        ["bench.py", "--suite", "reference", "--data-path", str(data), "--steps", "4", "--network", "synthetic-narrow"]
        + ["--modes", "allow_mix_precision+matmul32", "--device", "cpu", "--output", str(tmp_path / "results")],
    )
    assert bench.main() == 0
    out = capfd.readouterr().out
    (path,) = (tmp_path / "results").glob("reference-*/run.json")
    run = json.loads(path.read_text())
    (trial,) = run["trials"]
    samples = [json.loads(line) for line in (path.parent / trial["samples"]).read_text().splitlines()]
    assert [sample["updates"] for sample in samples if sample["phase"] != "extra"] == [0, 1, 2, 3]
    assert all(sample["losses"]["total"] > 0 for sample in samples)
    assert run["suite"]["cases"][0]["initial"] == "noise"

    ours = next(line for line in out.splitlines() if line.startswith("ours"))
    losses = [f"{trial['final_losses'][name]:.6g}" for name in ("content", "style", "tv", "total")]
    # Emulated steps are not repeated for their time, and these were too few for one.
    assert trial["step_seconds"] is None and ours.split()[1:] == ["(emulated)", *losses, "–"]
    assert re.search(r"832393 +262874 +72187.3 +1.16745e\+06 +0.01865", out)
    assert "847266" not in out  # of a mode that was not run
    assert "published after 1000: not comparable" in out and "8be0da9bb" in out.replace("\n", "")


def test_every_published_row_has_its_source_and_adds_up():
    published = json.loads(PUBLISHED.read_text())
    suite = suites.get("reference")
    assert [row["mode"] for row in published["rows"]] == [mode.name for mode in suite.modes]
    assert suite.cases[0].steps == published["steps"]
    for row in published["rows"]:
        assert "README at" in row["source"]
        parts = [row["losses"][name] for name in ("content", "style", "tv")]
        assert sum(parts) == pytest.approx(row["losses"]["total"], rel=1e-5)


def test_the_network_of_the_folder_is_used_when_it_is_there(tmp_path):
    suite = suites.get("reference")
    assert suites.from_folder(suite, str(tmp_path)).cases[0].network == "synthetic"
    (tmp_path / "imagenet-vgg-verydeep-19.mat").write_bytes(b"")
    (case,) = suites.from_folder(suite, str(tmp_path)).cases
    assert case.network == str(tmp_path / "imagenet-vgg-verydeep-19.mat")
    assert case.styles == (str(tmp_path / "1-style.jpg"),)
