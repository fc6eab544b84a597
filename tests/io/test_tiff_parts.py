import io
import itertools
import struct
import zlib

import numpy as np
import pytest
import tifffile

from semtrace.io import tiff
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.tiff_parts import check_listed, parts
from tests.hostile.corpus import plain, raw_tiff


def written(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def grey(height=60, width=50):
    return np.random.default_rng(3).integers(1, 256, (height, width)).astype(np.uint8)


def refusal(data):
    with pytest.raises(UnreadableImage) as caught:
        decode(data)
    return caught.value


def changed(data, tag, index, value):
    """The file with one value of a tag replaced."""
    kind, _, offset = tiff.first_directory(data).entries[tag]
    code = {3: "H", 4: "I", 16: "Q"}[kind]
    result = bytearray(data)
    struct.pack_into("<" + code, result, offset + index * struct.calcsize(code), value)
    return bytes(result)


PIXELS = {
    "grey 8": grey(),
    "grey 16": grey().astype(np.uint16) * 99,
    "float32": grey().astype(np.float32),
    "float64": grey() / 7,
    "int8": grey().astype(np.int8),
    "rgb 8": np.stack([grey()] * 3, -1),
    "rgb 16": np.stack([grey().astype(np.uint16) * 99] * 3, -1),
}
LAYOUTS = {"strips": {"rowsperstrip": 13}, "tiles": {"tile": (16, 16)}}


@pytest.mark.parametrize("name", PIXELS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "zstd", "jpeg", "jpeg2000"])
def test_a_part_without_data_is_corrupt_whatever_is_in_it(name, layout, compression):
    if compression in ("jpeg", "jpeg2000") and not name.endswith("y 8"):
        pytest.skip("not written by tifffile")
    data = written(PIXELS[name], compression=compression, **LAYOUTS[layout])
    offsets, sizes = (273, 279) if layout == "strips" else (324, 325)
    number = parts(tiff.first_directory(data)).number
    assert number > 4
    decode(data)
    for indices in ([number - 1], [0], range(number)):
        for tags in ((offsets,), (sizes,), (offsets, sizes)):
            broken = data
            for tag, index in itertools.product(tags, indices):
                broken = changed(broken, tag, index, 0)
            error = refusal(broken)
            assert error.reason == "corrupt"
            assert f"{len(indices)} of its {number} {layout} have no data in the file" in error.detail


def test_parts_that_overlap_are_corrupt():
    data = written(grey(), rowsperstrip=13)
    directory = tiff.first_directory(data)
    starts = directory.integers(tiff.STRIP_OFFSETS)
    for value in (int(starts[0]), int(starts[0]) + 1, int(starts[1]) - 1, directory.offset, directory.end - 1, 4, 7):
        assert refusal(changed(data, tiff.STRIP_OFFSETS, 2, value)).reason == "corrupt"
    assert refusal(changed(data, tiff.STRIP_OFFSETS, 2, len(data))).reason == "truncated"


def test_pixels_do_not_lie_in_the_header_or_the_directory():
    pixels = grey(48, 64).tobytes()
    sound = raw_tiff(plain(64, 48), pixels + bytes(4000))
    start = tiff.first_directory(sound).offset
    for offset, word in ((7, "header"), (start - len(pixels) + 1, "directory"), (start - 1, "directory")):
        assert word in refusal(changed(sound + bytes(9000), tiff.STRIP_OFFSETS, 0, offset)).detail
    assert decode(changed(sound, tiff.STRIP_OFFSETS, 0, start - len(pixels))).gray.shape == (48, 64)


def test_parts_beside_one_another_do_not_overlap():
    """One byte more would."""
    pixels = grey(48, 64).tobytes()
    good = raw_tiff(plain(64, 48, offset=[8, 8 + 24 * 64], bytes=[24 * 64] * 2, rows=24), pixels)
    assert decode(good).gray.tobytes() == pixels
    bad = raw_tiff(plain(64, 48, offset=[8, 7 + 24 * 64], bytes=[24 * 64] * 2, rows=24), pixels)
    assert refusal(bad).reason == "corrupt"


