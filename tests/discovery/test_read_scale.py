import csv
import io
import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw, ImageFont

from semtrace.core.scale.pixel_size import Lengths, judge_lengths
from semtrace.core.scale.text_box import TextBox
from semtrace.discovery.read_scale import read_scale
from semtrace.io import ocr
from semtrace.io.images import decode
from semtrace.io.vendor_tags import stated_by_vendor

ENGINE = ocr.chosen("auto")
needs_ocr = pytest.mark.skipif(ENGINE != "rapidocr", reason="RapidOCR is not installed: pip install '.[ocr]'")


def tagged(width, scanned, tag, value):
    """A TIFF whose tag says this, as its maker writes it."""
    if tag == "none":
        number, text = 0, ""
    elif tag.startswith("FEI"):
        number, text = 34682, f"[System]\r\n[Scan]\r\nPixelWidth={value}\r\n"
    else:
        unit = f"{float(value) * 1e12:.6g} pm" if float(value) < 1e-9 else f"{float(value) * 1e9:.6g} nm"
        number, text = 34118, f"0\r\n{tag.upper()}\r\nPixel Size = {unit}\r\n"
        text = text.replace("Pixel Size", "Image Pixel Size") if "image" in tag else text
        text += f"DP_IMAGE_STORE\r\nStore resolution = {scanned} * 768\r\n" if scanned else ""
    body = text.encode("latin-1") + b"\0"
    file = io.BytesIO()
    extra = [(number, "B", len(body), body, True)] if number else []
    tifffile.imwrite(file, np.zeros((4, width), np.uint8), extratags=extra, metadata=None, software=False)
    return file.getvalue()


