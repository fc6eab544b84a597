import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from semtrace.core.scale.scale_bar import BLOCK, CAPS, LINE, RULER, find_bar
from semtrace.core.scale.text_box import TextBox

PAPER, INK = 0, 255


def stripe(width=640, height=60, paper=PAPER):
    return Image.new("L", (width, height), paper)


def write(image, text, x, y, size=16, ink=INK):
    """Draw a text as instruments do; return the box that an OCR engine would give it, with its margin."""
    draw = ImageDraw.Draw(image)
    face = ImageFont.load_default(size)
    draw.text((x, y), text, font=face, fill=ink)
    x0, y0, x1, y1 = draw.textbbox((x, y), text, font=face)
    return TextBox(text, max(int(x0) - 3, 0), max(int(y0) - 3, 0), int(x1) + 3, int(y1) + 3)


def caliper(image, x, y, length, tick=6, weight=2, ink=INK):
    """A bar whose end caps are ``length`` pixels apart, from centre to centre."""
    draw = ImageDraw.Draw(image)
    draw.rectangle((x, y, x + length + weight - 1, y + weight - 1), fill=ink)
    for end in (x, x + length):
        draw.rectangle((end, y - tick, end + weight - 1, y + tick), fill=ink)


def block(image, x, y, length, thick=6, ink=INK):
    ImageDraw.Draw(image).rectangle((x, y, x + length - 1, y + thick - 1), fill=ink)


def find(image, text, *others):
    return find_bar(np.asarray(image), text, others)


