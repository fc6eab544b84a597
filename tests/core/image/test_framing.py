"""Margins are trimmed, panels are told apart, pictures are left whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.image.framing import pieces
from semtrace.core.image.placement import Rectangle
from tests.core.image.conftest import coded, exposed, scene

PICTURE = np.clip(exposed(scene(1, (200, 260)), 1), 20, 235)


def page(level: int, *places: tuple[int, int], size: tuple[int, int] = (700, 900)) -> np.ndarray:
    """The picture at some places (left, top) of an empty page."""
    paper = np.full(size, level, np.uint8)
    for left, top in places:
        paper[top : top + 200, left : left + 260] = PICTURE
    return paper


def test_a_picture_without_margins_is_left_whole():
    assert pieces(PICTURE) == [Rectangle(0, 0, 260, 200)]


@pytest.mark.parametrize("level", [0, 255])
@given(left=st.integers(1, 600), top=st.integers(1, 450))
@settings(max_examples=20, deadline=None)
def test_margins_are_trimmed_to_the_pixel(level, left, top):
    assert pieces(page(level, (left, top))) == [Rectangle(left, top, 260, 200)]


@pytest.mark.parametrize("quality", [95, 75])
def test_after_coding_to_within_a_few_pixels(quality):
    (found,) = pieces(coded(page(255, (101, 203)), quality)[0])
    assert np.abs(np.subtract((found.x, found.y, found.width, found.height), (101, 203, 260, 200))).max() <= 4


def test_panels_are_told_apart_and_read_as_a_text_is():
    places = [(10, 10), (280, 10), (10, 220), (280, 220)]
    found = pieces(page(255, *places))
    assert [(one.x, one.y) for one in found] == places
    assert {(one.width, one.height) for one in found} == {(260, 200)}


@pytest.mark.parametrize(("gap", "count"), [(2, 1), (3, 2), (40, 2)])
def test_three_blank_lines_part_two_panels(gap, count):
    both = np.concatenate([PICTURE, np.full((200, gap), 255, np.uint8), PICTURE], axis=1)
    assert len(pieces(both)) == count


def test_a_title_is_no_picture():
    paper = page(255, (100, 200))
    paper[150:170, 150:300:2] = 0
    assert pieces(paper) == [Rectangle(100, 200, 260, 200)]


def test_an_empty_page_has_none():
    assert pieces(np.full((300, 300), 255, np.uint8)) == []


@pytest.mark.parametrize(("ink", "count"), [(0.24, 1), (0.26, 2)])
def test_a_caption_below_a_picture_on_black_is_no_panel_while_it_is_mostly_paper(ink, count):
    caption = np.full((120, 500), 255, np.uint8)
    caption.flat[: round(ink * caption.size)] = 100
    found = pieces(np.concatenate([page(0, (100, 60), size=(400, 500)), caption]))
    assert found[0] == Rectangle(100, 60, 260, 200)
    assert len(found) == count


def test_a_pale_panel_beside_a_picture_on_white_stays_one():
    paper = page(255, (100, 60), size=(400, 800))
    paper[60:260, 500:760] = np.where(np.random.default_rng(1).random((200, 260)) < 0.15, 100, 255)
    assert len(pieces(paper)) == 2
