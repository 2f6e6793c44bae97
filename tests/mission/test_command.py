import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from model import images, stylization, vgg
from model.settings import StyleSettings
from tests.conftest import ROOT
from tests.mission.conftest import losses, pixels
from tests.model import training

STEPS = 5
TOTAL = re.compile(r"^  total loss: (\S+)$", re.M)
SECONDS = re.compile(r"^sec/step: (\d+\.\d{9})$", re.M)


def test_the_log_is_what_its_parsers_know_and_what_the_record_says(stylize):
    ended = stylize(f"--iterations {STEPS} --print-iterations 1 --record record.json")
    assert ended.status == 0
    lines = ended.out.splitlines()
    assert lines[0] == "Optimization started..."
    with open("record.json") as file:
        record = json.load(file)
    assert record["status"] == "ok" and record["updates"] == STEPS
    assert TOTAL.findall(ended.out) == [f"{row['total']:g}" for row in record["losses"]]
    assert SECONDS.findall(ended.out) == [f"{seconds:.9f}" for seconds in record["step_seconds"][:-1]]

    expected = []
    for updates in range(STEPS + 1):
        expected += [r"content loss: \S+", r"  style loss: \S+", r"     tv loss: \S+", r"  total loss: \S+"]
        if updates == 0:
            expected += [r"Iteration    1/   5"]
        elif updates < STEPS:
            timing = r" \(\d+ sec elapsed, \d+ sec remaining, \d+\.\d{9} gap\)"
            expected += [rf"Iteration    {updates + 1}/   5{timing}", r"sec/step: \d+\.\d{9}"]
    assert len(lines) - 1 == len(expected)
    for line, pattern in zip(lines[1:], expected):
        assert re.fullmatch(pattern, line), (line, pattern)
    assert "\x1b" not in ended.err and "device: cpu" in ended.err and "emulated" not in ended.err


@pytest.mark.parametrize(
    "period, printed", [("", [5]), ("--print-iterations 0", [5]), ("--print-iterations 2", [0, 2, 4, 5])]
)
def test_k_is_the_picture_after_k_updates(stylize, period, printed):
    ended = stylize(f"--iterations {STEPS} --record record.json --progress-write {period}")
    rows = losses()
    assert TOTAL.findall(ended.out) == [f"{rows[updates, 3]:g}" for updates in printed]
    table = np.loadtxt("progress.txt", ndmin=2)
    recorded = [updates for updates in printed if updates]
    np.testing.assert_array_equal(table, np.column_stack([recorded, rows[recorded]]))
    with open("progress.txt") as file:
        assert file.readline() == "# itr content style tv total\n"


def test_rows_are_those_of_a_plain_training_loop(stylize, picture, style):
    stylize(f"--iterations {STEPS} --record record.json --initial-noiseblend 0.5 --seed 3")
    network, settings = vgg.load("synthetic-narrow"), StyleSettings()
    content = images.resize(images.read(picture), 33, 40)
    painted = images.resize(images.read(style), 40, 40)
    targets = training.targets(content, [painted], network, settings, "float32")
    step = stylization.step_graph(training.start(content, network, 0.5, 3), targets, network, settings)
    rows, last = training.train(step, STEPS)
    np.testing.assert_allclose(losses()[:-1], rows, rtol=2e-6)
    np.testing.assert_allclose(pixels("out.png"), images.to_uint8(last[0] + network.mean_pixel), atol=1)


@pytest.mark.parametrize("pattern, name", [("step_{}.png", "step_2.png"), ("step_%03d.png", "step_002.png")])
def test_a_checkpoint_is_the_result_of_as_many_iterations(stylize, pattern, name):
    stylize(f"--iterations 4 --checkpoint-iterations 2 --checkpoint-output {pattern}")
    assert sorted(os.listdir(".")) == sorted(["out.png", "out.png.state.npz", name, name.replace("2", "4")])
    stylize("--iterations 2", "two.png")
    assert pixels(name).tolist() == pixels("two.png").tolist()
    assert pixels(name.replace("2", "4")).tolist() == pixels("out.png").tolist() != pixels("two.png").tolist()


