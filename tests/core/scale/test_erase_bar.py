import numpy as np
from PIL import Image, ImageDraw, ImageFont

from semtrace.core.scale.erase_bar import is_beside, without_bar
from semtrace.core.scale.scale_bar import BLOCK, CAPS, Bar
from semtrace.core.scale.text_box import TextBox


def stripe(*, bar=True, text=True):
    image = Image.new("L", (400, 60), 0)
    draw = ImageDraw.Draw(image)
    if bar:
        draw.rectangle((40, 20, 141, 21), fill=255)
        for x in (40, 140):
            draw.rectangle((x, 14, x + 1, 27), fill=255)
    if text:
        draw.text((156, 10), "1 µm", font=ImageFont.load_default(18), fill=255)
    return np.asarray(image)


BAR = Bar(100.0, (40, 14, 142, 28), CAPS)
READ = TextBox("4 1 µm", 134, 8, 200, 32)  # the end cap was read as a digit


def test_only_a_bar_that_reaches_into_the_line_of_the_text_is_beside_it():
    assert is_beside(READ, BAR)
    assert not is_beside(TextBox("1 µm", 150, 8, 200, 32), BAR)
    assert not is_beside(TextBox("1 µm", 60, 24, 100, 48), Bar(100.0, (40, 0, 142, 26), CAPS))
    assert not is_beside(TextBox("1 µm", 60, 24, 100, 48), Bar(100.0, (40, 40, 142, 50), CAPS))


def test_a_block_has_no_caps_that_could_be_read():
    assert not is_beside(READ, Bar(102.0, (40, 14, 142, 28), BLOCK))


def test_the_cap_goes_and_the_letters_stay():
    part, left, top = without_bar(stripe(), READ, BAR)
    alone = stripe(bar=False)[top : top + part.shape[0], left : left + part.shape[1]]
    assert np.array_equal(part, alone)


def test_a_bar_on_both_sides_of_its_text():
    image = Image.fromarray(stripe(bar=False))
    draw = ImageDraw.Draw(image)
    for a, b in ((100, 150), (196, 246)):
        draw.rectangle((a, 20, b, 21), fill=255)
    for x in (100, 245):
        draw.rectangle((x, 14, x + 1, 27), fill=255)
    part, left, top = without_bar(
        np.asarray(image), TextBox("I1µm", 96, 6, 250, 34), Bar(145.0, (100, 14, 247, 28), CAPS)
    )
    assert np.array_equal(part, stripe(bar=False)[top : top + part.shape[0], left : left + part.shape[1]])


def test_the_picture_itself_is_not_changed():
    gray = stripe()
    before = gray.copy()
    without_bar(gray, READ, BAR)
    assert np.array_equal(gray, before)