def test_tag_against_bar(cases):
    with (cases / "discovery" / "03_tag_against_bar.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 10
    for row in rows:
        width = int(row["width"])
        vendor = stated_by_vendor(tagged(width, row["scanned_width"], row["tag"], row["tag_value_m"]))
        bar = (
            (float({"1 µm": 1e-6, "200 nm": 2e-7, "100 nm": 1e-7}[row["bar_text"]]), float(row["bar_px"]))
            if row["bar_text"]
            else (None, None)
        )
        said = judge_lengths(Lengths(width, *bar, vendor.pixel_size_m, vendor.scanned_width))
        assert said.status == row["expected_status"], row
        expected = row["expected_pixel_size_m"]
        assert said.pixel_size == (pytest.approx(float(expected), rel=1e-3) if expected else None), row


STATUS = {
    "08a": ("1 µm", (98, 98), None), "08b": ("10 µm", (118, 120), 5.32e-5), "08c": ("5.00um", (200, 200), None),
    "08g": ("100 nm", (25, 25), None), "08h": ("5,00 µm", (130, 130), None), "08i": ("1 µm", (49, 50), None),
}  # fmt: skip


@needs_ocr
def test_every_picture_of_the_case(cases):
    folder, reader = cases / "discovery", ocr.text_reader(ENGINE)
    with (folder / "08_images.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 9
    for row in rows:
        found = read_scale(decode((folder / row["file"]).read_bytes()).gray, reader)
        width = decode((folder / row["file"]).read_bytes()).gray.shape[1]
        printed = {"width": found.stripe.width / width} if found.stripe.width else {}
        printed |= {"pixel": found.stripe.pixel_size} if found.stripe.pixel_size else {}
        pixels = found.bar.pixels if found.bar else None
        said = judge_lengths(Lengths(width, found.value, pixels, printed=printed, missing=found.status))
        assert ("conflict" if found.several else said.status) == row["status"], row["file"]
        if row["scale_bar_m"]:
            assert found.value == float(row["scale_bar_m"]), row["file"]
            low, high = STATUS[row["file"][:3]][1]
            assert low <= pixels <= high, row["file"]
        else:
            assert found.value is None
            assert found.bar is None


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="no tesseract here (Debian: apt install tesseract-ocr)")
@pytest.mark.parametrize(
    ("file", "value", "pixels"),
    [("08c_ruler_11_ticks.png", 5e-6, 200), ("08e_stripe_without_bar.png", None, None),
     ("08g_short_bar_end_caps.png", 1e-7, 25)],
)  # fmt: skip
def test_tesseract_reads_pictures_of_the_case(cases, file, value, pixels):
    found = read_scale(decode((cases / "discovery" / file).read_bytes()).gray, ocr.text_reader("tesseract"))
    assert (found.value, found.bar and found.bar.pixels) == (value, pixels)


def picture(width=320, height=240, paper=0):
    rng = np.random.default_rng(1)
    gray = rng.integers(60, 200, (height, width)).astype(np.uint8)
    gray[height - 50 :] = paper
    return gray


def with_bar(gray, text="1 µm"):
    image = Image.fromarray(gray)
    draw = ImageDraw.Draw(image)
    top = image.height - 46
    draw.text((10, top), text, font=ImageFont.load_default(16), fill=255)
    draw.rectangle((10, top + 30, 110, top + 31), fill=255)
    for x in (10, 109):
        draw.rectangle((x, top + 25, x + 1, top + 36), fill=255)
    return np.asarray(image)


class Engine:
    """An OCR engine that says what a test wants, by the height of the picture that it is shown."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, gray):
        self.asked.append(gray.shape)
        return self.answers.pop(0) if self.answers else []


def test_a_stripe_is_read_once_and_nothing_else():
    engine = Engine([TextBox("1 µm", 8, 2, 50, 22)])
    found = read_scale(with_bar(picture()), engine)
    assert engine.asked == [(50, 320)]
    assert (found.stripe_top, found.stripe_level) == (190, 0)
    assert found.bar.pixels == pytest.approx(99, abs=1)
    assert (found.text, found.value, found.status) == ("1 µm", 1e-6, "read_once")


def test_a_missed_digit_is_looked_for_to_the_left_at_twice_the_size():
    unit = TextBox("µm", 26, 2, 50, 22)
    engine = Engine([unit], [TextBox("1 µm", 16, 8, 110, 44)])
    found = read_scale(with_bar(picture()), engine)
    assert len(engine.asked) == 2
    assert engine.asked[1] == (2 * 30, 2 * 60)
    assert found.value == 1e-6


def test_a_digit_that_stays_missed_is_not_read():
    found = read_scale(with_bar(picture()), Engine([TextBox("µm", 26, 2, 50, 22)]))
    assert (found.value, found.bar, found.status) == (None, None, "not_read")


def test_a_stripe_without_any_text_is_not_read():
    assert read_scale(with_bar(picture()), Engine()).status == "not_read"


def test_where_no_value_comes_out_the_stripe_is_enlarged():
    engine = Engine([TextBox("EHT = 5 kV", 100, 2, 180, 22)], [TextBox("1 µm", 16, 4, 100, 44)])
    found = read_scale(with_bar(picture()), engine)
    assert engine.asked == [(50, 320), (100, 640)]
    assert found.value == 1e-6


def test_a_value_in_a_stripe_without_a_bar():
    image = Image.fromarray(picture())
    ImageDraw.Draw(image).text((10, 194), "1 µm", font=ImageFont.load_default(16), fill=255)
    found = read_scale(np.asarray(image), Engine([TextBox("1 µm", 8, 2, 50, 22)]))
    assert (found.status, found.text, found.value, found.bar) == ("bar_not_found", "1 µm", None, None)


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (400, 5), (64, 64), (100, 100)])
@pytest.mark.parametrize("level", [0, 255])
def test_pictures_of_one_level_and_any_shape(shape, level):
    found = read_scale(np.full(shape, level, np.uint8), Engine())
    assert (found.value, found.bar) == (None, None)
    assert found.status in ("stripe_not_detected", "not_read")


def test_a_tiny_picture_is_not_shown_to_the_engine():
    engine = Engine()
    read_scale(np.zeros((64, 64), np.uint8), engine)
    assert engine.asked == []


@needs_ocr
@pytest.mark.parametrize(
    ("file", "value", "pixels"),
    [("sem_tiff/zeiss_supra40_bam_tio2/1908264.tif", 3e-7, 40.8), ("sem_tiff/hitachi_nanowires_nbi/9.tif", 1e-5, 403),
     ("sem_tiff/fei_xl30_sis_gold/cu_au_110_300_125_2.tif", 2e-7, 130.1),
     ("sem_jpeg_png/zeiss_tasc_L2_particles/L2_04837ca09dec3559b4eb39de679c5bbe.jpg", 1e-6, 136),
     ("sem_jpeg_png/scale_bar_crops/500 nm.png", 5e-7, 81),
     ("sem_tiff/jeol_etched_sidewall_ucsb/JEOL SEM - etched sidewall 01.tif", 1e-7, 54)],
)  # fmt: skip
def test_real_pictures(shared, file, value, pixels):
    found = read_scale(decode((shared / file).read_bytes()).gray, ocr.text_reader(ENGINE))
    assert found.value == value
    assert found.bar.pixels == pytest.approx(pixels, rel=0.01, abs=1)


@needs_ocr
def test_a_real_picture_without_a_bar_has_no_answer(shared):
    file = shared / "sem_tiff/zeiss_supra40_bam_tio2_cropped_published/1908248.tif"
    found = read_scale(decode(file.read_bytes()).gray, ocr.text_reader(ENGINE))
    assert (found.value, found.bar, found.status) == (None, None, "stripe_not_detected")


def test_an_end_cap_that_was_read_as_a_digit_is_read_again_without_the_bar():
    gray = picture()
    image = Image.fromarray(gray)
    draw = ImageDraw.Draw(image)
    draw.text((126, 196), "1 µm", font=ImageFont.load_default(16), fill=255)
    draw.rectangle((10, 206, 111, 207), fill=255)
    for x in (10, 110):
        draw.rectangle((x, 201, x + 1, 212), fill=255)
    wrong, right = TextBox("4 1 µm", 106, 4, 170, 26), TextBox("1 µm", 50, 12, 120, 50)
    for text in ("4 1 µm", "H 1 µm", "11 µm"):
        found = read_scale(np.asarray(image), Engine([wrong._replace(text=text)], [right]))
        assert (found.value, found.bar.pixels) == (1e-6, 100), text
    found = read_scale(np.asarray(image), Engine([wrong], []))
    assert (found.value, found.bar) == (None, None)
