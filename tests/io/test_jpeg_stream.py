import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from semtrace.io.images import UnreadableImage, decode
from semtrace.io.jpeg_stream import check_data, check_kind
from semtrace.io.tiff import first_directory
from semtrace.io.tiff_parts import parts

OPTIONS = [
    {}, {"optimize": True}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2},
    {"restart_marker_blocks": 3}, {"restart_marker_rows": 1, "progressive": True},
]  # fmt: skip


def scene(height=123, width=157, noise=12.0):
    rng = np.random.default_rng(5)
    field = gaussian_filter(rng.normal(size=(height, width)), 3) * 900 + rng.normal(size=(height, width)) * noise + 120
    return field.clip(0, 255).astype(np.uint8)


def jpeg(gray, mode="L", **options):
    file = io.BytesIO()
    Image.fromarray(gray).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def fault(data):
    """What is wrong, or nothing."""
    try:
        check_kind(data)
        check_data(data)
    except UnreadableImage as error:
        return error
    return None


def data_of(whole):
    """Where the first entropy-coded data begin and where the file's last marker is."""
    at = whole.index(b"\xff\xda")
    return at + 2 + int.from_bytes(whole[at + 2 : at + 4], "big"), len(whole) - 2


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_sound_jpegs_are_sound(mode, options):
    for quality in (1, 30, 75, 95, 100):
        for gray in (scene(), scene(8, 8), scene(1, 1), scene(33, 17, noise=90), np.zeros((40, 50), np.uint8)):
            assert fault(jpeg(gray, mode, quality=quality, **options)) is None, (quality, gray.shape)


def test_every_real_jpeg_is_sound(shared):
    files = [file for file in shared.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg")]
    assert len(files) > 50
    for file in files:
        assert fault(file.read_bytes()) is None, file.name


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("where", [0.1, 0.5, 0.9])
def test_a_lost_block_is_found(options, where):
    whole = jpeg(scene(400, 500), "RGB", quality=90, **options)
    start, end = data_of(whole)
    at = start + int((end - start) * where)
    for filling in (bytes(512), b"\xff" * 512, random.Random(1).randbytes(512)):
        damaged = whole[:at] + filling + whole[at + 512 :]
        with pytest.raises(UnreadableImage) as caught:
            decode(damaged)
        assert caught.value.reason in ("corrupt", "truncated")


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_jpeg_cut_and_closed_by_an_end_marker_is_found(options):
    whole = jpeg(scene(200, 300), "RGB", quality=90, **options)
    start, end = data_of(whole)
    for part in (0.02, 0.3, 0.6, 0.97):
        cut = whole[: start + int((end - start) * part)] + b"\xff\xd9"
        with pytest.raises(UnreadableImage) as caught:
            decode(cut)
        assert caught.value.reason == "corrupt"


def test_a_progressive_jpeg_without_its_last_scan_is_found():
    whole = jpeg(scene(200, 300), progressive=True)
    without = whole[: whole.rindex(b"\xff\xda")] + b"\xff\xd9"
    assert Image.open(io.BytesIO(without)).convert("L").size == (300, 200)  # Pillow does not notice
    assert "last scans" in fault(without).detail


@pytest.mark.parametrize("number", [0, 2, 5])
def test_a_restart_marker_that_is_missing_or_out_of_order_is_found(number):
    whole = jpeg(scene(200, 300), restart_marker_blocks=20)
    at = [i for i in range(len(whole) - 1) if whole[i] == 255 and 0xD0 <= whole[i + 1] <= 0xD7]
    place = at[number]
    assert "restart marker" in fault(whole[:place] + whole[place + 2 :]).detail
    other = whole[: place + 1] + bytes([0xD0 + (number + 1) % 8]) + whole[place + 2 :]
    assert "restart marker" in fault(other).detail


def test_bytes_beside_the_data_do_no_harm():
    whole = jpeg(scene())
    assert fault(whole + b"a preview follows" * 9) is None
    assert fault(whole[:-2] + b"\xff\xff\xff\xd9") is None
    comment = b"\xff\xfe\x00\x08\xff\xda\xff\xd9\x00\x00"
    assert fault(whole[:2] + comment + whole[2:]) is None


def test_data_after_the_last_block_are_found():
    whole = jpeg(scene())
    assert "more of them" in fault(whole[:-2] + bytes(40) + whole[-2:]).detail


@pytest.mark.parametrize(
    ("marker", "word"), [(0xC9, "arithmetic"), (0xCA, "arithmetic"), (0xC3, "lossless"), (0xC5, "hierarchical")]
)
def test_kinds_that_no_decoder_here_knows_are_unsupported(marker, word):
    whole = bytearray(jpeg(scene()))
    whole[whole.index(b"\xff\xc0") + 1] = marker
    with pytest.raises(UnreadableImage, match=word) as caught:
        decode(bytes(whole))
    assert caught.value.reason == "unsupported"


def test_twelve_bits_are_unsupported():
    whole = bytearray(jpeg(scene()))
    whole[whole.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(UnreadableImage, match="12 bits") as caught:
        decode(bytes(whole))
    assert caught.value.reason == "unsupported"


def test_damage_inside_a_tiff_is_found_in_every_strip():
    file = io.BytesIO()
    Image.fromarray(scene(200, 300)).save(file, "TIFF", compression="jpeg", quality=90, strip_size=8000)
    whole = file.getvalue()
    assert decode(whole).gray.shape == (200, 300)
    found = parts(first_directory(whole))
    assert found.number > 3
    for start, size in zip(found.offsets.tolist(), found.sizes.tolist(), strict=True):
        at = start + size // 2
        with pytest.raises(UnreadableImage) as caught:
            decode(whole[:at] + bytes(300) + whole[at + 300 :])
        assert caught.value.reason == "corrupt"


WHOLE = [jpeg(scene(40, 50), mode, **options) for mode in ("L", "RGB") for options in OPTIONS]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 255)), min_size=1, max_size=5))
def test_any_bytes_end_as_sound_or_with_a_reason(whole, changes):
    data = bytearray(whole)
    for where, value in changes:
        data[where % len(data)] = value
    error = fault(bytes(data))
    assert error is None or error.reason in ("corrupt", "unsupported")
