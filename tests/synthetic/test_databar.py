import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.synthetic.databar import BAR_GREEN, BAR_RED, LAYOUTS, BarFacts, draw_bar, font, length_text, nice_scale

FACTS = BarFacts(
    7.34375e-9, 1024, 768, 50000, 10, 0.0052, "InLens", "2013-02-19", "10:09:27", "img_01.tif", "GaAs NWs", 45
)
UNITS = {"nm": 1e-9, "µm": 1e-6, "um": 1e-6, "mm": 1e-3}


def metres(text):
    return float(text[:-2]) * UNITS[text[-2:]]


def runs(line):
    """(start, length) of the runs of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, line, False].astype(int)))
    return list(zip(edges[::2].tolist(), (edges[1::2] - edges[::2]).tolist(), strict=True))


def stroke(layout, width):
    """Columns of an end cap or of a tick."""
    drawn, weight = {"overlay": (712, 2), "ruler": (1280, 3)}.get(layout, (1024, 2))
    return max(1, round(weight * width / drawn))


def measured(layout, pixels):
    """Length of the scale bar from outer edge to outer edge, found in the picture."""
    if layout in ("zeiss white", "zeiss inset"):
        return max(length for line in pixels == BAR_GREEN for _, length in runs(line))
    if layout in ("zeiss black", "overlay"):
        return max(length for line in pixels == 255 for _, length in runs(line))
    if layout == "ruler":
        ticks = np.flatnonzero(pixels[2] == 255)
        return int(ticks[-1] - ticks[0] + 1)
    separators = np.flatnonzero((pixels[2:-2] == 255).all(axis=0))
    line = pixels[round(len(pixels) * 0.25), separators[-1] + 1 :] == 255
    long = [run for run in runs(line) if run[1] > 5]
    return long[-1][0] + long[-1][1] - long[0][0]


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "none"])
@pytest.mark.parametrize("pixel_size", [7.34375e-9, 1.1e-9, 3.3e-8, 4.7e-7, 1.0e-6])
@pytest.mark.parametrize("size", [(1024, 768), (512, 384)])
def test_the_scale_bar_is_as_long_as_it_says(layout, pixel_size, size):
    facts = dataclasses.replace(FACTS, pixel_size=pixel_size, width=size[0], height=size[1])
    bar = draw_bar(layout, facts)
    assert metres(bar.scale_text) == pytest.approx(bar.scale_length)
    assert measured(layout, bar.pixels) == bar.scale_pixels + stroke(layout, size[0])  # its ends are cap centres
    assert abs(bar.scale_pixels * pixel_size - metres(bar.scale_text)) <= pixel_size / 2 * 1.0001
    assert bar.top + bar.pixels.shape[0] <= facts.height
    assert bar.left + bar.pixels.shape[1] <= facts.width
    if bar.cut is not None:  # nothing but bar from there on
        assert (bar.cut, bar.pixels.shape) == (bar.top, (facts.height - bar.top, facts.width))


def test_without_a_bar_and_with_an_unknown_one():
    assert draw_bar("none", FACTS) is None
    with pytest.raises(ValueError, match="no data bar layout 'leica'"):
        draw_bar("leica", FACTS)


@pytest.mark.parametrize("layout", ["zeiss white", "zeiss inset", "zeiss black"])
def test_red_and_green_are_palette_entries_of_the_white_bar_only(layout):
    bar = draw_bar(layout, FACTS)
    assert bar.coloured == (layout != "zeiss black")
    assert set(np.unique(bar.pixels)) == ({0, BAR_RED, BAR_GREEN, 255} if bar.coloured else {0, 255})


def test_the_font_has_the_letters_of_the_field():
    missing = font(20).getmask("\uffff").getbbox()
    for letter in "µ°":
        mask = font(20).getmask(letter)
        assert mask.getbbox() is not None
        assert mask.getbbox() != missing


@settings(deadline=None, max_examples=80)
@given(st.floats(2e-10, 5e-6), st.floats(20, 150))
def test_a_round_scale_fits_every_magnification(pixel_size, low):
    length, pixels = nice_scale(pixel_size, low, 3.2 * low)
    assert low - 0.5 <= pixels <= 3.2 * low + 0.5
    assert abs(pixels * pixel_size - length) <= pixel_size / 2 * 1.0001
    assert f"{length:.0e}"[0] in "1235"
    assert metres(length_text(length)) == pytest.approx(length)
