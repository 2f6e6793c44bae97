import json
import os
import platform
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

NETWORK = "NEURAL-STYLE_ID2068_for_TensorFlow"


@pytest.fixture
def data(tmp_path, picture, style):
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(picture, str(folder / "1-content.jpg"))
    shutil.copy(style, str(folder / "1-style.jpg"))
    return folder


def _run(script, *arguments, **variables):
    command = [sys.executable] if script.endswith(".py") else ["bash"]
    return subprocess.run(
        [*command, str(ROOT / "scripts" / script), *map(str, arguments)],
        env={**os.environ, "PYTHON": sys.executable, "LC_ALL": "C", "LANGUAGE": "", **variables},
        capture_output=True,
        text=True,
    )


def _sources():
    return {path: path.read_bytes() for pattern in ("*.py", "*.sh") for path in ROOT.rglob(pattern)}


def _values(path, separator):
    lines = path.read_text().splitlines()
    return [tuple(line.split(separator, 1)) for line in lines if separator in line]


def test_the_full_script_from_start_to_end(tmp_path, data):
    sources = _sources()
    out = tmp_path / "out"
    ended = _run(
        "train_full_1p.sh",
        *("--data_path", data, f"--output_path={out}", "--train_steps=2", "--train_epochs", "3", "--batch_size=2"),
        *("--network=synthetic-narrow", "--precision_mode=force_fp16"),
        ASCEND_DEVICE_ID="3",
    )
    assert ended.returncode == 0, ended.stderr
    assert _sources() == sources
    case = f"{NETWORK}_bs2_1p_acc"
    assert {path.name for path in out.iterdir()} == (
        {"11.jpg", "11-2.jpg", "progress.txt", "progress.png", "run.json", "train_3.log"}
        | {f"{case}_loss.txt", f"{case}.log"}
    )
    record = json.loads((out / "run.json").read_text())
    assert record["updates"] == 6 and record["mode"] == "force_fp16"
    losses = (out / f"{case}_loss.txt").read_text().splitlines()
    assert losses == [f" {row['total']:g}" for row in record["losses"]]

    seconds = sum(record["step_seconds"][1:-1]) / 4
    values = dict(_values(out / f"{case}.log", " = "))
    assert list(values) == [
        *("Network", "RankSize", "BatchSize", "DeviceType", "CaseName", "ActualFPS", "TrainingTime", "ActualLoss"),
        *("TrainAccuracy", "E2ETrainingTime"),
    ]
    assert float(values["TrainingTime"]) == pytest.approx(seconds, abs=2e-9)
    assert values["ActualFPS"] == f"{2 / seconds:.2f}"
    assert [f" {values['ActualLoss']}", values["TrainAccuracy"]] == [losses[-1]] * 2
    assert values["DeviceType"] == platform.machine() and values["CaseName"] == case
    assert values["E2ETrainingTime"].isdigit()

    log, *_, separator, fps, step, duration, accuracy = ended.stdout.splitlines()
    assert log == str(out / "train_3.log")
    assert separator == "------------------ Final result ------------------"
    assert fps == f"Final Performance images/sec : {values['ActualFPS']}"
    assert step == f"Final Performance sec/step : {values['TrainingTime']}"
    assert accuracy == f"Final Train Accuracy : {losses[-1]}"
    assert duration == f"E2E Training Duration sec : {values['E2ETrainingTime']}"
    notice = ended.stdout.splitlines()[1:-5]
    assert notice[0] == "------------------ ERROR NOTICE START ------------------"
    assert notice[1] == "ERROR, your task haven't used Ascend NPU, please check your npu Migration."
    assert notice[2].startswith("INFO: no Ascend card was used: cpu")
    assert notice[-1] == "------------------ ERROR NOTICE END------------------"
    # Six steps are shown, one line each: fewer than ten.
    first, *others = ended.stderr.splitlines()
    assert first == "step 1/6"
    assert [re.sub(r"\d+ sec", "T", line) for line in others] == [
        f"step {number}/6, T elapsed, T remaining" for number in range(2, 7)
    ]


def test_the_performance_entry_copies_results_and_status(tmp_path, data):
    delivered = tmp_path / "delivered"
    ended = _run(
        "modelarts_entry_perf.py",
        *("--data_url", data, f"--train_url={delivered}", "--network", "synthetic-narrow", "--train_steps=3"),
        STYLEBENCH_WORK=str(tmp_path / "work"),
    )
    assert ended.returncode == 0, ended.stderr
    case = f"{NETWORK}_bs1_1p_perf"
    assert (delivered / "11.jpg").stat().st_size > 0
    assert "TrainAccuracy" not in dict(_values(delivered / f"{case}.log", " = "))
    assert len((delivered / f"{case}_loss.txt").read_text().splitlines()) == 4
    assert "Final Performance sec/step : 0." in ended.stdout and "Final Train Accuracy" not in ended.stdout


def test_a_failure_is_the_entry_s_status_and_its_log_is_delivered(tmp_path, data):
    (data / "1-style.jpg").write_text("no picture\n")
    delivered = tmp_path / "delivered"
    ended = _run(
        "modelarts_entry_acc.py",
        *("--data_url", data, "--train_url", delivered, "--network", "synthetic-narrow"),
        STYLEBENCH_WORK=str(tmp_path / "work"),
    )
    assert ended.returncode == 2
    assert "Final result" not in ended.stdout and "ERROR: no device was opened" in ended.stdout
    assert "1-style.jpg: not a picture Pillow can read" in ended.stderr
    assert "not a picture" in (delivered / "train_0.log").read_text()


