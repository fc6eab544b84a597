"""The files of ../shared/cases that were decoded wrongly in silence: each has one right outcome."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from semtrace.io.images import UnreadableImage, decode
from semtrace.io.vendor_tags import read_vendor


@pytest.fixture(scope="module")
def cases(project):
    folder = project.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("the cases of ../shared/cases are not here")
    return folder


def picture(file):
    return decode(file.read_bytes())


def off(gray, other):
    """The largest difference, in levels."""
    return int(np.abs(gray.astype(int) - other).max())


def refusal(file):
    with pytest.raises(UnreadableImage) as caught:
        picture(file)
    return caught.value


def test_deep_colour_is_what_deep_grey_is(cases):
    folder = cases / "decoding/03-rgb16-high-byte"
    grey = picture(folder / "grey_12_in_16.tif").gray
    for name, levels in (("rgb_12_in_16.tif", 0), ("rgb_10_in_16.tif", 1), ("rgb_8_in_16.tif", 1)):
        assert off(picture(folder / name).gray, grey) <= levels, name


def test_odd_depths_use_the_whole_range(cases):
    folder = cases / "decoding/04-odd-bits-nearly-black"
    counts = picture(folder / "counts_0_to_30_uint16.tif").gray
    for depth in (3, 5, 6, 7):
        black, white = (picture(folder / f"{depth}bit_minis{which}.tif").gray for which in ("black", "white"))
        assert np.array_equal(black, white)
        assert (black.min(), black.max()) == (0, 255)
        assert off(black, counts) <= 128 // (1 << min(depth, 5)) * 2 + 6
        assert len(np.unique(black)) <= 1 << depth


def test_parts_without_data_are_corrupt(cases):
    files = sorted((cases / "decoding/09-strips-without-data-shown").glob("*.tif"))
    assert len(files) > 6
    for file in files:
        if file.name == "CONTROL_whole.tif":
            assert picture(file).rule == "identity"
        else:
            error = refusal(file)
            assert error.reason == "corrupt", file.name
            assert "have no data in the file" in error.detail


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("decoding/10-thumbnail-first/thumbnail_then_picture.tif", (416, 320)),
        ("input/03-thumbnail-in-first-page/archive/thumbnail_first.tif", (512, 384)),
    ],
)
def test_the_picture_is_taken_and_not_its_thumbnail(cases, name, size):
    image = picture(cases / name)
    assert (image.facts.width, image.facts.height) == size
    assert image.rule == "identity; page 2 of 2"


def test_the_pixel_size_is_that_of_the_page_that_was_taken(cases):
    data = (cases / "input/03-thumbnail-in-first-page/archive/thumbnail_first.tif").read_bytes()
    for vendor in (read_vendor(data), read_vendor(data, decode(data).page)):
        assert vendor.pixel_size_m == 1e-9
        assert vendor.pixel_size_source == "FEI 34682 Scan.PixelWidth"


def test_deep_lzw_is_decoded(cases):
    folder = cases / "decoding/11-deep-lzw-unsupported"
    shown = [
        picture(folder / name).gray for name in ("f16_lzw_p1_t0_L.tif", "f64_lzw_p0_t0_L.tif", "u32_lzw_p0_t0_B.tif")
    ]
    assert off(shown[0], shown[1]) <= 1
    assert off(shown[1], shown[2]) <= 1
    assert picture(folder / "white16_lzw_B.tif").rule.endswith("min-is-white inverted")


def test_damaged_jpegs_are_corrupt_and_unknown_ones_are_not(cases):
    folder = cases / "decoding/12-damaged-jpeg-accepted"
    for name in (
        "zeros_4000_bytes_in_middle.jpg",
        "cut_at_60_percent_with_end_marker.jpg",
        "jpeg_in_tiff_zeros_in_middle.tif",
    ):
        assert refusal(folder / name).reason == "corrupt", name
    assert refusal(folder / "arithmetic_coded.jpg").reason == "unsupported"
    assert off(picture(folder / "whole.jpg").gray, picture(folder / "jpeg_in_tiff_whole.tif").gray) <= 1


def test_the_exif_orientation_is_applied(cases):
    folder = cases / "decoding/12-damaged-jpeg-accepted"
    turned = picture(folder / "exif_orientation_6.jpg")
    assert turned.rule == "identity; turned by Exif orientation 6"
    assert off(turned.gray, picture(folder / "whole.jpg").gray) <= 64
    for n, original in ((6, 0), (3, 1), (8, 2)):
        folder = cases / "input/04-jpeg-exif-orientation"
        shown = picture(folder / f"published/Tips/orientation{n}.jpg").gray
        assert off(shown, picture(folder / f"archive/{original}.tif").gray) <= 40


def test_pixel_sizes_of_resized_pictures(cases):
    folder = cases / "input/09-pixel-size-of-resized/archive"
    sizes = {file.name: read_vendor(file.read_bytes()) for file in folder.glob("*.tif")}
    assert {name: vendor.pixel_size_m for name, vendor in sizes.items()} == {
        "fei_decimal_comma.tif": 1.5e-9, "fei_halved.tif": 2e-9, "fei_whole.tif": 1e-9, "zeiss_halved.tif": 5e-9,
    }  # fmt: skip
    assert sizes["fei_halved.tif"].pixel_size_source == "FEI 34682 Scan.PixelWidth * 256 / 128"


def test_the_range_of_a_deep_picture_is_not_that_of_its_data_bar(cases):
    folder = cases / "input/10-16bit-bar-at-full-scale"
    image = picture(folder / "archive/deep.tif")
    assert image.rule == "linear 1416..3444 (0.1-99.9 %) of uint16; range without the data bar"
    published = picture(folder / "published/Tips/bar_cut_off.jpg").gray
    above = image.gray[: len(published)]
    assert np.corrcoef(above.ravel(), published.ravel())[0, 1] > 0.98
    assert above.mean() > 80


def test_zeros_at_the_end_are_said(cases):
    for name, rows in (("0.tif", 57), ("1.tif", 115)):
        image = picture(cases / "input/17-zeros-at-the-end/archive" / name)
        assert image.rule == f"identity; the last {rows} rows are zeros, as in a copy that broke off"


def test_real_originals_have_no_such_note(shared):
    with (shared / "mapping_truth.csv").open() as table:
        names = {row["original"] for row in csv.DictReader(table) if row["original"].endswith(".tif")}
    assert names
    for name in sorted(names):
        assert "zeros" not in picture(shared / name).rule, name


def test_a_jpeg_that_pillow_writes_turned_is_read_upright():
    gray = np.add.outer(np.arange(48) * 2, np.arange(64)).astype(np.uint8)
    upright = decode(jpeg(gray, 1)).gray
    ways = {
        2: np.fliplr, 3: lambda a: a[::-1, ::-1], 4: np.flipud, 5: np.transpose, 6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).T, 8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    for orientation, store in ways.items():
        image = decode(jpeg(np.ascontiguousarray(store(gray)), orientation))
        assert off(image.gray, upright) <= 4, orientation
        assert (image.facts.width, image.facts.height) == (64, 48)


def jpeg(gray, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "JPEG", quality=100, exif=exif)
    return file.getvalue()