def test_what_the_reference_program_takes_is_taken(stylize):
    small = "--iterations 2 --checkpoint-iterations 0 --checkpoint-output at_{}.png"
    for suffix in (".gif", ".ppm", ".jpe"):
        ended = stylize(f"{small} --style-scales 0.03 --style-layer-weight-exp 0", f"out{suffix}")
        assert ended.status == 0, ended.err
        assert pixels(f"out{suffix}").shape[:2] == (33, 40)
    assert len(os.listdir(".")) == 3  # no checkpoints


def test_with_checkpoints_the_best_of_them_is_the_result(stylize):
    options = "--learning-rate 60 --record record.json --overwrite"
    stylize(f"--iterations 8 --checkpoint-iterations 1 --checkpoint-output at_{{}}.png {options}")
    totals = losses()[:, 3]
    best = 1 + int(np.argmin(totals[1:]))
    assert best < 8, "this test needs a loss that rises again"
    stylize(f"--iterations {best} {options}", "best.png")
    assert pixels("out.png").tolist() == pixels("best.png").tolist() == pixels("at_8.png").tolist()
    stylize(f"--iterations 8 {options}", "last.png")
    assert pixels("last.png").tolist() != pixels("best.png").tolist()


def test_progress_goes_beside_the_output(stylize, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    ended = stylize("--iterations 3 --print-iterations 1 --progress-write --progress-plot", "../elsewhere/out.jpg")
    assert ended.status == 0, ended.err
    assert sorted(os.listdir("../elsewhere")) == ["out.jpg", "progress.png", "progress.txt"]
    assert os.listdir(".") == []
    plot = pixels("../elsewhere/progress.png")
    colors = {tuple(color) for color in plot.reshape(-1, plot.shape[-1])[:, :3] if np.ptp(color[:3]) > 60}
    assert len(colors) >= 4  # a line for each loss


def test_a_log_has_no_animation_whatever_the_environment_forces(stylize, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    ended = stylize("--iterations 2 --print-iterations 1")
    assert "\x1b" not in ended.out + ended.err and "\r" not in ended.out + ended.err
    assert re.search("^neural_style.py: device: cpu", ended.err, re.M)


def test_people_are_told_in_their_language_and_programs_in_english(stylize, monkeypatch):
    english = stylize("--iterations 2 --print-iterations 1")
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    chinese = stylize("--iterations 2 --print-iterations 1 --overwrite --learning-rate 1e30")
    assert "neural_style.py: 1 次更新后损失不是有限值" in chinese.err and "模式 must_keep_origin_dtype" in chinese.err
    assert re.search("^neural_style.py: device: cpu（", chinese.err, re.M) and "TensorFlow" in chinese.err
    assert chinese.out.splitlines()[:2] == english.out.splitlines()[:2]


def test_the_start(stylize, style, picture):
    still = "--iterations 1 --learning-rate 1e-6 --record record.json --overwrite"
    stylize(still)
    assert losses()[0, 2] == pytest.approx(100 * 4 * 0.256**2, rel=0.05)  # tv of the faint noise alone
    assert np.ptp(pixels("out.png").reshape(-1, 3), axis=0).max() <= 4
    stylize(f"{still} --initial {style}")
    expected = images.resize(images.read(style), 33, 40)
    assert np.abs(pixels("out.png") - expected).max() <= 1
    stylize(f"{still} --initial-noiseblend 0")
    content = images.resize(images.read(picture), 33, 40)
    assert np.abs(pixels("out.png") - content).max() <= 1
    stylize(f"{still} --initial {style} --initial-noiseblend 0.5")
    assert np.abs(pixels("out.png") - (expected + np.array(images.MEAN_PIXEL)) / 2).max() <= 3


def test_colours_are_kept_in_the_result_and_the_checkpoints(stylize, picture):
    stylize("--iterations 4 --preserve-colors --checkpoint-iterations 2 --checkpoint-output at_{}.png")
    content = images.resize(images.read(picture), 33, 40)
    with np.load("out.png.state.npz") as state:
        drawn = state["variable:picture"][0] + vgg.load("synthetic-narrow").mean_pixel
    expected = images.preserve_colors(content, drawn)
    assert expected.tolist() != images.preserve_colors(content, images.to_uint8(drawn)).tolist()
    assert pixels("out.png").tolist() == expected.tolist() == pixels("at_4.png").tolist()
    assert pixels("at_2.png").tolist() != expected.tolist()


@pytest.mark.parametrize(
    "option, settings",
    [
        ("--pooling avg", {"pooling": "avg"}),
        ("--content-weight 1", {"content_weight": 1}),
        ("--content-weight-blend 0.2", {"content_weight_blend": 0.2}),
        ("--style-weight 7", {"style_weight": 7}),
        ("--style-layer-weight-exp 2", {"style_layer_weight_exp": 2}),
        ("--tv-weight 3", {"tv_weight": 3}),
        ("--learning-rate 2", {"learning_rate": 2}),
        ("--beta1 0.5", {"beta1": 0.5}),
        ("--beta2 0.5", {"beta2": 0.5}),
        ("--eps 100", {"epsilon": 100}),
        ("--style-scales 0.1", {"style_scales": (0.1,)}),
        ("--style-layer-weight-exp 0", {"style_layer_weight_exp": 0}),
    ],
)
def test_a_setting_reaches_the_step(stylize, monkeypatch, option, settings):
    from harness.mission import loop

    class Reached(Exception):
        pass

    def build_step(case, *arguments):
        assert case.settings == StyleSettings(**settings)
        assert case.settings != StyleSettings()
        raise Reached

    monkeypatch.setattr(loop, "build_step", build_step)
    with pytest.raises(Reached):
        stylize(f"--iterations 2 {option}")


def test_several_styles_with_scales_and_blend_weights(stylize, style, picture):
    both = f"--iterations 1 --record record.json --overwrite --styles {style} {picture} --style-scales 1 1.2"
    assert stylize(f"{both} --style-blend-weights 3 1").status == 0
    mixed = losses()[0]
    stylize(f"--iterations 1 --record record.json --overwrite --styles {style}")
    first = losses()[0]
    stylize(f"--iterations 1 --record record.json --overwrite --styles {picture} --style-scales 1.2")
    second = losses()[0]
    assert mixed[1] == pytest.approx(0.75 * first[1] + 0.25 * second[1], rel=1e-5)
    assert abs(first[1] - second[1]) > 0.01 * first[1]


def test_the_seed_decides(stylize):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        stylize(f"--iterations 2 --seed {seed}", f"{name}.png")
    assert pixels("a.png").tolist() == pixels("b.png").tolist() != pixels("c.png").tolist()


def test_a_precision_mode_changes_the_arithmetic_and_says_so(stylize):
    stylize("--iterations 2 --record record.json")
    plain = losses()
    ended = stylize("--iterations 2 --record record.json --overwrite --precision-mode allow_mix_precision")
    assert ended.status == 0 and "emulated" in ended.err
    assert np.all(losses()[0, 1] != plain[0, 1])
    with open("record.json") as file:
        assert json.load(file)["emulated"] is True


def test_a_divergence_stops_with_its_terms_and_keeps_the_last_finite_picture(stylize, picture):
    ended = stylize("--iterations 5 --learning-rate 1e30 --initial-noiseblend 0 --progress-write --record record.json")
    assert ended.status == 1
    (line,) = [line for line in ended.err.splitlines() if "not finite" in line]
    assert line.startswith("neural_style.py: the loss is not finite after 1 updates: content inf")
    assert line.endswith("the last finite picture is kept in out.png")
    # Subtracting and adding the mean pixel costs a level here and there, as the reference program truncates.
    assert np.abs(pixels("out.png") - images.resize(images.read(picture), 33, 40)).max() <= 1
    assert len(losses()) == 1
    with open("record.json") as file:
        assert json.load(file)["status"] == "diverged"


def test_the_last_finite_picture_is_the_one_before(stylize, monkeypatch):
    from harness.mission import loop

    def require_finite(updates, losses):
        raise loop.DivergedError(updates, dict(losses, total=float("nan")))

    with monkeypatch.context() as patch:
        patch.setattr(loop, "require_finite", require_finite)  # the last row only
        ended = stylize("--iterations 4")
    assert ended.status == 1 and "not finite after 4 updates: total nan" in ended.err
    stylize("--iterations 3", "three.png")
    assert pixels("out.png").tolist() == pixels("three.png").tolist()


def test_arguments_are_checked_before_tensorflow_is_imported():
    code = (
        "import sys, neural_style\n"
        "try:\n    neural_style.main(['--content', 'a.png', '--styles', 'b.png', '--output', 'c.png'])\n"
        "finally:\n    print('tensorflow' in sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT), capture_output=True)
    assert process.stdout.decode().strip() == "False"
    assert "a.png: no such file" in process.stderr.decode()
