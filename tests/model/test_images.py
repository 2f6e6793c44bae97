import io
import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model import images
from tests.model.numpy_model import picture

PIXELS = picture(40, 48, seed=0)
GREY = PIXELS[..., 0]


def stacked(grey):
    return np.stack([grey] * 3, axis=-1)


def palette(path, **options):
    colours = np.random.RandomState(0).randint(0, 256, (16, 3)).astype(np.uint8)
    indices = GREY % 16
    image = Image.fromarray(indices)
    image.putpalette(colours.tobytes())
    image.save(path, "PNG", **options)
    return colours[indices]


def palette_with_transparency(path):
    return palette(path, transparency=bytes(range(16)))


def grey_with_alpha(path):
    Image.fromarray(np.stack([GREY, PIXELS[..., 1]], axis=-1), "LA").save(path, "PNG")
    return stacked(GREY)


def grey(path):
    Image.fromarray(GREY).save(path, "PNG")
    return stacked(GREY)


def one_bit(path):
    Image.fromarray(GREY > 100).save(path, "PNG")
    return stacked(np.where(GREY > 100, 255, 0))


def alpha_zero_in_places(path):
    alpha = np.where(GREY > 100, 0, 128).astype(np.uint8)
    Image.fromarray(np.dstack([PIXELS, alpha])).save(path, "PNG")
    return PIXELS


def cmyk_jpeg(path):
    inks = np.zeros((40, 48, 4), np.uint8)
    inks[:20] = 0, 255, 255, 0
    inks[20:] = 0, 0, 0, 255
    Image.fromarray(inks, "CMYK").save(path, "JPEG", quality=100)
    return np.where(np.arange(40)[:, None, None] < 20, [255, 0, 0], [0, 0, 0]) + np.zeros((40, 48, 3))


