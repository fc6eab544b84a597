import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.io import tiff
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.tiff_pages import choose


def picture(seed=3, height=60, width=80):
    waves = np.sin(np.mgrid[0:height, 0:width].sum(0) / (5 + seed)) * 90 + 128
    return (waves + np.random.default_rng(seed).normal(0, 9, (height, width))).clip(0, 255).astype(np.uint8)


def small(gray, factor=4):
    return np.asarray(Image.fromarray(gray).resize((gray.shape[1] // factor, gray.shape[0] // factor)))


def tiff_of(*pages, **options):
    """Pages as (picture, NewSubfileType or None, SubIFDs)."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file, **options) as writer:
        for gray, mark, below in pages:
            writer.write(
                gray, subfiletype=mark, subifds=len(below), metadata=None, contiguous=False, photometric="minisblack"
            )
            for one, its_mark in below:
                writer.write(one, subfiletype=its_mark, metadata=None, contiguous=False, photometric="minisblack")
    return file.getvalue()


def marked(data, value):
    """The file with another NewSubfileType in its first directory."""
    _, _, offset = tiff.first_directory(data).entries[tiff.NEW_SUBFILE]
    return data[:offset] + struct.pack("<I", value) + data[offset + 4 :]


WHOLE, OTHER = picture(), picture(7)
THUMB = small(WHOLE)
FILES = {
    "a marked thumbnail first": (tiff_of((THUMB, 1, []), (WHOLE, 0, [])), WHOLE, "page 2 of 2"),
    "a mask first": (marked(tiff_of((OTHER, 0, []), (WHOLE, 0, [])), 4), WHOLE, "page 2 of 2"),
    "two thumbnails first": (tiff_of((THUMB, 1, []), (small(WHOLE, 2), 1, []), (WHOLE, 0, [])), WHOLE, "page 3 of 3"),
    "the picture in a SubIFD": (tiff_of((THUMB, 1, [(WHOLE, 0)])), WHOLE, "SubIFD 1 of page 1"),
    "the second SubIFD": (tiff_of((THUMB, 1, [(small(WHOLE, 2), 1), (WHOLE, 0)])), WHOLE, "SubIFD 2 of page 1"),
    "a pyramid": (tiff_of((WHOLE, 0, [(small(WHOLE, 2), 1), (THUMB, 1)])), WHOLE, ""),
    "all marked": (tiff_of((THUMB, 1, []), (WHOLE, 1, []), (small(WHOLE, 2), 1, [])), WHOLE, "page 2 of 3"),
    "a thumbnail without a mark": (tiff_of((THUMB, 0, []), (WHOLE, 0, [])), WHOLE, "page 2 of 2"),
    "a SubIFD without a mark": (tiff_of((THUMB, 0, [(WHOLE, 0)])), WHOLE, "SubIFD 1 of page 1"),
    "another, smaller picture first": (tiff_of((small(OTHER), 0, []), (WHOLE, 0, [])), small(OTHER), "page 1 of 2"),
    "a larger page of another shape": (tiff_of((THUMB, 0, []), (picture(3, 90, 70), 0, [])), THUMB, "page 1 of 2"),
    "a stack": (tiff_of((WHOLE, 0, []), (OTHER, 0, []), (THUMB, 0, [])), WHOLE, "page 1 of 3"),
    "one page": (tiff_of((WHOLE, 0, [])), WHOLE, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_page_that_is_the_picture_is_taken_and_said(name):
    data, expected, note = FILES[name]
    image = decode(data)
    assert np.array_equal(image.gray, expected)
    assert (image.facts.width, image.facts.height) == expected.shape[::-1]
    assert image.rule == ("identity; " + note if note else "identity")
    assert tiff.directory_at(data, image.page).integer(tiff.WIDTH) == expected.shape[1]


@pytest.mark.parametrize("options", [{"byteorder": ">"}, {"bigtiff": True}, {"bigtiff": True, "byteorder": ">"}])
def test_byte_order_and_bigtiff_do_not_matter(options):
    assert np.array_equal(decode(tiff_of((THUMB, 1, [(WHOLE, 0)]), **options)).gray, WHOLE)


def test_a_picture_that_a_general_decoder_must_read_is_found_behind_a_thumbnail():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(THUMB, subfiletype=1, metadata=None)
        writer.write(WHOLE, compression="jpeg", compressionargs={"level": 100}, metadata=None)
    image = decode(file.getvalue())
    assert image.rule == "identity; page 2 of 2"
    assert np.abs(image.gray.astype(int) - WHOLE).max() <= 6


def test_a_damaged_picture_is_not_replaced_by_its_thumbnail():
    data = bytearray(tiff_of((THUMB, 1, []), (WHOLE, 0, [])))
    page = choose(bytes(data)).page.directory
    _, _, offset = page.entries[tiff.STRIP_OFFSETS]
    data[offset : offset + 4] = bytes(4)
    with pytest.raises(UnreadableImage, match="corrupt"):
        decode(bytes(data))


def test_the_old_mark_counts_too():
    data = bytearray(tiff_of((THUMB, 0, []), (OTHER[:57], 0, [])))
    where = data.index(struct.pack("<HHI", 254, 4, 1))
    struct.pack_into("<HHII", data, where, 255, 3, 1, 2)
    assert np.array_equal(decode(bytes(data)).gray, OTHER[:57])


def test_pages_are_counted_and_a_loop_ends():
    data = tiff_of(*[(WHOLE, 0, [])] * 4)
    assert choose(data).pages == 4
    first = struct.unpack_from("<I", data, 4)[0]
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        second = file.pages[1].offset
    entries = struct.unpack_from("<H", data, second)[0]
    looped = bytearray(data)
    struct.pack_into("<I", looped, second + 2 + 12 * entries, first)
    assert choose(bytes(looped)).pages == 2
    struct.pack_into("<I", looped, second + 2 + 12 * entries, 2**31)
    assert choose(bytes(looped)).pages == 2


def test_a_subifd_that_points_nowhere_is_left_out():
    data = bytearray(tiff_of((WHOLE, 0, [(THUMB, 1)])))
    _, _, offset = tiff.first_directory(bytes(data)).entries[tiff.SUB_DIRECTORIES]
    for target in (0, 4, 2**32 - 1, tiff.first_directory(bytes(data)).offset):
        struct.pack_into("<I", data, offset, target)
        assert np.array_equal(decode(bytes(data)).gray, WHOLE)
