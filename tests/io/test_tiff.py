import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.io import tiff


def written(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def grey(height=60, width=50):
    return np.random.default_rng(3).integers(0, 256, (height, width)).astype(np.uint8)


LAYOUTS = [
    {},
    {"byteorder": ">"},
    {"bigtiff": True},
    {"bigtiff": True, "byteorder": ">"},
    {"rowsperstrip": 7},
    {"photometric": "miniswhite"},
    {"metadata": None, "rowsperstrip": 1},
]


@pytest.mark.parametrize("options", LAYOUTS, ids=str)
def test_tags_are_those_that_tifffile_reads(options):
    data = written(grey(), **options)
    directory = tiff.first_directory(data)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = {tag.code: tag for tag in file.pages[0].tags.values()}
        assert set(directory.entries) == set(tags)
        for code in (tiff.WIDTH, tiff.HEIGHT, tiff.BITS, tiff.COMPRESSION, tiff.PHOTOMETRIC, tiff.SAMPLES):
            assert directory.integer(code) == tags[code].value
        assert directory.integers(tiff.STRIP_OFFSETS).tolist() == list(tags[tiff.STRIP_OFFSETS].value)
        assert directory.raw(tiff.SOFTWARE) == data[tags[305].valueoffset :][: tags[305].count]


@pytest.mark.parametrize("options", LAYOUTS, ids=str)
def test_plain_pixels_are_the_stored_samples(options):
    picture = grey()
    assert np.array_equal(tiff.plain_pixels(tiff.first_directory(written(picture, **options))), picture)


def test_strips_in_any_order_are_put_together():
    picture = grey(6, 4)
    strips = {2: 8, 0: 16, 1: 24}  # strip -> offset: stored out of order
    tags = [(256, 4), (257, 6), (258, 8), (259, 1), (262, 1), (277, 1), (278, 2)]
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    at = 32 + 2 + 12 * (len(tags) + 2) + 4
    table += struct.pack("<HHIIHHII", 273, 4, 3, at, 279, 4, 3, at + 12)
    pixels = b"".join(picture[2 * strip : 2 * strip + 2].tobytes() for strip in strips)
    data = b"II*\0" + struct.pack("<I", 32) + pixels + struct.pack("<H", len(tags) + 2) + table + bytes(4)
    data += struct.pack("<6I", *(strips[i] for i in range(3)), 8, 8, 8)
    assert np.array_equal(tiff.plain_pixels(tiff.first_directory(data)), picture)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), picture)


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (16, 16)},
        {"compression": "zlib"},
        {"extratags": [(274, "H", 1, 6)]},  # orientation
    ],
    ids=str,
)
def test_unusual_pixels_are_left_to_a_decoder(options):
    assert tiff.plain_pixels(tiff.first_directory(written(grey(), **options))) is None
    for array in (grey().astype(np.uint16), grey().astype(np.int8), np.stack([grey()] * 3, axis=-1)):
        assert tiff.plain_pixels(tiff.first_directory(written(array))) is None


def test_a_file_that_ends_early_says_so_everywhere():
    data = written(grey(), rowsperstrip=20)
    pixels = tiff.first_directory(data).integers(tiff.STRIP_OFFSETS)[0]
    for length in (4, 6, 9, 40, int(pixels) - 1, len(data) - 1):
        with pytest.raises(tiff.TiffError) as caught:
            tiff.plain_pixels(tiff.first_directory(data[:length]))
        assert caught.value.truncated


def test_what_is_no_tiff_is_not_called_truncated():
    for data in (b"", b"GIF89a", b"II*\0" + bytes(4)):
        with pytest.raises(tiff.TiffError) as caught:
            tiff.first_directory(data)
        assert not caught.value.truncated


@pytest.mark.parametrize(("count", "value"), [(1, 2**63 + 5), (2**60, 16), (0, 0)])
def test_lies_about_counts_and_offsets_are_harmless(count, value):
    data = bytearray(written(grey(), bigtiff=True))
    kind = tiff.first_directory(bytes(data)).entries[tiff.STRIP_OFFSETS][0]
    where = data.index(struct.pack("<HHQ", tiff.STRIP_OFFSETS, kind, 1))
    struct.pack_into("<HHQQ", data, where, tiff.STRIP_OFFSETS, 16, count, value)
    directory = tiff.first_directory(bytes(data))
    if count == 1:
        assert directory.is_cut()
        with pytest.raises(tiff.TiffError, match="reach to byte"):
            tiff.plain_pixels(directory)
    else:
        assert directory.integer(tiff.STRIP_OFFSETS) == -1
        assert tiff.plain_pixels(directory) is None
