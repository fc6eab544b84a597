import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.synthetic.relief import Relief, blob, crystal, extrude, facet, strand, tube

SHAPE = (80, 110)


def test_a_blob_is_the_upper_half_of_a_sphere():
    relief = Relief.flat(SHAPE)
    blob(relief, 50, 40, 20, 5.0, tone=2.0)
    rows, columns = np.indices(SHAPE)
    inside = (columns - 50) ** 2 + (rows - 40) ** 2 < 400
    expected = 5 + np.sqrt(np.maximum(400 - (columns - 50.0) ** 2 - (rows - 40.0) ** 2, 0))
    np.testing.assert_allclose(relief.z[inside], expected[inside], atol=1e-9)
    assert np.all(relief.z[~inside] == 0)
    assert np.array_equal(relief.tone == 2.0, inside)


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-60, 170), st.floats(-60, 140), st.floats(1, 60), st.floats(1, 4), st.floats(0, 6.3), st.floats(1.5, 5)
)  # fmt: skip
def test_solids_only_ever_add_height_wherever_they_lie(x, y, radius, aspect, angle, power):
    relief = Relief.flat(SHAPE, 3.0)
    blob(relief, x, y, radius, 0.0, aspect=aspect, angle=angle, power=power, wobble=[(3, 0.2, 1.0)])
    crystal(relief, y, x, radius, 0.0, np.array([[0.6, 0, 0.8, 1], [-0.6, 0, 0.8, 1], [1, 0, 0, 1], [-1, 0, 0, 1]]))
    tube(relief, [(x, y, 0), (y, x, 4)], (radius / 4, radius / 8))
    strand(relief, (x, y), (y, x), radius / 5, (0.0, 2.0), bow=3.0)
    assert np.all(np.isfinite(relief.z))
    assert relief.z.min() >= 3.0


@settings(deadline=None, max_examples=40)
@given(st.floats(10, 100), st.floats(10, 70), st.floats(2, 9), st.integers(0, 50))
def test_a_sphere_comes_to_rest_on_the_surface(x, y, radius, seed):
    relief = Relief.flat(SHAPE)
    rng = np.random.default_rng(seed)
    for _ in range(12):
        blob(relief, *(rng.uniform(0, 1, 2) * (110, 80)), 12.0, rng.uniform(0, 8))
    centre = relief.rest(x, y, radius)
    where, dx, dy = relief.window(x, y, radius)
    below = radius**2 - dx**2 - dy**2
    gap = (centre - np.sqrt(np.maximum(below, 0)) - relief.z[where])[below > 0]
    assert gap.min() == pytest.approx(0.0, abs=1e-9)  # touches, and nowhere goes through


@pytest.mark.parametrize(("start", "end"), [((10, 40), (100, 40)), ((20, 10), (90, 65)), ((55, 5), (50, 75))])
def test_strand_agrees_with_the_slower_tube(start, end):
    fast, slow = Relief.flat(SHAPE), Relief.flat(SHAPE)
    strand(fast, start, end, 6.0, (2.0, 9.0))
    tube(slow, [(*start, 2.0), (*end, 9.0)], 6.0)
    middle = np.hypot(*(np.array(end) - start)) / 2 - 7  # the tube has round ends
    rows, columns = np.indices(SHAPE)
    way = (np.array(end) - start) / np.hypot(*(np.array(end) - start))
    along = (columns - (start[0] + end[0]) / 2) * way[0] + (rows - (start[1] + end[1]) / 2) * way[1]
    part = np.abs(along) < middle
    assert (fast.z > 0)[part].sum() == pytest.approx((slow.z > 0)[part].sum(), rel=0.03)
    both = part & (fast.z > 0) & (slow.z > 0)
    assert np.abs(fast.z - slow.z)[both].max() < 0.8  # a strand's height follows the column, not the foot point


def test_a_facet_is_the_plane_through_its_corners():
    relief = Relief.flat(SHAPE, -100.0)
    facet(relief, [(10, 10, 0), (90, 10, 8), (90, 70, 14), (10, 70, 6)], tone=1.5)
    assert relief.z[10, 10] == pytest.approx(0.0)
    assert relief.z[40, 50] == pytest.approx(7.0)
    assert relief.z[69, 89] == pytest.approx(14 - 0.1 - 0.1)
    assert relief.z[5, 50] == -100
    seen = relief.z > -100
    assert np.array_equal(seen, relief.tone == 1.5)
    assert seen.sum() == pytest.approx(80 * 60, rel=0.03)


def test_extrusion_from_above_raises_the_mask_and_nothing_else():
    relief, mask = Relief.flat(SHAPE, 1.0), np.zeros(SHAPE, dtype=bool)
    mask[20:40, 30:60] = True
    extrude(relief, mask, 12.0, tone=1.3)
    assert np.all(relief.z[mask] == 13.0)
    assert np.all(relief.z[~mask] == 1.0)
    assert np.all(relief.tone[mask] == 1.3)


def test_extrusion_from_an_angle_shows_the_front_wall_below_the_top():
    relief, mask = Relief.flat(SHAPE), np.zeros(SHAPE, dtype=bool)
    mask[40:60, 30:60] = True
    extrude(relief, mask, 10.0, lean=1.0, tone=1.0, wall=1.5)
    column = relief.z[:, 45]
    assert np.all(column[30:50] == 10.0)  # the top, moved up by height * lean
    assert np.all(np.diff(column[50:60]) < 0)  # the wall, lower and lower
    assert column[60] == 0.0
