import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.io

import bench
from tests.conftest import ROOT


@pytest.fixture
def usage_error(monkeypatch, capfd, tmp_path, picture):
    """Runs the command line, asserts a usage error that leaves no file behind, and returns its one line."""

    def run(*arguments):
        output = tmp_path / "results"
        command = ["bench.py", *arguments]
        if "--output" not in arguments:
            command += ["--output", str(output)]
        monkeypatch.setattr(sys, "argv", command)
        before = set(tmp_path.rglob("*"))
        assert bench.main() == 2
        printed = capfd.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("bench.py: ") and printed.err.count("\n") == 1, printed.err
        assert set(tmp_path.rglob("*")) == before
        return printed.err

    return run


def _damaged_pictures(tmp_path, picture):
    whole = Path(picture).read_bytes()
    files = {"empty.png": b"", "truncated.png": whole[: len(whole) // 2], "text.jpg": b"not a picture\n"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.png").mkdir()
    return ["missing.png", "folder.png", *files]


@pytest.mark.parametrize("option", ["--content", "--styles", "--init"])
def test_a_picture_that_cannot_be_used_is_named(usage_error, tmp_path, picture, option):
    for name in _damaged_pictures(tmp_path, picture):
        message = usage_error("--suite", "smoke", option, str(tmp_path / name))
        assert str(tmp_path / name) in message


def test_a_picture_can_be_too_small(usage_error, tmp_path, picture):
    assert "31x25 pixels, expected at least 32" in usage_error("--suite", "smoke", "--content", picture, "--size", "31")


def test_the_pictures_of_a_batch_must_fit_it_and_each_other(usage_error, picture, style):
    both = ["--suite", "smoke", "--content", picture, "--content", style]
    assert "2 content pictures for a batch of 1" in usage_error(*both, "--batch", "1")
    message = usage_error(*both, "--size", "48")
    assert f"content {style}: 48x48 pixels, expected 48x40 as {picture} has" in message


def test_a_network_file_that_is_none_says_where_to_get_it(usage_error, tmp_path):
    (tmp_path / "text.mat").write_text("hello\n")
    scipy.io.savemat(str(tmp_path / "other.mat"), {"a": np.eye(3)})
    for name in ("missing.mat", "text.mat", "other.mat"):
        message = usage_error("--suite", "smoke", "--network", str(tmp_path / name))
        assert name in message and "imagenet-vgg-verydeep-19.mat" in message and "534.9 MB" in message


@pytest.mark.parametrize(
    "text, part",
    [
        ("", "the file is empty"),
        ("no/such/op::InputDtype:float16,OutputDtype:float16", "'no/such/op': expected the name of an op"),
        ("nonsense", "'nonsense'"),
    ],
)
def test_customised_dtypes_that_cannot_be_used_are_named(usage_error, tmp_path, picture, style, text, part):
    (tmp_path / "dtypes.cfg").write_text(text)
    message = usage_error(
        *"--suite smoke --network synthetic-narrow --size 48 --modes force_fp16 --customize-dtypes".split(),
        *(str(tmp_path / "dtypes.cfg"), "--content", picture, "--styles", style),
    )
    assert "dtypes.cfg" in message and part in message


def test_a_mixlist_that_cannot_be_used_is_named(usage_error, tmp_path):
    (tmp_path / "mix.json").write_text('{"grey-list": {}}')
    message = usage_error(*"--suite smoke --modes allow_mix_precision --mixlist".split(), str(tmp_path / "mix.json"))
    assert "mix.json: grey-list: expected black-list, white-list or gray-list" in message


@pytest.mark.parametrize(
    "arguments, part",
    [
        (["--suite", "nothing"], "suite 'nothing' is unknown (expected one of accuracy, perf, reference, scaling"),
        (["--suite", "reference"], "suite reference: --data-path is missing (expected the folder of 1-content.jpg"),
        (["--suite", "reference", "--data-path", "no"], "picture no/1-content.jpg: no such file"),
        (["--suite", "smoke", "--data-path", "no"], "--data-path no: suite smoke has its own pictures"),
        ([], "expected --suite NAME, --resume RUN or a command"),
        (["--lang", "en", "history"], "--lang stands before history: expected history and its options only"),
        (["--quiet", "--device", "npu:7", "compare", "A", "B"], "stands before compare: expected compare and"),
        (["--suite", "smoke", "--require-fit"], "--require-fit: suite smoke judges no pictures"),
        (["--resume", "somewhere", "--steps", "4"], "--resume takes no --steps"),
        (["--suite", "smoke", "--modes", "fp8"], "mode 'fp8' is unknown (expected one of must_keep_origin_dtype,"),
        (["--suite", "smoke", "--device", "tpu"], "device 'tpu' is unknown (expected one of auto, cpu, gpu, npu, "),
        (["--suite", "smoke", "--device", "npu:99"], "device npu:99: no such card (found no /dev/davinci0"),
        (
            ["--suite", "smoke", "--device", "cpu", "--npu-option", "deterministic=1"],
            "there is no card in --device cpu",
        ),
        (["--suite", "smoke", "--npu-option", "determinism=1"], "determinism=1: no such option (expected one of "),
        (["--suite", "smoke", "--loss-scale", "0"], "--loss-scale 0: init 0: input should be greater than or equal"),
        (
            ["--suite", "smoke", "--loss-scale", "1e39"],
            "--loss-scale 1e39: init 1e39: input should be less than or equal",
        ),
        (
            ["--suite", "smoke", "--loss-scale", "dynamic:incr_every=9999999999"],
            "incr_every 9999999999: input should be",
        ),
        (["--suite", "smoke", "--emit", "fast"], "'fast' is not one of 'rounded', 'native'"),
        (
            ["--suite", "smoke", "--modes", "allow_fp32_to_bf16", "--health"],
            "--health counts what rounding loses, and allow_fp32_to_bf16 does not round; leave one out",
        ),
        (["blame", "allow_mix_precision_bf16"], "it swaps kernels of the 910, which has no bfloat16"),
        (["--suite", "smoke", "--overflow", "wrap"], "'wrap' is not one of 'saturate', 'ieee'"),
        (["--suite", "smoke", "--steps", "0"], "steps 0: input should be greater than 0"),
        (["--suite", "smoke", "--steps", "many"], "'many' is not a valid integer"),
        (["--suite", "accuracy", "--batch", "2"], "suite accuracy: it judges one picture at a time"),
        (["--suite", "smoke", "--batch", "0"], "batch 0: input should be greater than 0"),
        (["--suite", "smoke", "--size", "-4"], "size -4: input should be greater than 0"),
        (["--suite", "smoke", "--replicates", "0"], "replicates 0: input should be greater than 0"),
        (
            ["--suite", "perf", "--max-replicates", "2"],
            "--max-replicates 2: value error, expected at least",
        ),
        (["--suite", "perf", "--half-width", "0"], "--half-width 0.0: input should be greater than 0"),
        (["--suite", "perf", "--budget", "-1"], "budget -1.0: input should be greater than 0"),
        (["--suite", "perf", "--against", "HEAD", "--half-width", "0.1"], "--against takes no --half-width"),
        (["--suite", "smoke", "--timeout", "0"], "timeout 0.0: input should be greater than 0"),
        (["--suite", "smoke", "--timeout", "inf"], "timeout inf: input should be a finite number"),
        (["--suite", "smoke", "--seed", "-1"], "seed -1: input should be greater than or equal to 0"),
        (["--suite", "smoke", "--colour"], "No such option"),
        (["paint"], "No such command 'paint'"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(usage_error, arguments, part):
    assert part in usage_error(*arguments)


def test_an_output_folder_that_cannot_be_written_is_named(usage_error, picture):
    message = usage_error("--suite", "smoke", "--output", os.path.join(picture, "results"))
    assert "output folder" in message and "--output" in message


def test_a_fault_of_our_own_is_never_the_status_of_a_gate_that_failed(monkeypatch, capfd):
    def broken(*_, **__):
        raise LookupError("a fault")

    monkeypatch.setattr("harness.runs.runner.run_suite", broken)
    monkeypatch.setattr(sys, "argv", ["bench.py", "--suite", "smoke"])
    assert bench.main() == 70
    err = capfd.readouterr().err
    assert "Traceback" in err and err.splitlines()[-1].startswith("bench.py: LookupError: ")


def test_the_command_line_does_not_import_tensorflow():
    code = (
        "import sys, bench, suites, harness.runs.runner, harness.machine.doctor;"
        "import reports.terminal.run, reports.terminal.progress;"
        "suites.get('perf'); print('tensorflow' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=str(ROOT)).decode().strip() == "False"


def _bench(*arguments, **options):
    command = [sys.executable, str(ROOT / "bench.py"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options)


def test_overrides_reach_the_trial_and_the_record(tmp_path, picture):
    process = _bench(
        *"--suite perf --network synthetic-narrow --steps 4 --size 40 --init noise --seed 3 --replicates 2".split(),
        *("--content", "picture.png", "--styles", "./picture.png", "--styles", picture, "--output", "out"),
        *("--modes", "force_fp16", "--device", "cpu", "--timeout", "3600"),
        cwd=str(tmp_path),  # where the paths are relative to; workers run elsewhere
    )
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "\x1b" not in out + err  # plain text, for neither is a terminal
    assert "[2/2] picture-40" in err
    (path,) = (tmp_path / "out").glob("perf-*/run.json")
    run = json.loads(path.read_text())
    (case,) = run["suite"]["cases"]
    assert (case["id"], case["steps"], case["size"], case["initial"], case["seed"]) == ("picture-40", 4, 40, "noise", 3)
    assert case["inputs"]["height"] == 33 and len(case["styles"]) == 2
    assert [trial["status"] for trial in run["trials"]] == ["ok", "ok"]
    assert f"{run['summaries'][0]['final_loss']:.4g}" in out
    assert sorted(os.listdir(str(path.parent))) == ["journal.jsonl", "report.html", "run.json", "trials"]
    assert (path.parent / run["trials"][0]["picture"]).stat().st_size > 0


def test_a_trial_that_fails_gives_status_5_and_its_reason(tmp_path, picture):
    process = _bench(
        *"--suite smoke --network synthetic-narrow --size 48 --timeout 0.01 --modes must_keep_origin_dtype".split(),
        *("--content", picture, "--output", str(tmp_path / "out")),
    )
    out, _ = process.communicate()
    assert process.returncode == 5
    assert "timed_out: picture-48.must_keep_origin_dtype.1: not finished after 0.01 s" in out


@pytest.mark.slow
def test_suite_scaling_tells_how_step_time_grows(tmp_path):
    process = _bench(
        *"--suite scaling --network synthetic-narrow --steps 3 --replicates 1 --output".split(), str(tmp_path / "out")
    )
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "must_keep_origin_dtype: step time grows as pixels ^ " in out and "5 sizes of 4096 to 65536 pixels" in out
    (path,) = (tmp_path / "out").glob("scaling-*/run.json")
    growth = json.loads(path.read_text())["growth"]
    assert [(law["quantity"], law["sizes"]) for law in growth] == [("step time", 5), ("peak memory", 5)]


def _wait_for(folder, pattern):
    for _ in range(36000):
        if list(folder.glob(pattern)):
            return
        time.sleep(0.1)
    raise AssertionError(f"{pattern} did not appear")


@pytest.mark.slow
def test_a_parent_killed_with_9_can_be_resumed(tmp_path, picture, style):
    arguments = (
        "--suite smoke --network synthetic-narrow --size 48 --modes must_keep_origin_dtype --replicates 2".split()
    )
    process = _bench(*arguments, "--content", picture, "--styles", style, "--output", str(tmp_path / "out"))
    _wait_for(tmp_path / "out", "*/trials/*.2/log.txt")
    process.kill()
    process.communicate()
    (folder,) = (tmp_path / "out").iterdir()
    assert json.loads((folder / "run.json").read_text())["complete"] is False
    again = _bench("--resume", str(folder))
    out, err = again.communicate()
    assert again.returncode == 0, err
    assert "[1/2]" not in err and "[2/2] picture-48" in err
    run = json.loads((folder / "run.json").read_text())
    assert run["complete"] and [trial["status"] for trial in run["trials"]] == ["ok", "ok"]


@pytest.mark.any_tensorflow
def test_ctrl_c_ends_with_130_and_keeps_the_run(signals_heeded, tmp_path, picture):
    process = _bench(
        *"--suite smoke --network synthetic-narrow --size 48 --steps 1000000 --modes must_keep_origin_dtype".split(),
        *("--content", picture, "--output", str(tmp_path / "out")),
        start_new_session=True,
    )
    _wait_for(tmp_path / "out", "*/trials/*/log.txt")
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=3600)
    assert process.returncode == 130, err
    assert "Interrupted: 0 of 1 trials finished" in out
    (path,) = (tmp_path / "out").glob("*/run.json")
    assert json.loads(path.read_text())["complete"] is False
    assert len(list(path.parent.glob("trials/*/samples.jsonl"))) == 1


@pytest.mark.parametrize("arguments", [["--suite", "smoke"], ["--suite", "perf", "--against", "HEAD"]])
def test_hosts_without_ray_are_refused_with_the_line_that_installs_it(arguments, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench.py", *arguments, "--hosts", "auto"])
    assert bench.main() == 2
    assert capsys.readouterr().err == "bench.py: --hosts auto: Ray is missing (pip install -r requirements-hosts.txt)\n"
    assert list(tmp_path.iterdir()) == []
