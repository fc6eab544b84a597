import contextlib
import io
import pickle
import struct
import subprocess
import sys
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from semtrace.io import images
from semtrace.io.decoders import MAX_PIXELS
from semtrace.io.images import ImageFacts, UnreadableImage, decode, encode_jpeg

REASONS = {"empty_file", "not_an_image", "truncated", "corrupt", "unsupported", "too_large"}


def grey(height=60, width=50, seed=3):
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)


def tiff(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def pillow(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def palette(seed):
    colors = np.random.default_rng(seed).integers(0, 65536, (3, 256)).astype(np.uint16)
    return colors if seed else np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))


def reference(data):
    """Pillow's grey."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("L"))


PLAIN = {
    "one strip": {},
    "strips": {"rowsperstrip": 7},
    "a strip per row": {"rowsperstrip": 1, "metadata": None},
    "big-endian": {"byteorder": ">", "rowsperstrip": 9},
    "BigTIFF": {"bigtiff": True},
    "min is white": {"photometric": "miniswhite"},
    "grey palette": {"photometric": "palette", "colormap": palette(0)},
    "colour palette": {"photometric": "palette", "colormap": palette(1), "byteorder": ">"},
}
UNUSUAL = {
    "tiles": {"tile": (16, 32)},
    "big-endian tiles": {"tile": (16, 16), "byteorder": ">"},
    "deflate": {"compression": "zlib", "predictor": True},
    "LZW": {"compression": "lzw"},
    "PackBits": {"compression": "packbits"},
    "palette in tiles": {"tile": (16, 16), "photometric": "palette", "colormap": palette(2)},
}


@pytest.mark.parametrize("name", PLAIN | UNUSUAL)
def test_a_tiff_of_any_layout_is_what_pillow_makes_of_it(name):
    for shape in ((60, 50), (1, 1), (3, 200)):
        data = tiff(grey(*shape), **(PLAIN | UNUSUAL)[name])
        image = decode(data)
        assert np.array_equal(image.gray, reference(data))
        assert image.gray.flags.writeable
        assert image.gray.flags.c_contiguous
        mode = "P" if "palette" in name else "L"
        assert image.facts == ImageFacts("TIFF", mode, 8, shape[1], shape[0], 1)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_tiffs_need_no_decoder(name, monkeypatch):
    data = tiff(grey(), **PLAIN[name])
    expected = reference(data)
    monkeypatch.setattr(images, "by_pillow", None)
    assert np.array_equal(decode(data).gray, expected)


def test_every_real_picture_is_what_pillow_makes_of_it(shared):
    files = [f for folder in ("sem_tiff", "sem_jpeg_png") for f in sorted((shared / folder).rglob("*")) if f.is_file()]
    assert len(files) > 100
    for file in files:
        data = file.read_bytes()
        image = decode(data)
        with Image.open(io.BytesIO(data)) as opened:
            assert (image.facts.format, image.facts.mode) == (opened.format, opened.mode), file.name
            assert np.array_equal(image.gray, np.asarray(opened.convert("L"))), file.name


@pytest.mark.parametrize(
    ("mode", "rule"),
    [
        ("1", "1-bit to 0/255"), ("L", "identity"), ("LA", "identity (alpha ignored)"), ("P", "palette->luma"),
        ("RGB", "rgb->luma"), ("RGBA", "rgba->luma (alpha ignored)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_colour_becomes_luma_and_the_rule_says_so(mode, rule, kind):
    color = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 30, 4)).astype(np.uint8), "RGBA")
    data = pillow(color.convert("RGB").convert(mode) if mode in "1LP" else color.convert(mode), kind)
    image = decode(data)
    assert np.array_equal(image.gray, reference(data))
    assert (image.rule, image.facts.mode, image.facts.format) == (rule, mode, kind)


def test_cmyk_and_lab():
    color = np.random.default_rng(1).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    data = pillow(Image.fromarray(color).convert("CMYK"), "TIFF")
    assert np.array_equal(decode(data).gray, reference(data))
    assert decode(data).rule == "cmyk->luma"
    image = decode(pillow(Image.frombytes("LAB", (30, 40), color.tobytes()), "TIFF"))
    assert np.array_equal(image.gray, color[..., 0])
    assert image.rule == "lab->lightness"


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "float32"])
def test_deep_grey_is_stretched_and_not_clipped(dtype, compression, byteorder):
    values = np.linspace(600, 30600, 3000).reshape(60, 50)
    data = tiff(values.astype(dtype), compression=compression, byteorder=byteorder)
    image = decode(data)
    assert np.abs(image.gray - (values - 600) / 30000 * 255).max() <= 1
    assert image.rule.startswith("linear 6")
    assert image.facts.bit_depth == np.dtype(dtype).itemsize * 8


@pytest.mark.parametrize("text", ["-9999", " -9999.0 "])
@pytest.mark.parametrize("compression", [None, "zlib", "zstd"])
def test_the_value_that_gdal_states_for_no_data_takes_no_part_in_the_range(compression, text):
    picture = np.linspace(-900, 3000, 60 * 50).astype(np.int16).reshape(60, 50)
    holed = picture.copy()
    holed[:9] = -9999
    tags = [(42113, "s", 0, text, True)]
    image = decode(tiff(holed, compression=compression, extratags=tags))
    assert "; 450 without data (-9999, stated) clipped" in image.rule
    np.testing.assert_array_equal(image.gray[9:], decode(tiff(picture[9:])).gray)
    assert not image.gray[:9].any()
    unstated = decode(tiff(holed, compression=compression))
    assert unstated.rule.startswith("linear -9999..")


@pytest.mark.parametrize("text", ["", "nan", "none", "1e999", "500.5"])
def test_a_statement_that_is_no_number_of_a_pixel_changes_nothing(text):
    picture = np.linspace(0, 3000, 60 * 50).astype(np.uint16).reshape(60, 50)
    image = decode(tiff(picture, extratags=[(42113, "s", 0, text, True)]))
    assert image.rule == decode(tiff(picture)).rule


def test_pixels_whose_channels_all_have_the_stated_value_take_no_part_in_the_range():
    picture = np.linspace(900, 3000, 60 * 50 * 3).astype(np.uint16).reshape(60, 50, 3)
    picture[:9] = 65535
    options = {"photometric": "rgb", "extratags": [(42113, "s", 0, "65535", True)]}
    image = decode(tiff(picture, **options))
    assert image.rule.endswith("; 450 without data (65535, stated) clipped")
    np.testing.assert_array_equal(image.gray[9:], decode(tiff(picture[9:], photometric="rgb")).gray)


def test_values_with_the_highest_bit_set_keep_their_order():
    values = np.linspace(0, 2**32 - 1, 3000).reshape(60, 50).astype(np.uint32)
    assert (np.diff(decode(tiff(values)).gray.ravel().astype(int)) >= 0).all()
    signed = np.arange(-128, 128, dtype=np.int8).reshape(16, 16)
    assert (np.diff(decode(tiff(signed)).gray.ravel().astype(int)) >= 0).all()


def test_16_bit_png_and_12_bit_tiff():
    deep = (grey().astype(np.uint16) * 16 + 700).clip(0, 4095)
    png = decode(pillow(Image.fromarray(deep), "PNG"))
    assert png.facts == ImageFacts("PNG", "I;16", 16, 50, 60, 1)
    assert np.array_equal(png.gray, decode(tiff(deep)).gray)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_min_is_white_is_inverted_in_deep_grey_too(dtype):
    values = np.linspace(600, 30600, 3000).reshape(60, 50).astype(dtype)
    straight, inverted = decode(tiff(values)), decode(tiff(values, photometric="miniswhite"))
    assert np.array_equal(inverted.gray, 255 - straight.gray)
    assert inverted.rule.endswith("min-is-white inverted")


@pytest.mark.parametrize("most", [255, 1023, 4095, 65535])
def test_deep_colour_keeps_its_depth(most):
    """Grey as colour gives what it gives as grey: by TIFF in three layouts, and by PNG."""
    values = np.linspace(0, most, 3000).reshape(60, 50).astype(np.uint16)
    expected = decode(tiff(values)).gray
    color = np.stack([values] * 3, -1)
    opaque = np.dstack([color, np.full_like(values, 65535)])
    planes = tiff(np.moveaxis(color, -1, 0), photometric="rgb", planarconfig="separate")
    files = [
        tiff(color, photometric="rgb"),
        planes,
        tiff(opaque, photometric="rgb", extrasamples=["unassalpha"], compression="lzw"),
        tiff(opaque, photometric="rgb", extrasamples=["assocalpha"], byteorder=">"),
        imagecodecs.png_encode(color),
        imagecodecs.png_encode(opaque),
        imagecodecs.png_encode(np.dstack([values, opaque[..., 3]])),
    ]
    for data in files:
        image = decode(data)
        assert np.array_equal(image.gray, expected), image.rule
        assert image.facts.bit_depth == 16


def test_deep_inks_keep_their_depth():
    black = np.zeros((60, 50, 4), np.uint16)
    black[..., 3] = np.linspace(65535, 62000, 3000).reshape(60, 50)
    image = decode(tiff(black, photometric="separated"))
    assert (image.gray.min(), image.gray.max()) == (0, 255)
    assert (np.diff(image.gray.ravel().astype(int)) >= 0).all()
    assert image.facts.mode == "CMYK"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_tiff_is_applied(orientation):
    options = {"extratags": [(274, "H", 1, orientation)]}
    data = tiff(grey(20, 30), **options)
    assert np.array_equal(decode(data).gray, reference(data))
    exotic = decode(tiff(grey(20, 30).astype(np.float64) * 99, **options))  # Pillow has no 64-bit float
    assert np.abs(exotic.gray - reference(data).astype(int)).max() <= 1


def test_depths_that_pillow_lacks():
    half = decode(tiff(np.linspace(0, 1, 3000, dtype=np.float16).reshape(60, 50), compression="zlib"))
    assert half.facts == ImageFacts("TIFF", "F", 16, 50, 60, 1)
    assert half.rule.startswith("linear 0")
    wide = decode(tiff(np.arange(3000, dtype=np.int64).reshape(60, 50) << 40))
    assert (np.diff(wide.gray.ravel().astype(int)) >= 0).all()
    color = np.random.default_rng(1).random((40, 30, 3)).astype(np.float32)
    assert decode(tiff(color, photometric="rgb")).rule.startswith("rgb->luma, linear")


def test_pages_are_counted_and_the_first_is_taken():
    stack = np.stack([grey(seed=1), grey(seed=2), grey(seed=3)])
    for options in ({}, {"compression": "zlib"}):
        image = decode(tiff(stack, photometric="minisblack", **options))
        assert np.array_equal(image.gray, stack[0])
        assert (image.facts.pages, image.rule) == (3, "identity; page 1 of 3")


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "BMP", "JPEG"])
def test_the_format_is_what_the_bytes_are(kind):
    image = decode(pillow(Image.fromarray(grey()), kind))
    assert image.facts == ImageFacts(kind, "L", 8, 50, 60, 1)


# ----------------------------------------------------------------------------------------------- unreadable


def reason(data):
    with pytest.raises(UnreadableImage) as caught:
        decode(data)
    return caught.value.reason


def test_no_image_at_all():
    assert reason(b"") == "empty_file"
    for data in (b"hello", b"\0" * 5000, b"%PDF-1.7", b"BMxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", b"RIFF\0\0\0\0WAVE"):
        assert reason(data) == "not_an_image"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "JPEG2000", "PPM", "AVIF"])
def test_a_picture_in_another_format_is_to_be_converted(kind):
    try:
        data = pillow(Image.fromarray(grey()), kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {kind}")
    with pytest.raises(UnreadableImage, match="convert it") as caught:
        decode(data)
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("name", PLAIN | UNUSUAL)
def test_a_tiff_that_ends_early_is_found(name):
    data = tiff(grey(), **(PLAIN | UNUSUAL)[name])
    end = len(data) - (1 if "tiles" not in name else 16 * 16)  # a tile may end in padding
    for length in (6, 50, 150, len(data) // 2, end):
        assert reason(data[:length]) == "truncated", length


@pytest.mark.parametrize("kind", ["PNG", "BMP", "JPEG"])
def test_other_formats_that_end_early_are_found(kind):
    data = pillow(Image.fromarray(grey(200, 200)), kind)
    for length in (len(data) // 10, len(data) // 2, len(data) * 9 // 10):
        assert reason(data[:length]) == "truncated"


def test_damage_inside_is_found():
    data = bytearray(tiff(grey(200, 200), compression="zlib"))
    data[5000:5100] = bytes(100)
    assert reason(bytes(data)) == "corrupt"
    png = bytearray(pillow(Image.fromarray(grey()), "PNG"))
    png[100] ^= 255
    assert reason(bytes(png)) == "corrupt"


def test_pixels_that_no_strip_holds_are_not_shown_as_black():
    data = bytearray(tiff(grey(), rowsperstrip=30))
    where = data.index(struct.pack("<HHI", 257, 4, 1))
    struct.pack_into("<I", data, where + 8, 90)  # the height
    assert np.asarray(Image.open(io.BytesIO(data))).shape == (90, 50)  # Pillow does not notice
    assert reason(bytes(data)) == "corrupt"


def test_a_sound_but_unknown_variant_is_unsupported():
    assert reason(tiff(np.zeros((9, 9), np.complex64))) == "unsupported"
    assert decode(tiff(grey().astype(np.float64), compression="lzw")).gray.max() == 255


def png_header(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_size_beyond_the_limit_is_refused_before_memory_is_taken():
    side = int(MAX_PIXELS**0.5) + 2
    assert reason(png_header(side, side)) == "too_large"
    assert reason(png_header(2**31 - 1, 2**31 - 1)) == "too_large"
    data = bytearray(tiff(grey(), compression="zlib"))
    for tag in (256, 257):
        struct.pack_into("<I", data, data.index(struct.pack("<HHI", tag, 4, 1)) + 8, 2**31 - 1)
    assert reason(bytes(data)) == "too_large"
    tiles = bytearray(tiff(grey(), tile=(16, 16), compression="zlib"))
    struct.pack_into("<H", tiles, tiles.index(struct.pack("<HHI", 322, 4, 1)) + 8, 2**15)
    struct.pack_into("<H", tiles, tiles.index(struct.pack("<HHI", 323, 4, 1)) + 8, 2**15)
    assert reason(bytes(tiles)) == "too_large"


def test_the_error_survives_the_way_from_a_worker_and_is_one_clean_line():
    error = UnreadableImage(
        "corrupt", "cannot identify\n image file <_io.BytesIO object at 0x7f11d2004400>" + "x" * 999
    )
    back = pickle.loads(pickle.dumps(error))
    assert (back.reason, back.detail) == (error.reason, error.detail)
    assert error.detail.startswith("cannot identify image file data")
    assert len(error.detail) == 300


HOSTILE = """
import sys, time
from pathlib import Path
from semtrace.io.images import UnreadableImage, decode
for file in sorted(Path(sys.argv[1]).glob("*/*")):
    data, start = file.read_bytes(), time.monotonic()
    try:
        image = decode(data)
        end = "decoded %dx%d" % image.gray.shape
    except UnreadableImage as error:
        try:
            decode(data)
        except UnreadableImage as again:
            assert again.detail == error.detail
        assert str(Path(sys.argv[1])) not in error.detail
        end = "reject " + error.reason
    assert time.monotonic() - start < 5, file.name
    print(file.name + "|" + end)
