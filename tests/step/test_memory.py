import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

import bench
from harness import modes
from harness.devices import memory
from harness.records import Case
from harness.step import inputs
from harness.step.memory import activation_bytes, needed_bytes
from model import vgg
from tests.conftest import ROOT

GIB = 2**30
MEASURED = [
    *((2, False, side, 1, peak) for side, peak in ((64, 1.43), (128, 1.47), (256, 1.52), (512, 2.08), (768, 3.04))),
    *((2, True, side, 1, peak) for side, peak in ((256, 1.61), (512, 2.16))),
    *((1, False, side, 1, peak) for side, peak in ((256, 0.80), (512, 1.79), (768, 2.79), (1000, 4.53))),
    *((1, True, 512, 1, 1.84), (2, False, 256, 3, 2.27), (2, False, 1000, 1, 4.29)),
]
"""TensorFlow's major version, emulated, pixels of width, batch, peak in GB: see harness.step.memory."""
PEAK = """
import sys, neural_style
assert neural_style.main(sys.argv[1:]) == 0
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")).split()[1])
"""


@pytest.fixture(scope="module")
def full():
    return vgg.synthetic()


def loaded(side, network, batch=1, style=32):
    case = Case(id="square", content="a", styles=("b",), steps=1, batch=batch)
    contents, styles = np.zeros((side, side, 3), np.uint8), np.zeros((style, style, 3), np.uint8)
    return inputs.Loaded(case, inputs.Pictures((contents,) * batch, (styles,), None), network)


@pytest.mark.parametrize("tensorflow, emulated, side, batch, peak", MEASURED)
def test_the_estimate_is_near_what_was_measured(full, tensorflow, emulated, side, batch, peak):
    estimate = needed_bytes(loaded(side, full, batch, style=side), tensorflow, emulated)
    assert estimate == pytest.approx(peak * 1e9, rel=0.15)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
@pytest.mark.parametrize(
    "side, mode",
    [
        (128, "must_keep_origin_dtype"),
        pytest.param(256, "must_keep_origin_dtype", marks=pytest.mark.slow),
        pytest.param(320, "allow_mix_precision", marks=pytest.mark.slow),
        pytest.param(1000, "must_keep_origin_dtype", marks=pytest.mark.slow),
    ],
)
def test_the_estimate_is_near_a_run_s_peak(full, tmp_path, side, mode):
    pixels = np.random.RandomState(0).randint(0, 256, (side, side, 3)).astype(np.uint8)
    picture = str(tmp_path / "picture.png")
    Image.fromarray(pixels).save(picture)
    options = ["--content", picture, "--styles", picture, "--output", str(tmp_path / "out.png"), "--device", "cpu"]
    options += ["--network", "synthetic", "--iterations", "2", "--precision-mode", mode]
    command = [sys.executable, "-c", PEAK, *options]
    ended = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, text=True, check=True)
    peak = 1024 * int(ended.stdout.splitlines()[-1])
    estimate = needed_bytes(loaded(side, full, style=side), int(tf.__version__[0]), mode == "allow_mix_precision")
    assert estimate == pytest.approx(peak, rel=0.15)


def test_what_the_backward_pass_needs_at_256_pixels_weighs_80_mib(full):
    assert activation_bytes(loaded(256, full), 256, 256) == 80 * 2**20
    assert activation_bytes(loaded(256, vgg.synthetic(divide_widths_by=8)), 256, 256) == 10 * 2**20


def test_a_batch_multiplies_pixels_and_a_style_counts_by_its_own(full):
    one = needed_bytes(loaded(512, full), 2, False)
    three = needed_bytes(loaded(512, full, batch=3), 2, False)
    base = needed_bytes(loaded(32, full), 2, False)
    assert (three - base) / (one - base) == pytest.approx(3, rel=0.02)
    assert needed_bytes(loaded(64, full, style=1024), 2, False) == pytest.approx(2.32e9, rel=0.05)
    assert needed_bytes(loaded(512, full), 2, False, forward_only=True) < one


def test_each_processor_of_several_takes_its_own(full, monkeypatch):
    asked = (loaded(512, full), [modes.get("must_keep_origin_dtype")])
    monkeypatch.setattr(memory, "available_bytes", lambda: 3 * GIB)
    monkeypatch.setattr(memory, "_tensorflow", lambda: 2)
    memory.require(*asked, "cpu:0", "--size")
    with pytest.raises(memory.UsageError, match="512x512 pixels, .* need about 4.0 GiB, .* 3.0 GiB available"):
        memory.require(*asked, "cpu:0,cpu:1", "--size")
    memory.require(*asked, "npu:0,npu:1", "--size")


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: GIB // 2)


@pytest.mark.parametrize(
    "arguments", ["--suite smoke", "--suite smoke --plan-only", "explain force_fp16", "blame force_fp16", "calibrate"]
)
def test_every_command_that_makes_steps_looks_first(arguments, little, monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench.py", *arguments.split()])
    assert bench.main() == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1) and "0.5 GiB available: give --size" in printed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "option, value", [("--size", "8193"), ("--size", "31"), ("--batch", "1025"), ("--steps", "1000001")]
)
def test_sizes_are_bounded_from_above_as_from_below(option, value, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench.py", "--suite", "smoke", option, value])
    assert bench.main() == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and value in line


def test_a_content_of_its_own_size_is_bounded_too(tmp_path, style):
    Image.new("1", (9000, 40)).save(str(tmp_path / "wide.png"))
    case = Case(id="wide", content=str(tmp_path / "wide.png"), styles=(style,), steps=1)
    with pytest.raises(memory.UsageError, match="at its own size: 9000x40 pixels, expected at most 8192 on each side"):
        inputs.resolve(case, cache="")
