import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from semtrace.core.image.databar import bar_top
from semtrace.io.images import decode

# first row of the bar: published crops (Zeiss Supra), DatabarHeight or ResolutionY of the FEI tag, else read by eye
TRUTH = {
    "zeiss_supra40_bam_tio2": 712,
    "zeiss_auriga_fibres_nmi": 1370,
    "fei_helios_c3s": 1768,
    "fei_quanta_steel": 884,
    "fei_teneo_bio21_blood_cells": 1024,
    "fei_xl30_sis_gold": 484,
    "hitachi_nanowires_nbi": 890,
    "jeol_etched_sidewall_ucsb": 960,
    "zeiss_supra40_bam_tio2_cropped_published": None,
    "fei_sirion_uw_silica": None,  # a box inside the picture
    "fibres_pan_3class": None,  # some have an empty edge
}


def picture(seed=0, height=480, width=640):
    noise = np.random.default_rng(seed).normal(size=(height, width))
    field = gaussian_filter(noise, 6) * 400 + noise * 8 + 110
    return field.clip(1, 254).astype(np.uint8)


def with_bar(gray, tall, *, paper=0, ink=255, frame=None, text="EHT = 5.00 kV  WD = 4.9 mm  Mag = 50.00 K X"):
    """Paste a bar over the lowest rows."""
    height, width = gray.shape
    bar = Image.new("L", (width, tall), paper)
    draw = ImageDraw.Draw(bar)
    draw.text((8, tall // 3), text, fill=ink, font=ImageFont.load_default(max(tall // 3, 8)))
    draw.line((width - 120, tall // 2, width - 20, tall // 2), fill=ink, width=2)
    if frame is not None:
        draw.rectangle((0, 0, width - 1, tall - 1), outline=frame, width=3)
    return np.vstack([gray[: height - tall], np.asarray(bar)])


@pytest.mark.parametrize("folder", TRUTH)
def test_the_bars_of_real_instruments(shared, folder):
    files = [file for file in sorted((shared / "sem_tiff" / folder).rglob("*")) if file.is_file()]
    assert files
    for file in files:
        gray = decode(file.read_bytes()).gray
        assert bar_top(gray) == (TRUTH[folder] or len(gray)), file.name


@pytest.mark.parametrize("quality", [95, 85, 75, 60])
def test_the_bar_of_an_original_that_was_a_jpeg_once(quality):
    for paper, ink in ((0, 255), (255, 0), (30, 255)):
        gray = with_bar(picture(), 60, paper=paper, ink=ink)
        data = io.BytesIO()
        Image.fromarray(gray).save(data, "JPEG", quality=quality)
        found = bar_top(np.asarray(Image.open(data)))
        assert abs(found - bar_top(gray)) <= 4


def test_cropping_at_the_bar_gives_what_was_published(shared):
    with (shared / "mapping_truth.csv").open() as table:
        pairs = [row for row in csv.DictReader(table) if "data bar removed" in row["relation"]]
    assert len(pairs) == 6
    for row in pairs:
        original = decode((shared / row["original"]).read_bytes()).gray
        published = decode((shared / row["derived"]).read_bytes()).gray
        assert np.array_equal(original[: bar_top(original)], published)


def test_no_bar_is_seen_in_pictures_that_have_none(shared):
    for folder in ("volumes_video", "near_duplicates/wafer_sem_pairs", "sem_jpeg_png/microplastic_fibres"):
        for file in sorted((shared / folder).rglob("*.*")):
            if file.suffix.lower() in {".tif", ".png"}:
                gray = decode(file.read_bytes()).gray
                assert bar_top(gray) == len(gray), file.name


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (255, 0), (46, 255), (128, 0), (0, 110)])
@pytest.mark.parametrize(("tall", "frame"), [(16, None), (40, None), (40, 255), (40, 0), (100, None), (100, 255)])
def test_black_white_and_grey_bars_with_and_without_a_frame(paper, ink, tall, frame):
    assert bar_top(with_bar(picture(tall), tall, paper=paper, ink=ink, frame=frame)) == 480 - tall


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
@pytest.mark.parametrize(("paper", "ink"), [(0, 65000), (65000, 0), (900, 4000), (4000, 0)])
def test_the_bar_of_a_deep_picture_is_found_before_a_range_is_chosen(dtype, paper, ink):
    marks = with_bar(picture(), 60)[420:] > 128
    deep = np.vstack([picture()[:420] * 12.0 + 900, np.where(marks, ink, paper)]).astype(dtype)
    assert bar_top(deep) == 420
    assert bar_top(deep[:420]) == 420


def test_values_that_are_no_numbers_are_no_bar():
    for value in (np.nan, np.inf, -np.inf):
        deep = picture().astype(np.float32)
        deep[-60:] = value
        assert bar_top(deep) == 480


def test_cells_separated_by_a_line_are_one_bar():
    gray = with_bar(picture(), 60)
    gray[450:452] = 255
    assert bar_top(gray) == 420


def test_a_thin_rest_of_the_picture_below_the_bar_is_allowed_and_a_thick_one_is_not():
    base = with_bar(picture(), 60)
    for rest, expected in ((10, 410), (48, 480)):
        gray = np.vstack([base[rest:], picture(1)[:rest]])
        assert bar_top(gray) == expected


def test_a_box_inside_the_picture_is_no_bar():
    gray = with_bar(picture(), 40)
    gray[:, 560:] = picture(1)[:, 560:]
    assert bar_top(gray) == 480


def test_text_on_the_picture_is_no_bar():
    image = Image.fromarray(picture())
    ImageDraw.Draw(image).text((10, 440), "10.0 kV  x5.00k  SE(UL)  10.0 um", fill=255, font=ImageFont.load_default(24))
    assert bar_top(np.asarray(image)) == 480


@pytest.mark.parametrize("level", [0, 255])
def test_an_empty_edge_is_no_bar(level):
    for rows in (4, 40):
        gray = picture()
        gray[-rows:] = level
        assert bar_top(gray) == 480


def test_a_picture_clipped_to_the_level_of_its_bar_is_left_whole():
    gray = with_bar((picture() // 128) * 60, 60)  # most pixels of the picture are 0, as is the bar
    assert bar_top(gray) == 480


@pytest.mark.parametrize("view", [np.flipud, np.transpose, np.rot90, lambda a: a[:420], lambda a: a[:, :630][:300]])
def test_a_bar_that_is_elsewhere_or_cut_off_is_not_seen(view):
    gray = np.ascontiguousarray(view(with_bar(picture(), 60)))
    assert bar_top(gray) == len(gray)


@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90)), elements=st.sampled_from([0, 1, 254, 255])),
    st.integers(0, 4),
)
def test_any_picture_gives_a_row_or_its_height(gray, smooth):
    gray = gaussian_filter(gray, smooth)
    assert len(gray) * 0.75 <= bar_top(gray) <= len(gray)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 30), st.floats(0, 255), st.floats(1, 120))
def test_noise_of_any_brightness_and_grain_has_no_bar(seed, grain, mean, contrast):
    field = gaussian_filter(np.random.default_rng(seed).normal(size=(200, 240)), grain)
    gray = (mean + contrast * field / field.std()).clip(0, 255).astype(np.uint8)
    assert bar_top(gray) == 200
