"""Contact sheets: the same bytes each time, and what they say where nothing can be shown."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from semtrace.web.contact_sheet import MARKED, SheetPicture, SheetRow, draw_sheet

GRAY = np.tile(np.arange(200, dtype=np.uint8), (100, 1))


def sheet(rows, **more) -> Image.Image:
    return Image.open(io.BytesIO(draw_sheet("Title", rows, **more))).convert("RGB")


def marked(picture: Image.Image) -> np.ndarray:
    """Rows and columns of the pixels in the colour of marks."""
    return np.argwhere((np.asarray(picture) == MARKED).all(axis=2))


def test_the_same_pictures_give_the_same_bytes():
    rows = [SheetRow("One", [SheetPicture(GRAY, ("a", "b")), SheetPicture(None)])]
    assert draw_sheet("Title", rows) == draw_sheet("Title", rows)


def test_only_what_is_asked_for_is_marked():
    assert len(marked(sheet([SheetRow("", [SheetPicture(GRAY)])]))) == 0
    framed = marked(sheet([SheetRow("", [SheetPicture(GRAY, framed=True), SheetPicture(GRAY)])]))
    (top, left), (bottom, right) = framed.min(axis=0), framed.max(axis=0)
    assert (bottom - top + 1, right - left + 1) == (75, 150)  # a picture of two to one, 150 pixels wide


def test_a_part_is_drawn_where_it_lies():
    whole = marked(sheet([SheetRow("", [SheetPicture(GRAY, framed=True)])])).min(axis=0)
    corners = ((50, 20), (150, 20), (150, 80), (50, 80))
    part = marked(sheet([SheetRow("", [SheetPicture(GRAY, corners=corners)])]))
    assert np.abs(part.min(axis=0) - whole - (15, 37.5)).max() <= 1.5  # 20 and 50 at three quarters
    assert np.abs(part.max(axis=0) - whole - (60, 112.5)).max() <= 1.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (3, 2)])
def test_any_shape_fits(shape):
    assert sheet([SheetRow("", [SheetPicture(np.zeros(shape, np.uint8))])]).height < 250


@pytest.mark.parametrize("name", ["x" * 500, "a\nb\t\x1b[1m\u202e", "Élodie 😀", ""])
def test_any_name_stays_on_its_line(name):
    short = sheet([SheetRow("t", [SheetPicture(GRAY, ("a",))])])
    assert sheet([SheetRow(name or "t", [SheetPicture(GRAY, (name,))])]).size == short.size


def test_nothing_to_show_is_said():
    assert sheet([]).height > 20