def grey_of_16_bits(path):
    levels = np.linspace(0, 65535, GREY.size).astype(np.uint16).reshape(GREY.shape)
    Image.fromarray(levels).save(path, "PNG")
    return stacked(levels // 257)


def nearly_black_grey_of_16_bits(path):
    levels = (GREY.astype(np.uint16) % 256).astype(np.uint16)
    Image.fromarray(levels).save(path, "PNG")
    return stacked(levels // 257)


def lying_on_its_side_by_exif(path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is the picture's right side
    Image.fromarray(np.rot90(PIXELS)).save(path, "PNG", exif=exif)
    return PIXELS


def animation(path):
    frames = [Image.new("RGB", (48, 40), colour) for colour in ("red", "blue")]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    return np.zeros((40, 48, 3)) + [255, 0, 0]


@pytest.mark.parametrize(
    "write",
    [
        palette,
        palette_with_transparency,
        grey_with_alpha,
        grey,
        one_bit,
        alpha_zero_in_places,
        cmyk_jpeg,
        grey_of_16_bits,
        nearly_black_grey_of_16_bits,
        lying_on_its_side_by_exif,
        animation,
    ],
)
@pytest.mark.filterwarnings("error::UserWarning")
def test_every_kind_of_picture_is_read_as_8_bit_rgb(write, tmp_path):
    path = str(tmp_path / "picture")
    expected = write(path)
    pixels = images.read(path)
    assert pixels.dtype == np.uint8
    tolerance = 2 if write is cmyk_jpeg else 0
    np.testing.assert_allclose(pixels.astype(int), expected, atol=tolerance, rtol=0)


def half(suffix):
    whole = images.encode(PIXELS, suffix)
    return whole[: len(whole) // 2]


def jpeg_with_damaged_exif():
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a caption"
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", exif=exif)
    # The caption becomes the picture's width, which is no number then.
    return buffer.getvalue().replace(b"\x01\x0e\x00\x02", b"\x01\x00\x00\x02")


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "no such file"),
        (b"", "empty"),
        (half(".png"), "expected a whole JPEG, PNG"),
        (half(".jpg"), "truncated"),
        (b"dear diary,\nno picture today\n" * 9, "not a picture"),
        (jpeg_with_damaged_exif(), "expected a whole JPEG"),
        (images.encode(PIXELS[:31], ".png"), "48x31 pixels, expected at least 32"),
        (images.encode(PIXELS[:, :31], ".png"), "31x40 pixels, expected at least 32"),
    ],
    ids=["missing", "no bytes", "half PNG", "half JPEG", "text", "damaged EXIF", "31 high", "31 wide"],
)
def test_an_unusable_picture_is_refused_in_one_line_that_names_it(content, reason, tmp_path):
    path = tmp_path / "picture.png"
    if content is not None:
        path.write_bytes(content)
    assert_refused(str(path), reason)


def test_a_folder_is_refused_in_one_line_that_names_it(tmp_path):
    assert_refused(str(tmp_path), "not a file")


@pytest.mark.parametrize("side", [9_460, 14_000])
@pytest.mark.filterwarnings("error")
def test_a_picture_of_too_many_pixels_is_refused_in_one_line(side, tmp_path):
    Image.new("1", (side, side)).save(str(tmp_path / "huge.png"))
    assert_refused(str(tmp_path / "huge.png"), "more than 89,478,485 pixels (scale it down)")


def test_what_pillow_would_run_a_program_for_is_no_picture(tmp_path, monkeypatch):
    marker = tmp_path / "ran"
    ghostscript = tmp_path / "bin" / "gs"
    ghostscript.parent.mkdir()
    ghostscript.write_text(f"#!/bin/sh\ntouch {marker}\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ghostscript.parent}:{os.environ['PATH']}")
    path = tmp_path / "picture.jpg"
    Image.fromarray(PIXELS).save(str(path), "EPS")
    assert_refused(str(path), "not a picture Pillow can read (expected a whole JPEG, PNG")
    assert not marker.exists()


def assert_refused(path, reason):
    with pytest.raises(images.ImageError, match=re.escape(reason)) as caught:
        images.read(path)
    assert path in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_smallest_picture_is_32_pixels_on_each_side(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(images.encode(PIXELS[:32, :32], ".png"))
    assert images.read(str(path)).shape == (32, 32, 3)


def test_sizes_of_the_reference_example():
    assert images.content_shape(533, 400, 300) == (399, 300)  # 399.75 truncated
    assert images.style_shape(507, 640, 1.0, 400) == (316, 400)  # 316.875 truncated
    assert images.style_shape(507, 640, 0.5, 400) == (158, 200)


side = st.integers(images.MIN_SIDE, 5000)


@given(height=side, width=side, new_width=side)
def test_a_resized_content_keeps_its_aspect_and_loses_less_than_a_pixel(height, width, new_width):
    new_height, kept = images.content_shape(height, width, new_width)
    assert kept == new_width
    assert -1e-6 <= height * new_width / width - new_height < 1 + 1e-6


def test_resize_is_pillows_bicubic_filter():
    expected = Image.fromarray(PIXELS).resize((33, 50), Image.BICUBIC)
    np.testing.assert_array_equal(images.resize(PIXELS, 50, 33), expected)


@given(st.floats(-1e6, 1e6))
def test_to_uint8_clips_and_truncates(value):
    assert images.to_uint8(np.full((1, 1, 3), value)).tolist() == [[[int(min(max(value, 0), 255))] * 3]]


def test_preserved_colours_are_the_contents_chroma_under_the_stylized_luma():
    # Mild colours, so that no combination of luma and chroma leaves the RGB cube. Both are rounded there
    # and back, the luma once more than the chroma.
    content = 108 + picture(40, 48, seed=1) // 8
    stylized = 70 + picture(40, 48, seed=2) // 2
    result, of_content = (
        np.asarray(Image.fromarray(pixels).convert("YCbCr"), int)
        for pixels in (images.preserve_colors(content, stylized), content)
    )
    np.testing.assert_allclose(result[..., 0], stylized @ [0.299, 0.587, 0.114], atol=3)
    np.testing.assert_allclose(result[..., 1:], of_content[..., 1:], atol=2)


def test_preserved_colours_truncate_the_luma_of_clipped_floats_once():
    grey = np.full((32, 32, 3), 128, np.uint8)
    for stylized, luma in (((100.9, 101.9, 100.9), 101), ((300.0, -50.0, 300.0), 105)):
        assert np.unique(images.preserve_colors(grey, np.broadcast_to(stylized, grey.shape))).tolist() == [luma]


def test_png_is_encoded_without_loss():
    decoded = Image.open(io.BytesIO(images.encode(PIXELS, ".png")))
    assert decoded.format == "PNG"
    np.testing.assert_array_equal(decoded, PIXELS)


def test_jpeg_is_encoded_at_quality_95():
    expected = io.BytesIO()
    Image.fromarray(PIXELS).save(expected, "JPEG", quality=95)
    assert images.encode(PIXELS, ".JPG") == expected.getvalue()


def test_an_unknown_suffix_is_refused_with_the_known_ones():
    with pytest.raises(images.ImageError, match=r"'\.txt'.*\.jpg.*\.png"):
        images.encode(PIXELS, ".txt")
