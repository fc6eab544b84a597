"""How an original became a published image: from points, refined on the pixels, and brought into its frame."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2", reason="the extra geometry is not installed")

from semtrace.core.image.overlay import SURE, overlay
from semtrace.core.image.transformation import Transformation, brought, corners, from_points, refined
from tests.core.image.framings import moved, turned
from tests.small_archive import scene

TURNED = Transformation(0.9, 0.3, 12.0, -0.3, 0.9, 80.0)
GRID = np.array([(x, y) for x in range(20, 240, 30) for y in range(20, 180, 30)], np.float32)


def test_angle_and_scale_are_those_of_the_rows():
    assert TURNED.angle == pytest.approx(18.43, abs=0.01)  # counter-clockwise
    assert TURNED.scale == pytest.approx(np.hypot(0.9, 0.3))


def test_the_way_back_leads_back():
    assert TURNED.inverse.of(TURNED.of(GRID)) == pytest.approx(GRID, abs=1e-3)


@pytest.mark.parametrize(
    ("this", "sane"),
    [
        (Transformation(1, 0, 0, 0, 1, 0), True),
        (Transformation(-1, 0, 0, 0, 1, 0), False),  # mirrored
        (Transformation(0.11, 0, 0, 0, 0.11, 0), True),
        (Transformation(0.09, 0, 0, 0, 0.09, 0), False),
        (Transformation(9.9, 0, 0, 0, 9.9, 0), True),
        (Transformation(10.1, 0, 0, 0, 10.1, 0), False),
        (Transformation(1.9, 0, 0, 0, 1, 0), True),
        (Transformation(2.1, 0, 0, 0, 1, 0), False),
        (Transformation(1, 0.57, 0, 0, 1, 0), True),
        (Transformation(1, 0.6, 0, 0, 1, 0), False),
    ],
)
def test_what_a_publisher_may_have_done(this, sane):
    assert this.is_sane is sane


def test_outliers_do_not_move_it():
    there = TURNED.of(GRID).astype(np.float32)
    there[::3] = there[::-3][: len(there[::3])] + 40
    made, places = from_points(GRID, there, 1.0)
    assert made.matrix == pytest.approx(TURNED.matrix, abs=1e-3)
    assert 20 <= places <= len(GRID)


@pytest.mark.parametrize("count", [5, 6])
def test_six_places_are_the_fewest(count):
    points = np.array([(10, 10), (90, 15), (40, 80), (120, 70), (70, 120), (150, 150)], np.float32)[:count]
    assert (from_points(points, points, 1.0) is not None) is (count == 6)


def test_points_of_one_place_are_one():
    points = np.repeat(np.array([(10, 10), (90, 15), (40, 80)], np.float32), 4, axis=0)
    assert from_points(points, points, 1.0) is None


def test_it_is_refined_to_a_part_of_a_pixel():
    gray = scene(1)
    published, exact = turned(gray, 7.0)
    rough = Transformation(exact.a + 0.005, exact.b, exact.c + 1.5, exact.d, exact.e - 0.004, exact.f - 1.5)
    found = refined(rough, published, gray)
    ends = corners(gray.shape[1], gray.shape[0])
    assert np.abs(found.of(ends) - exact.of(ends)).max() < 0.3
    made, inside = brought(exact, gray, *published.shape)
    assert np.abs(made[inside].astype(int) - published[inside]).mean() < 3


def test_what_was_painted_over_has_no_say_in_it():
    gray = scene(1)
    published, exact = turned(gray, 7.0)
    painted, half = published.copy(), len(published) // 2
    painted[:half] = np.roll(published, (2, 3), (0, 1))[:half]
    counted = np.zeros(published.shape, bool)
    counted[half + 8 :] = True
    rough = Transformation(exact.a + 0.005, exact.b, exact.c + 1.5, exact.d, exact.e - 0.004, exact.f - 1.5)
    ends = corners(gray.shape[1], gray.shape[0])

    def error(says):
        found = refined(rough, painted, gray, says)
        return np.inf if found is None else np.abs(found.of(ends) - exact.of(ends)).max()

    assert error(counted) < 0.5
    assert error(None) > 1


def test_strangers_are_not_laid_on_each_other():
    found = overlay(scene(1), scene(2), 192, Transformation(1, 0, 0, 0, 1, 0))
    assert found is None or (found.agreement < SURE and not found.in_place)


@pytest.mark.parametrize(("pixels", "in_place"), [(0, True), (1, False), (3, False), (9, False)])
def test_a_frame_that_drifted_is_another_one(pixels, in_place):
    place = scene(4, 240, 320)
    here, there = moved(place, 0, 192, 256), moved(place, pixels, 192, 256)
    found = overlay(here, there, 192, Transformation(1, 0, pixels, 0, 1, pixels))
    assert found.agreement >= SURE
    assert found.in_place is in_place


@pytest.mark.parametrize("pixels", [2, 3, 9])
def test_a_frame_that_drifted_is_another_one_when_it_was_turned_and_its_corners_filled(pixels):
    place = scene(4, 240, 320)
    published, exact = turned(moved(place, 0, 192, 256), 10.0)
    x, y = exact.of(np.array([(pixels, pixels)]))[0]
    there = Transformation(exact.a, exact.b, x, exact.d, exact.e, y)
    found = overlay(published, moved(place, pixels, 192, 256), 192, there)
    own = overlay(published, moved(place, 0, 192, 256), 192, exact)
    assert found.agreement >= SURE
    assert (found.in_place, own.in_place) == (False, True)


def test_a_frame_at_another_magnification_is_another_one():
    """The archive holds a frame that shows the middle of the published place; the texture goes on around it."""
    place = scene(4, 240, 320)
    detail = place[60:180, 80:240]
    found = overlay(place, detail, 120, Transformation(1, 0, 80, 0, 1, 60))
    assert found.agreement >= SURE
    assert not found.in_place


def test_an_enlarged_part_holds_no_more_detail_than_its_original():
    from PIL import Image

    gray = scene(5)
    part = np.asarray(Image.fromarray(gray[40:136, 60:188]).resize((256, 192), Image.Resampling.BICUBIC))
    this = Transformation(2, 0, -120, 0, 2, -80)
    noisy = np.clip(part + np.random.default_rng(1).normal(0, 8, part.shape), 0, 255).astype(np.uint8)
    own, nearer = overlay(part, gray, 192, this), overlay(noisy, gray, 192, this)
    assert own.in_place
    assert str(own.crop) == "128x96+60+40"
    assert nearer is None or not nearer.in_place


def test_the_same_place_on_a_page_is_named():
    gray = scene(6)
    page = np.full((300, 400), 230, np.uint8)
    page[50:242, 70:326] = gray
    found = overlay(page, gray, 192, Transformation(1, 0, 71, 0, 1, 49))
    assert found.in_place
    assert (str(found.place), found.crop) == ("256x192+70+50", None)