def test_strips_in_another_order_are_a_sound_file():
    pixels = grey(48, 64).tobytes()
    half = len(pixels) // 2
    data = raw_tiff(plain(64, 48, offset=[8 + half, 8], bytes=[half] * 2, rows=24), pixels[half:] + pixels[:half])
    assert decode(data).gray.tobytes() == pixels


def test_a_strip_with_fewer_bytes_than_pixels_is_corrupt_and_a_single_one_counts_by_its_pixels():
    pixels = grey(48, 64).tobytes()
    two = plain(64, 48, offset=[8, 8 + 24 * 64], bytes=[24 * 64 - 1, 24 * 64], rows=24)
    assert "fewer bytes than pixels" in refusal(raw_tiff(two, pixels)).detail
    assert decode(raw_tiff(plain(64, 48, bytes=5), pixels)).gray.tobytes() == pixels


def test_missing_strips_and_tiles_are_counted():
    data = written(grey(), rowsperstrip=20)
    check_listed(parts(tiff.first_directory(data)))
    taller = changed(data, tiff.HEIGHT, 0, 81)
    with pytest.raises(tiff.TiffError, match="2 of its 5 strips are not in the file"):
        check_listed(parts(tiff.first_directory(taller)))
    check_listed(parts(tiff.first_directory(written(grey(), tile=(16, 16)))))


def test_a_count_of_zeiss_that_says_too_much_is_no_overlap(shared):
    files = sorted((shared / "sem_tiff/zeiss_supra40_bam_tio2").glob("*.tif"))
    assert files
    assert {decode(file.read_bytes()).rule for file in files} <= {"identity", "palette->luma"}


def test_a_changed_byte_in_deflated_pixels_is_found_by_their_check_sum():
    data = bytearray(written(grey(), compression="zlib"))
    start = int(tiff.first_directory(bytes(data)).integers(tiff.STRIP_OFFSETS)[0])
    size = int(tiff.first_directory(bytes(data)).integers(tiff.STRIP_BYTES)[0])
    for at in range(start + 3, start + size, 97):
        damaged = bytearray(data)
        damaged[at] ^= 4
        assert refusal(bytes(damaged)).reason in ("corrupt", "truncated")


def test_more_in_a_deflated_strip_than_it_needs_is_harmless():
    pixels = grey(48, 64).tobytes()
    packed = zlib.compress(pixels + bytes(999))
    assert decode(raw_tiff(plain(64, 48, compression=8, bytes=len(packed)), packed)).gray.tobytes() == pixels


# ------------------------------------------------------------------------------------------- zeros at the end


def rule_of(gray):
    return decode(written(gray, metadata=None)).rule


def test_zeros_that_begin_amid_a_row_are_said_from_two_per_cent_on():
    for rows, said in ((1, False), (2, True), (30, True)):
        gray = grey(100, 64)
        gray[-rows:] = 0
        gray[-rows - 1, 40:] = 0
        note = f"identity; the last {rows} rows are zeros, as in a copy that broke off"
        assert rule_of(gray) == (note if said else "identity")


def test_a_black_edge_and_a_black_data_bar_are_not_taken_for_a_broken_copy():
    edge = grey(100, 64)
    edge[-20:] = 0
    assert rule_of(edge) == "identity"
    bar = grey(100, 64)
    bar[-20:] = 0
    bar[-12:-8, 5:30] = 255  # text; below it the paper
    assert rule_of(bar) == "identity"


def test_deep_pictures_have_the_note_too():
    gray = grey(100, 64).astype(np.uint16) * 200
    gray[-30:] = 0
    gray[-31, 40:] = 0
    assert rule_of(gray).endswith("the last 30 rows are zeros, as in a copy that broke off")