def test_a_card_is_told_as_the_port_tells_it(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("neural_style.py: device: npu:0 (910) through TensorFlow 1.15.0, mode allow_mix_precision\n")
    lines = (ROOT / "scripts" / "train_common.sh").read_text()
    code = f"default_steps=1 case_suffix=a purpose= purpose_in_chinese=\n{lines}\nlog={log} network=a\nnotice"
    ended = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
    assert ended.stdout.splitlines() == [
        "------------------ INFO NOTICE START------------------",
        "INFO, your task have used Ascend NPU, please check your result.",
        "INFO: ran on an Ascend card: npu:0 (910) through TensorFlow 1.15.0, mode allow_mix_precision",
        "------------------ INFO NOTICE END------------------",
    ]


def test_the_folder_of_the_port_leads_to_the_scripts(tmp_path):
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    (tmp_path / "test").symlink_to("scripts")
    for folder, script in ((".", "test/train_full_1p.sh"), ("test", "train_full_1p.sh")):
        command = ["bash", script, "--ckpt_path=x", "--data_path=/", "--train_steps", "2"]
        ended = subprocess.run(command, cwd=str(tmp_path / folder), capture_output=True, text=True)
        assert ended.stderr.splitlines() == [
            "train_full_1p.sh: --ckpt_path has no effect here",
            "train_full_1p.sh: --train_steps 2: expected at least 3 steps in all",
        ]


@pytest.mark.parametrize("variables", [{"LANG": "zh_CN.UTF-8"}, {"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}])
def test_people_are_spoken_to_in_their_language(variables):
    variables = {"LANGUAGE": "", "LC_ALL": "", "LC_MESSAGES": "", **variables}
    assert "图片的更新次数，至少 3（1000）" in _run("train_full_1p.sh", "--help", **variables).stdout
    ended = _run("train_full_1p.sh", "--data_path=/", "--train_steps=2", **variables)
    assert ended.stderr == "train_full_1p.sh: --train_steps 2：总步数应至少为 3\n"


def test_a_failed_run_leaves_no_results_of_the_one_before(tmp_path, data):
    out = tmp_path / "out"
    out.mkdir()
    case = f"{NETWORK}_bs1_1p_perf"
    before = [f"{case}.log", f"{case}_loss.txt", "run.json", "11.jpg", "11-2.jpg", "progress.txt", "progress.png"]
    for name in [*before, "train_0.log", "notes.txt"]:
        (out / name).write_text("of the run before")
    options = ("--data_path", data, "--output_path", out, "--network=synthetic-narrow", "--precision_mode=nonsense")
    assert _run("train_performance_1p.sh", *options).returncode == 2
    assert sorted(path.name for path in out.iterdir()) == ["notes.txt", "train_0.log"]
    assert "nonsense" in (out / "train_0.log").read_text()


@pytest.mark.parametrize("option", ["--data_url", "--train_url"])
def test_a_place_that_only_moxing_reaches_is_refused_without_it(tmp_path, data, option):
    places = {"--data_url": str(data), "--train_url": str(tmp_path / "out"), option: "obs://bucket/place"}
    ended = _run("modelarts_entry_perf.py", *[word for place in places.items() for word in place])
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"modelarts_entry_perf.py: {option} obs://bucket/place: moxing is not installed")


@pytest.mark.parametrize("job_status, status", [(2, 2), (0, 1)])
def test_a_delivery_that_fails_does_not_replace_the_job_s_status(tmp_path, data, job_status, status):
    job = tmp_path / "python"  # in place of the one that the script starts
    job.write_text(f"#!/bin/sh\necho total loss: 2\necho sec/step: 1\necho sec/step: 1\nexit {job_status}\n")
    job.chmod(0o755)
    ended = _run(
        "modelarts_entry_perf.py",
        *("--data_url", data, "--train_url=/dev/null", "--network", "synthetic-narrow", "--train_steps=3"),
        STYLEBENCH_WORK=str(tmp_path / "work"),
        PYTHON=str(job),
    )
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr and "modelarts_entry_perf.py: --train_url /dev/null: " in ended.stderr


@pytest.mark.parametrize("script, steps", [("train_full_1p.sh", 1000), ("train_performance_1p.sh", 50)])
def test_help_tells_the_defaults_and_how_epochs_count(script, steps):
    ended = _run(script, "--help")
    assert ended.returncode == 0
    assert f"at least 3 ({steps})" in ended.stdout and "multiplies train_steps" in ended.stdout


@pytest.mark.parametrize(
    "arguments, part",
    [
        ([], "--data_path: expected the folder"),
        (["--data_path"], "--data_path: a value is missing"),
        (["--data_path=/", "--train_steps=many"], "--train_steps many: expected a whole number above 0"),
        (["--data_path=/", "--train_epochs", "0"], "--train_epochs 0: expected a whole number above 0"),
        (["--data_path=/", "--train_steps=2"], "--train_steps 2: expected at least 3 steps in all"),
        (["--data_path=/", "--batch_size=no"], "--batch_size no: expected a whole number above 0"),
        (["--data_path=/"], "no network //imagenet-vgg-verydeep-19.mat (--network=synthetic takes"),
        (["--colour=red"], "unknown argument --colour=red"),
    ],
)
def test_bad_arguments_are_one_line(arguments, part):
    ended = _run("train_full_1p.sh", *arguments)
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr.startswith("train_full_1p.sh: ") and ended.stderr.count("\n") == 1
    assert part in ended.stderr


def test_the_entry_names_a_data_folder_that_is_not_there(tmp_path):
    ended = _run("modelarts_entry_acc.py", "--data_url", "nowhere", "--train_url", tmp_path / "results")
    assert ended.returncode == 2
    assert ended.stderr == "modelarts_entry_acc.py: --data_url nowhere: no such folder\n"
