from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from semtrace.models.crop import picture_rows


def picture(height=480, width=640):
    return np.random.default_rng(1).integers(1, 255, (height, width)).astype(np.uint8)


def test_a_bar_that_is_found_is_cut_at_its_first_row():
    gray = picture()
    bar = Image.new("L", (640, 60), 0)
    ImageDraw.Draw(bar).text((10, 5), "EHT = 5.00 kV  WD = 4.9 mm  Mag = 50.00 K X", fill=255, font_size=24)
    gray[420:] = np.asarray(bar)
    assert picture_rows(gray, "bar") == (420, "bar")
    assert picture_rows(gray, "none") == (480, "none")


def test_where_no_bar_is_found_a_share_goes():
    assert picture_rows(picture(), "bar") == (480 - 67, "share")
    assert picture_rows(picture(1, 1), "bar") == (1, "share")
