from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.io.deep_samples import deep_samples
from semtrace.io.images import decode
from semtrace.io.reencoding import is_reencoding

WAYS = [
    {"quality": 95}, {"quality": 75}, {"quality": 30}, {"quality": 90, "subsampling": 0},
    {"quality": 90, "subsampling": 1}, {"quality": 85, "optimize": True}, {"quality": 85, "progressive": True},
    {"quality": 85, "restart_marker_rows": 1},
]  # fmt: skip


def exposure(seed: int, noise: float = 6, size: tuple[int, int] = (93, 131)) -> np.ndarray:
    """Red, green and blue of one place, 0 to 255, with the noise of one exposure."""
    y, x = np.mgrid[: size[0], : size[1]]
    place = np.stack([120 + 60 * np.sin(x / 9) + 30 * np.cos(y / (7 + c)) for c in range(3)], axis=2)
    return (place + np.random.default_rng(seed).normal(0, noise, place.shape)).clip(0, 255)


def tiff(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def jpeg(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG", **options)
    return file.getvalue()


def by_opencv(array: np.ndarray, quality: int) -> bytes:
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the extra for reading scales")
    stored = array[..., ::-1] if array.ndim == 3 else array
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_RST_INTERVAL, 4]
    return cv2.imencode(".jpg", np.ascontiguousarray(stored), options)[1].tobytes()


def proven(published: bytes, original: bytes) -> bool | None:
    seen = decode(original)
    deep = (lambda: deep_samples(original, seen.page)) if "linear" in seen.rule else None
    return is_reencoding(published, decode(published).gray, seen.gray, deep=deep)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_colour_jpeg_of_a_colour_original_is_proven_and_another_exposure_is_not(way):
    colours = exposure(1).astype(np.uint8)
    published = jpeg(colours, **way)
    assert proven(published, tiff(colours)) is True
    assert proven(published, tiff(exposure(2).astype(np.uint8))) is False


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_grey_original_is_proven_as_grey_and_as_neutral_colours(way, mode):
    grey = exposure(1)[..., 0].astype(np.uint8)
    published = jpeg(np.asarray(Image.fromarray(grey).convert(mode)), **way)
    assert proven(published, tiff(grey)) is True
    assert proven(published, tiff(exposure(2)[..., 0].astype(np.uint8))) is False


@pytest.mark.parametrize("quality", [95, 75, 40])
def test_opencv_writes_what_pillow_writes(quality):
    colours = exposure(1).astype(np.uint8)
    assert proven(by_opencv(colours, quality), tiff(colours)) is True
    assert proven(by_opencv(colours[..., 0], quality), tiff(colours[..., 0])) is True


LOOKS = {
    "high byte": lambda v: (v >> 8).astype(np.uint8),
    "v / 257": lambda v: np.rint(v / 257).astype(np.uint8),
    "min-max": lambda v: ((v - float(v.min())) / (float(v.max()) - float(v.min())) * 255).astype(np.uint8),
    "min-max by OpenCV": lambda v: pytest.importorskip("cv2").normalize(v, None, 0, 255, 32, 0),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("quality", [95, 85, 50])
@pytest.mark.parametrize("scale", [250, 90])  # most of the range, and a third of it
def test_a_16_bit_original_is_proven_however_it_became_8_bit(look, quality, scale):
    first, second = ((exposure(seed)[..., 0] * scale + 500).astype(np.uint16) for seed in (1, 2))
    for mode in ("L", "RGB"):
        published = jpeg(np.asarray(Image.fromarray(LOOKS[look](first)).convert(mode)), quality=quality)
        assert proven(published, tiff(first)) is True
        assert proven(published, tiff(second)) is False


def test_a_16_bit_colour_original_is_proven():
    deep = (exposure(1) * 250).astype(np.uint16)
    assert proven(jpeg((deep >> 8).astype(np.uint8), quality=85), tiff(deep, photometric="rgb")) is True


def test_grey_levels_too_few_to_tell_exposures_apart_prove_nothing():
    """Four levels, coded coarsely: all detail is lost, and the JPEGs of two exposures are the same."""
    first, second = (
        (np.full((64, 64), 128) + exposure(seed, size=(64, 64))[..., 0] / 4).astype(np.uint16) for seed in (1, 2)
    )
    first[0, 0] = second[0, 0] = 700
    published = jpeg((first >> 8).astype(np.uint8), quality=50)
    assert np.array_equal(decode(published).gray, decode(jpeg((second >> 8).astype(np.uint8), quality=50)).gray)
    assert proven(published, tiff(second)) is False
    assert proven(published, tiff(first)) is False


def test_another_size_and_a_jpeg_that_nobody_can_make_again_are_not_told():
    colours = exposure(1).astype(np.uint8)
    assert proven(jpeg(colours), tiff(colours[:-1])) is None
    file = io.BytesIO()
    Image.fromarray(colours).convert("CMYK").save(file, "JPEG")
    assert proven(file.getvalue(), tiff(colours)) is None


def test_eight_bit_originals_have_no_deep_samples_and_white_is_turned():
    deep = (exposure(1)[..., 0] * 250).astype(np.uint16)
    assert deep_samples(tiff(deep.astype(np.uint8)), 8) is None
    data = tiff(65_535 - deep, photometric="miniswhite")
    found = deep_samples(data, decode(data).page)
    assert (found.bits, found.array.dtype) == (16, np.uint16)
    np.testing.assert_array_equal(found.array, deep)
    holes = tiff(np.where(deep > 30_000, np.nan, deep).astype(np.float32))
    assert deep_samples(holes, decode(holes).page) is None


@pytest.mark.parametrize(
    ("published", "original"), [("of_sixteen_high_byte_q92", "sixteen_x256"), ("of_eight_q92", "eight")]
)
def test_the_originals_that_were_not_proven_are(cases, published, original):
    folder = cases / "decoding/08-16bit-original-not-proven"
    files = (folder / "published/Tips" / f"{published}.jpg", folder / "archive" / f"{original}.tif")
    assert proven(*(file.read_bytes() for file in files)) is True
