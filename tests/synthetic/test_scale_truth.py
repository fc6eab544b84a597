import numpy as np
import pytest

from semtrace.core.scale.scale_bar import find_bar
from semtrace.core.scale.text_box import TextBox
from semtrace.synthetic.databar import BarFacts, draw_bar
from semtrace.synthetic.scale_truth import SCALE, scale_truth_rows

FACTS = BarFacts(1e-8, 1024, 768, 36_000, 5.0, 4e-3, "SE2", "2015-03-04", "10:11:12", "a.tif", "TiO2", 0.0)


def test_a_row_for_each_path():
    bar = draw_bar("zeiss black", FACTS)
    rows = scale_truth_rows(["a.tif", "b.tif"], "zeiss black", FACTS, bar)
    assert [row["path"] for row in rows] == ["a.tif", "b.tif"]
    assert set(rows[0]) == set(SCALE.names)
    assert rows[0]["pixel_size_m"] == 1e-8
    assert rows[0]["bar_value_m"] == bar.scale_length


def test_a_picture_without_a_bar():
    [row] = scale_truth_rows(["a.tif"], "none", FACTS, None)
    assert (row["bar_text"], row["bar_value_m"], row["bar_px"]) == ("", None, None)


@pytest.mark.parametrize("layout", ["zeiss black", "zeiss white"])
@pytest.mark.parametrize("width", [1024, 640, 2048])
def test_the_length_is_that_of_the_drawn_bar(layout, width):
    facts = BarFacts(**{**vars(FACTS), "width": width})
    bar = draw_bar(layout, facts)
    zoom = width / 1024
    pixels = np.where(bar.pixels == 9, 76, np.where(bar.pixels == 18, 150, bar.pixels)).astype(np.uint8)
    x = width - bar.scale_pixels - 2 * round(12 * zoom) if layout == "zeiss black" else round(12 * zoom)
    text = TextBox(bar.scale_text, x, round(4 * zoom), x + round(60 * zoom), round(30 * zoom))
    found = find_bar(pixels, text)
    assert found is not None
    assert found.pixels == pytest.approx(scale_truth_rows(["a"], layout, facts, bar)[0]["bar_px"], abs=1)
