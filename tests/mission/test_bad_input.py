import os
import subprocess
import time

import numpy as np
import pytest
import scipy.io

from harness.mission import loop
from model import images
from reports.mission.log import MissionLog
from tests.mission.conftest import pixels
from tests.trial.processes import fill


@pytest.fixture
def refused(stylize):
    """Runs a command that must end in one line and status 2, and leave nothing; returns the line."""

    def refused(options, output="out.png"):
        before = set(os.listdir("."))
        ended = stylize(f"--iterations 2 {options}", output)
        assert ended.status == 2, ended
        assert ended.out == "" and ended.err.count("\n") == 1, ended.err
        assert ended.err.startswith("neural_style.py: ")
        assert set(os.listdir(".")) == before
        return ended.err

    return refused


@pytest.mark.parametrize(
    "options, part",
    [
        ("--iterations 0", "--iterations 0: should be greater than 0"),
        ("--iterations -3", "--iterations -3: should be greater than 0"),
        ("--iterations many", "argument --iterations: invalid int value: 'many'"),
        ("--style-blend-weights 1 2", "--style-blend-weights: 2 values, expected 1, one per style picture"),
        ("--style-blend-weights 0", "--style-blend-weights must be non-negative and not all zero"),
        ("--style-blend-weights -1", "--style-blend-weights must be non-negative and not all zero"),
        ("--style-scales 1 2", "--style-scales: 2 values, expected 1, one per style picture"),
        ("--style-scales 0", "--style-scales must be above 0 and at most 256"),
        ("--style-scales 0.01", "at scale 0.01 of a 40 pixels wide content: 0x0 pixels, expected at least 1 on"),
        ("--style-layer-weight-exp -1", "--style-layer-weight-exp -1.0: should be greater than or equal to 0"),
        ("--pooling median", "argument --pooling: invalid choice: 'median' (choose from "),
        ("--content-weight nan", "--content-weight nan: should be a finite number"),
        ("--content-weight -1", "--content-weight -1.0: should be greater than or equal to 0"),
        ("--content-weight 0 --style-weight 0 --tv-weight 0", "are all zero: nothing to optimise"),
        ("--content-weight-blend 2", "--content-weight-blend 2.0: should be less than or equal to 1"),
        ("--eps -1", "--eps -1.0: should be greater than or equal to 0"),
        ("--beta1 1", "--beta1 1.0: should be less than 1"),
        ("--learning-rate 0", "--learning-rate 0.0: should be greater than 0"),
        ("--initial-noiseblend 2", "--initial-noiseblend 2.0: should be less than or equal to 1"),
        ("--width 0", "--width 0: should be greater than 0"),
        ("--width 8193", "--width 8193: should be less than or equal to 8192"),
        ("--style-scales 1e9", "--style-scales must be above 0 and at most 256"),
        ("--style-scales 250", "at scale 250 of a 40 pixels wide content: 10000x10000 pixels, expected at most 8192"),
        ("--batch-size 1025", "--batch-size 1025: should be less than or equal to 1024"),
        ("--iterations 1000001", "--iterations 1000001: should be less than or equal to 1000000"),
        ("--width 20", "at size 20: 20x16 pixels, expected at least 32 on each side"),
        ("--seed -1", "--seed -1: should be greater than or equal to 0"),
        ("--print-iterations -1", "--print-iterations -1: should be greater than or equal to 0"),
        ("--checkpoint-iterations 2", "--checkpoint-output and --checkpoint-iterations must be given together"),
        ("--checkpoint-output a_{}.png", "--checkpoint-output and --checkpoint-iterations must be given together"),
        ("--checkpoint-iterations -1 --checkpoint-output a_{}.png", "--checkpoint-iterations -1: should be greater"),
        ("--checkpoint-iterations 1 --checkpoint-output a.png", "expected one placeholder for the iteration"),
        ("--checkpoint-iterations 1 --checkpoint-output a_{x}.png", "expected one placeholder for the iteration"),
        ("--checkpoint-iterations 1 --checkpoint-output a_{0.x}.png", "expected one placeholder for the iteration"),
        ("--checkpoint-iterations 1 --checkpoint-output a_%.png", "expected one placeholder for the iteration"),
        ("--checkpoint-iterations 1 --checkpoint-output a_%d_%d.png", "expected one placeholder for the iteration"),
        ("--checkpoint-iterations 1 --checkpoint-output {}", "picture suffix '' is unknown (expected one of .jpg"),
        ("--checkpoint-iterations 1 --checkpoint-output no/{}.png", "output folder no: No such file or directory"),
        ("--record out.png", "output out.png: two files of one job would have this name"),
        ("--precision-mode fp8", "mode 'fp8' is unknown (expected one of must_keep_origin_dtype,"),
        ("--precision-mode force_fp16 --mixlist a.json", "--mixlist a.json: none of the modes takes it"),
        ("--device tpu", "device 'tpu' is unknown (expected one of auto, cpu, gpu, npu,"),
        ("--device npu:99", "device npu:99: no such card (found no /dev/davinci0"),
        ("--colour", "unrecognized arguments: --colour"),
        ("--content missing.jpg", "picture missing.jpg: no such file"),
        ("--styles missing.jpg", "picture missing.jpg: no such file"),
        ("--initial missing.jpg", "missing.jpg: no such file"),
        ("--network missing.mat", "network missing.mat: no such file (expected imagenet-vgg-verydeep-19.mat"),
    ],
)
def test_one_line_that_names_the_option_and_what_was_expected(refused, options, part):
    assert part in refused(options)