@given(length=st.integers(20, 560), weight=st.integers(1, 3), tick=st.integers(4, 9), dark=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_drawn_bar_with_caps_is_found_as_long_as_it_is(length, weight, tick, dark):
    image = stripe(paper=PAPER if dark else 255)
    ink = INK if dark else 0
    text = write(image, "1 µm", 12, 6, ink=ink)
    caliper(image, 12, 42, length, tick, weight, ink)
    bar = find(image, text)
    assert bar is not None
    assert bar.convention == CAPS
    assert abs(bar.pixels - length) <= 1


@given(length=st.integers(30, 560), thick=st.integers(3, 10))
@settings(max_examples=60, deadline=None)
def test_a_drawn_block_is_found_as_long_as_it_is(length, thick):
    image = stripe()
    text = write(image, "10 µm", 300, 30)
    block(image, max(330 - length, 8), 8, length, thick)
    bar = find(image, text)
    assert bar is not None
    assert bar.convention == BLOCK
    assert abs(bar.pixels - length) <= 1


@given(step=st.integers(8, 50), weight=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_a_drawn_ruler_is_found_as_long_as_it_is(step, weight):
    image = stripe()
    draw = ImageDraw.Draw(image)
    left = 620 - 10 * step
    for tick in range(11):
        draw.rectangle((left + tick * step, 2, left + tick * step + weight - 1, 18 if tick % 5 == 0 else 11), fill=INK)
    bar = find(image, write(image, "5.00um", 560, 30))
    assert bar is not None
    assert bar.convention == RULER
    assert abs(bar.pixels - 10 * step) <= 1


def test_ten_ticks_or_uneven_ticks_are_no_ruler():
    for places in (range(0, 200, 20), [0, 20, 40, 60, 80, 100, 120, 140, 165, 180, 200]):
        image = stripe()
        for place in places:
            ImageDraw.Draw(image).rectangle((400 + place, 2, 401 + place, 14), fill=INK)
        assert find(image, write(image, "5.00um", 500, 30)) is None


def test_the_text_may_interrupt_the_bar():
    image = stripe()
    caliper(image, 200, 18, 240)
    block(image, 285, 0, 70, 36, ink=PAPER)
    bar = find(image, write(image, "500 nm", 293, 8))
    assert bar is not None
    assert (bar.pixels, bar.convention) == (240, CAPS)


@pytest.mark.parametrize(("left", "right"), [(0, 0), (70, 0), (0, 70), (84, 84), (40, 60)])
def test_the_ends_of_an_interrupted_bar_may_be_in_the_box_of_its_text(left, right):
    """OCR reads the halves as dashes and gives a box with them in it."""
    image = stripe()
    caliper(image, 200, 18, 240)
    block(image, 285, 0, 70, 36, ink=PAPER)
    text = write(image, "500 nm", 293, 8)
    bar = find(image, TextBox("500 nm", text.x0 - left, text.y0, text.x1 + right, text.y1))
    assert bar is not None
    assert (bar.pixels, bar.convention) == (240, CAPS)


@pytest.mark.parametrize("gap", ["", "mm", "5 mm"])
def test_dashes_around_a_text_are_no_bar(gap):
    image = stripe()
    text = write(image, "500 nm", 293, 8)
    for x in (256, 360):
        block(image, x, 18, 26, thick=2)
    assert find(image, TextBox(f"-500 nm{gap}-", text.x0 - 40, text.y0, text.x1 + 40, text.y1)) is None


def test_the_bar_may_stand_beside_its_text():
    image = stripe()
    caliper(image, 200, 20, 130)
    bar = find(image, write(image, "200 nm", 350, 10))
    assert bar is not None
    assert bar.pixels == 130


def test_a_thin_line_without_caps_is_a_line():
    image = stripe()
    text = write(image, "10 nm", 300, 6)
    block(image, 290, 36, 75, thick=2)
    bar = find(image, text)
    assert bar is not None
    assert (bar.pixels, bar.convention) == (75, LINE)


def test_a_frame_and_a_separator_are_no_bars():
    image = stripe()
    draw = ImageDraw.Draw(image)
    text = write(image, "1 µm", 40, 10)
    draw.rectangle((0, 0, 639, 59), outline=INK)
    draw.line((300, 0, 300, 59), fill=INK)
    draw.line((300, 40, 639, 40), fill=INK)
    assert find(image, text) is None


def test_a_box_around_the_text_is_no_bar():
    image = stripe()
    text = write(image, "1 µm", 40, 20)
    ImageDraw.Draw(image).rectangle((30, 8, 120, 52), outline=INK, width=2)
    assert find(image, text) is None


def test_strokes_of_letters_are_no_bars():
    image = stripe(height=90)
    text = write(image, "500 nm", 40, 10, size=30)
    assert find(image, text) is None
    other = write(image, "EEE___TTT", 40, 50, size=30)
    assert find(image, text, other) is None


def test_the_picture_below_the_bar_does_not_count():
    picture = np.random.default_rng(3).integers(60, 200, (120, 640)).astype(np.uint8)
    picture[40:100] = 0
    picture[108:111, 30:300] = 255  # something straight in the picture below
    image = Image.fromarray(picture)
    text = write(image, "1 µm", 40, 60)
    assert find(image, text) is None
    caliper(image, 40, 88, 100)
    bar = find(image, text)
    assert bar is not None
    assert bar.pixels == 100


def test_text_and_bar_drawn_into_the_picture():
    rng = np.random.default_rng(5)
    image = Image.fromarray(rng.normal(90, 12, (200, 300)).clip(0, 255).astype(np.uint8))
    text = write(image, "200 nm", 150, 120, size=24)
    block(image, 150, 160, 93, thick=7)
    bar = find(image, text)
    assert bar is not None
    assert bar.pixels == 93


@pytest.mark.parametrize("level", [100, 130])
def test_text_without_contrast_has_no_bar(level):
    image = stripe(paper=110)
    text = write(image, "1 µm", 12, 6, ink=level)
    caliper(image, 12, 42, 80, ink=level)
    assert find(image, text) is None


def test_the_box_is_where_the_bar_is():
    image = stripe()
    text = write(image, "1 µm", 12, 6)
    caliper(image, 12, 42, 80)
    bar = find(image, text)
    assert bar is not None
    assert bar.box == (12, 36, 94, 49)


def test_a_text_that_reaches_over_the_edge():
    image = stripe()
    write(image, "1 µm", 2, 2)
    caliper(image, 12, 42, 80)
    bar = find(image, TextBox("1 µm", -3, -4, 42, 24))
    assert bar is not None
    assert bar.pixels == 80