"""


def test_hostile_files_end_as_a_picture_or_a_reason_and_in_silence(shared):
    process = subprocess.run(
        [sys.executable, "-W", "default", "-c", HOSTILE, shared / "hostile_tiff"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr[-2000:]
    assert process.stderr == ""
    ends = dict(line.split("|") for line in process.stdout.splitlines())
    assert len(ends) == 108
    rejected = {name: end.split()[1] for name, end in ends.items() if end.startswith("reject")}
    assert set(rejected.values()) <= REASONS
    assert rejected["libtiff_segfault.tif"] == "corrupt"
    assert sum(name.startswith("crash-") for name in rejected) == 10
    assert len(rejected) <= 16  # the others are strange, but pictures


SEEDS = [
    tiff(grey(24, 20), rowsperstrip=6),
    tiff(grey(24, 20), compression="lzw", predictor=True),
    tiff(grey(24, 20), tile=(16, 16), compression="zlib"),
    tiff(grey(24, 20).astype(np.float32), byteorder=">"),
    tiff(grey(24, 20), bigtiff=True, photometric="palette", colormap=palette(1)),
    tiff(np.stack([grey(24, 20)] * 3, -1), compression="packbits"),
    pillow(Image.fromarray(grey(24, 20)), "TIFF", compression="jpeg"),
    pillow(Image.fromarray(grey(24, 20)), "PNG"),
    pillow(Image.fromarray(grey(24, 20)), "BMP"),
    pillow(Image.fromarray(grey(24, 20)), "JPEG"),
]


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=5),
    st.one_of(st.none(), st.integers(0, 4000)),
)
@example(SEEDS[1], [(117, 128)], None)  # 2^31 + 24 rows in its strip, of 24
def test_damaged_bytes_end_as_a_picture_or_a_reason(seed, changes, length):
    data = bytearray(seed)
    for where, value in changes:
        data[where % len(data)] = value
    with contextlib.suppress(UnreadableImage):
        image = decode(bytes(data[:length]))
        assert image.gray.dtype == np.uint8
        assert image.gray.shape == (image.facts.height, image.facts.width)


# ----------------------------------------------------------------------------------------------- writing


def test_a_grey_picture_becomes_a_grey_jpeg_close_to_it():
    smooth = np.add.outer(np.arange(60), np.arange(50)).astype(np.uint8)
    data = encode_jpeg(smooth)
    image = decode(data)
    assert image.facts == ImageFacts("JPEG", "L", 8, 50, 60, 1)
    assert np.abs(image.gray.astype(int) - smooth).max() <= 1
    assert data == encode_jpeg(smooth.copy())
    assert data == pillow(Image.fromarray(smooth), "JPEG", quality=100)
    assert len(encode_jpeg(smooth, 50)) < len(data)


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), np.zeros((0, 5), np.uint8), np.zeros((1, 70000), np.uint8)],
)
def test_what_a_jpeg_cannot_hold_is_refused(array):
    with pytest.raises(ValueError, match="a JPEG holds"):
        encode_jpeg(array)