def test_a_device_that_is_not_there_is_named(stylize):
    ended = stylize("--device gpu")
    assert ended.status == 2 and os.listdir(".") == []
    # TensorFlow 1.15 has a word about it first.
    assert ended.err.splitlines()[-1].startswith("neural_style.py: gpu: TensorFlow")


@pytest.mark.parametrize(
    "output, part",
    [
        ("out.txt", "picture suffix '.txt' is unknown (expected one of .jpg"),
        ("out", "picture suffix '' is unknown"),
        ("missing/out.png", "output folder missing: No such file or directory"),
        (".", "picture suffix '' is unknown"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_at_once(refused, output, part):
    assert part in refused("", output)


def test_the_required_options_are_named(monkeypatch, capfd):
    import neural_style

    with pytest.raises(SystemExit) as stop:
        neural_style.main([])
    assert stop.value.code == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1 and "--content, --styles, --output" in err


def test_a_file_that_is_none_of_its_kind_is_named(refused, tmp_path):
    (tmp_path / "text.png").write_text("hello\n")
    scipy.io.savemat(str(tmp_path / "other.mat"), {"a": np.eye(3)})
    for option in ("--content", "--styles", "--initial"):
        assert "text.png: not a picture Pillow can read" in refused(f"{option} {tmp_path / 'text.png'}")
    for name in ("text.png", "other.mat"):
        assert name in refused(f"--network {tmp_path / name}")


def test_every_output_is_protected(stylize, refused):
    options = "--iterations 2 --checkpoint-iterations 1 --checkpoint-output at_{}.png --record record.json"
    options += " --progress-write --progress-plot"
    assert stylize(options).status == 0
    written = sorted(os.listdir("."))
    assert written == sorted(
        ["at_1.png", "at_2.png", "out.png", "out.png.state.npz", "progress.png", "progress.txt", "record.json"]
    )
    for name in written:
        for other in written:
            if other != name:
                os.rename(other, other + ".away")
        assert f"output {name} exists (use --overwrite" in refused(options)
        for other in written:
            if other != name:
                os.rename(other + ".away", other)
    os.chmod("out.png", 0o600)
    assert stylize(f"{options} --overwrite").status == 0


@pytest.mark.parametrize("full_at", (1, 2, 5, 7))
def test_a_full_disk_is_one_line_and_nothing_half_written(stylize, monkeypatch, full_at):
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) >= full_at:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    ended = stylize(
        "--iterations 4 --checkpoint-iterations 2 --checkpoint-output at_{}.png --progress-write --record r.json"
    )
    assert ended.status == 1
    assert ended.err.splitlines()[-1].startswith("neural_style.py: cannot write ")
    assert ended.err.endswith(": No space left on device\n") and "Traceback" not in ended.err
    order = ["out.png.state.npz", "at_2.png", "out.png.state.npz", "at_4.png", "out.png", "progress.txt", "r.json"]
    assert sorted(os.listdir(".")) == sorted(set(order[: full_at - 1]))


def test_a_disk_that_fills_up_is_one_line_and_a_job_that_can_continue(stylize, monkeypatch, small_disk):
    job = f"--iterations 6 --checkpoint-iterations 2 --checkpoint-output {small_disk}/at_{{}}.png"
    output = os.path.join(small_disk, "out.png")

    def stepped(self, sample):
        if sample.updates == 3:
            # The checkpoint is written beside the steps.
            while not os.path.exists(f"{small_disk}/at_2.png"):
                time.sleep(0.01)
            fill(small_disk)

    with monkeypatch.context() as patch:
        patch.setattr(MissionLog, "stepped", stepped)
        ended = stylize(job, output)
    assert ended.status == 1
    assert ended.err.splitlines()[-1] == f"neural_style.py: cannot write {output}.state.npz: No space left on device"
    assert sorted(os.listdir(small_disk)) == ["at_2.png", "filler", "out.png.state.npz"]
    os.unlink(os.path.join(small_disk, "filler"))
    ended = stylize(f"{job} --resume", output)
    assert ended.status == 0 and "resumed after 2 updates" in ended.err


def test_a_read_only_folder_is_refused_at_once(stylize, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    ended = stylize("--iterations 2", os.path.join(small_disk, "out.png"))
    assert ended.status == 2
    assert ended.err == f"neural_style.py: output folder {small_disk}: Read-only file system\n"


def test_files_that_vanish_after_they_were_read_are_not_missed(stylize, monkeypatch, picture, style):
    def begun(self, job, *rest):
        os.unlink(picture)
        os.unlink(style)
        begin(self, job, *rest)

    begin = MissionLog.begun
    monkeypatch.setattr(MissionLog, "begun", begun)
    assert stylize("--iterations 2 --preserve-colors").status == 0
    assert pixels("out.png").shape == (33, 40, 3)


def test_a_file_that_vanishes_before_it_is_read_is_named(stylize, monkeypatch, tmp_path, picture):
    read = images.read

    def vanishing_read(path):
        os.unlink(path)
        return read(path)

    monkeypatch.setattr(images, "read", vanishing_read)
    ended = stylize("--iterations 2")
    assert ended.status == 2 and ended.err == f"neural_style.py: picture {picture}: no such file\n"


def test_an_output_folder_that_vanishes_is_one_line(stylize, monkeypatch):
    os.mkdir("there")

    def finite(self):
        os.rmdir("there")
        return go(self)

    go = loop._Run.go
    monkeypatch.setattr(loop._Run, "go", finite)
    ended = stylize("--iterations 2", "there/out.png")
    assert ended.status == 1
    assert ended.err.splitlines()[-1] == "neural_style.py: cannot write there/out.png: No such file or directory"


def test_a_customised_name_that_is_not_in_the_graph_is_one_line(refused, tmp_path):
    dtypes = tmp_path / "dtypes.cfg"
    dtypes.write_text("no/such/op::InputDtype:float32,OutputDtype:float32\n")
    message = refused(f"--precision-mode force_fp16 --customize-dtypes {dtypes}")
    assert "dtypes.cfg" in message and "no/such/op" in message


def test_a_picture_that_does_not_fit_is_refused_before_anything_is_computed(refused, monkeypatch):
    monkeypatch.setattr("harness.devices.memory.available_bytes", lambda: 2**29)
    line = refused("")
    assert "case picture: 40x33 pixels, styles of 40x40, need about " in line
    assert line.endswith("GiB, this machine has 0.5 GiB available: give --width\n")
