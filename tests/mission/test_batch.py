import os

import numpy as np
import pytest

from model import images
from reports.mission.log import MissionLog
from tests.mission.conftest import losses, pixels


@pytest.fixture
def other(tmp_path, picture):
    """Path of a second content picture of the first one's size."""
    path = tmp_path / "other.png"
    path.write_bytes(images.encode(np.ascontiguousarray(images.read(picture)[::-1]), ".png"))
    return str(path)


def _same(one, two):
    # The gradients' sums have another order, so a level may change here and there.
    return np.abs(pixels(one) - pixels(two)).mean() < 0.1


def test_a_batch_is_its_pictures_alone_with_seeds_that_follow(stylize, picture, other):
    options = "--iterations 3 --record record.json --overwrite --initial-noiseblend 0.5 --precision-mode force_fp16"
    ended = stylize(f"{options} --content {picture} {other} --batch-size 3 --seed 4")
    assert ended.status == 0, ended.err
    assert sorted(os.listdir(".")) == ["out-2.png", "out-3.png", "out.png", "record.json"]
    sums = losses()
    alone = np.zeros_like(sums)
    for index, (content, name) in enumerate([(picture, "out.png"), (other, "out-2.png"), (picture, "out-3.png")]):
        stylize(f"{options} --content {content} --seed {4 + index}", "alone.png")
        assert _same(name, "alone.png")
        alone += losses()
    np.testing.assert_allclose(sums, alone, rtol=1e-3)
    assert not _same("out.png", "out-3.png")


def test_the_best_checkpoint_is_chosen_for_each_picture(stylize, picture, other):
    job = "--iterations 8 --learning-rate 60 --checkpoint-iterations 1 --overwrite --preserve-colors"
    stylize(f"{job} --checkpoint-output at_{{}}.png --content {picture} {other} --seed 2")
    for index, (content, suffix) in enumerate([(picture, ""), (other, "-2")]):
        stylize(f"{job} --checkpoint-output alone_{{}}.png --content {content} --seed {2 + index}", "alone.png")
        assert _same(f"out{suffix}.png", "alone.png")
        assert _same(f"at_3{suffix}.png", "alone_3.png")


def test_a_batch_continues_bit_for_bit(stylize, monkeypatch):
    job = "--iterations 5 --batch-size 2 --checkpoint-iterations 2 --checkpoint-output at_{}.png --record record.json"
    assert stylize(job).status == 0
    pictures = [name for name in sorted(os.listdir(".")) if name.endswith(".png")]
    assert pictures == [
        "at_2-2.png",
        "at_2.png",
        "at_4-2.png",
        "at_4.png",
        "at_5-2.png",
        "at_5.png",
        "out-2.png",
        "out.png",
    ]
    whole, rows = [pixels(name).tolist() for name in pictures], losses().tolist()
    for name in os.listdir("."):
        os.unlink(name)

    def stepped(self, sample):
        if sample.updates == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MissionLog, "stepped", stepped)
        assert stylize(job).status == 130
    os.unlink("record.json")
    assert "resumed after 2 updates" in stylize(f"{job} --resume").err
    assert ([pixels(name).tolist() for name in pictures], losses().tolist()) == (whole, rows)


@pytest.mark.parametrize(
    "options, part",
    [
        ("--batch-size 0", "--batch-size 0: should be greater than 0"),
        ("--batch-size 1 --content {picture} {style}", "2 content pictures for a batch of 1"),
        ("--content {picture} {style}", "content {style}: 40x40 pixels, expected 40x33 as {picture} has"),
        ("--batch-size 2 --record out-2.png", "output out-2.png: two files of one job would have this name"),
    ],
)
def test_what_makes_no_batch_is_named(stylize, picture, style, options, part):
    ended = stylize(f"--iterations 2 {options}".format(picture=picture, style=style))
    assert ended.status == 2 and os.listdir(".") == []
    assert ended.err.count("\n") == 1 and part.format(picture=picture, style=style) in ended.err


def test_every_output_of_a_batch_is_protected(stylize):
    with open("out-2.png", "w"):
        pass
    ended = stylize("--iterations 2 --batch-size 2")
    assert ended.status == 2 and "output out-2.png exists" in ended.err
