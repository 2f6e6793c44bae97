"""Feeds from files and random ones: what is refused, in one line that says what is expected."""

import zipfile
from collections import namedtuple

import numpy as np
import pytest

from harness.check.feeds import feed_files, from_files, parse_range, random_feeds
from harness.errors import UsageError

pytestmark = pytest.mark.any_tensorflow
Input = namedtuple("Input", "name dtype shape has_default tensor")


def placeholder(name, dtype="float32", shape=(None, 3), has_default=False):
    return Input(name, dtype, shape, has_default, f"{name}:0")


IMAGE, COUNT = placeholder("image"), placeholder("count", "int32", ())


@pytest.mark.parametrize(
    "arrays, message",
    [
        (
            {"imge": np.zeros((2, 3), "f4")},
            "'imge' is no placeholder, did you mean image? (expected some of image, count)",
        ),
        ({"image": np.zeros((2, 4), "f4")}, "'image': shape [2,4] (expected float32 of shape [?,3])"),
        ({"image": np.zeros((2, 3))}, "'image': dtype float64 (expected float32 of shape [?,3])"),
        ({"image": np.zeros((2, 3), "f4")}, "no array 'count' (int32 of shape [] is expected)"),
        ({"image": np.array([{}])}, "not readable as .npz: Object arrays cannot be loaded when allow_pickle=False"),
    ],
)  # fmt: skip
def test_feeds_that_do_not_fit_are_refused(tmp_path, arrays, message):
    path = str(tmp_path / "feeds.npz")
    np.savez(path, **arrays)
    with pytest.raises(UsageError) as refused:
        from_files([path], [IMAGE, COUNT])
    assert str(refused.value).startswith(f"feeds {path}: {message}") and "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "feeds.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"feeds .*feeds\.npz: not readable as \.npz: no archive of arrays"):
        from_files([str(path)], [IMAGE])


def test_a_damaged_archive_is_refused_whatever_byte_is_lost(tmp_path):
    path = tmp_path / "feeds.npz"
    np.savez_compressed(str(path), image=np.arange(6, dtype=np.float32).reshape(2, 3))
    whole, refused = path.read_bytes(), 0
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 0xFF]) + whole[index + 1 :])
        try:
            from_files([str(path)], [IMAGE])
        except UsageError as error:
            refused += 1
            assert str(error).startswith(f"feeds {path}: ") and "\n" not in str(error)
    assert refused > len(whole) / 2


def test_an_archive_of_something_else_is_refused(tmp_path):
    path = tmp_path / "feeds.npz"
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("image.npy", b"no array")
    with pytest.raises(UsageError, match="'image' is no array .expected numpy.savez, without other files"):
        from_files([str(path)], [IMAGE])


def test_a_single_array_is_called_one(tmp_path):
    np.save(str(tmp_path / "array.npy"), np.zeros(3))
    with pytest.raises(UsageError, match="a single array"):
        from_files([str(tmp_path / "array.npy")], [IMAGE])


def test_a_folder_is_a_sample_by_name(tmp_path):
    for name in ("b", "a"):
        np.savez(str(tmp_path / name), **{"image:0": np.full((1, 3), ord(name), np.float32), "count": np.int32(2)})
    (tmp_path / "notes.txt").write_text("no feeds")
    samples = from_files(feed_files(str(tmp_path)), [IMAGE, COUNT])
    assert [samples[index]["image:0"][0, 0] for index in range(len(samples))] == [ord("a"), ord("b")]
    assert samples[0]["count:0"] == 2
    (tmp_path / "empty").mkdir()
    for path, message in (("empty", "no .npz file in this folder"), ("none.npz", "no such file")):
        with pytest.raises(UsageError, match=message):
            feed_files(str(tmp_path / path))


def test_random_feeds_are_the_same_for_a_seed_and_within_their_range():
    wanted = [IMAGE, COUNT, placeholder("rate", has_default=True), placeholder("mask", "bool", (50,))]
    first, second = (random_feeds(wanted, 2.0, 5.0, 7, 3, {}) for _ in range(2))
    assert first.sha256 == second.sha256 != random_feeds(wanted, 2.0, 5.0, 8, 3, {}).sha256
    assert set(first[0]) == {"image:0", "count:0", "mask:0"} and first[0]["image:0"].shape == (1, 3)
    values = np.concatenate([first[index]["image:0"] for index in range(len(first))])
    assert values.dtype == np.float32 and 2.0 <= values.min() < values.max() <= 5.0
    assert first[0]["count:0"].dtype == np.int32 and 0 <= first[0]["count:0"] <= 5
    assert set(np.unique(first[0]["mask:0"])) == {False, True}


@pytest.mark.parametrize(
    "wanted, message",
    [
        (placeholder("image", shape=(None, None, 3)), "placeholder image takes float32 of shape [?,?,3]"),
        (placeholder("image", shape=None), "--shape image=SIZE,SIZE,..., or --feeds FILE.npz"),
        (placeholder("names", "string"), "placeholder names takes strings"),
        (placeholder("image", shape=(10**8, 10**8)), "random feeds of shape image [100000000,100000000] are more than"),
        (placeholder("image", shape=(2**40, 2**40)), "are more than the memory holds (expected a smaller --shape)"),
    ],
)
def test_random_feeds_need_shapes(wanted, message):
    with pytest.raises(UsageError) as refused:
        random_feeds([wanted], 0.0, 1.0, 0, 1, {})
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["", "1", "2..1", "a..b", "0..inf", "1..1"])
def test_a_range_has_two_ends(text):
    with pytest.raises(UsageError, match="expected LOW..HIGH"):
        parse_range(text)
    assert parse_range("-2..3e2") == (-2.0, 300.0)
