from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from semtrace.core.image import template_search
from semtrace.core.image.placement import locate
from semtrace.core.image.template_search import correlations, search, templates, texture, thumbnail


def scene(seed: int, height: int = 384, width: int = 512) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = sum(gaussian_filter(rng.standard_normal((height, width)), s) * s for s in (1, 3, 9))
    return np.round((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(3, 9), st.integers(3, 9)),
    st.tuples(st.integers(0, 6), st.integers(0, 6)),
    st.sampled_from([0, 1, 63]),
)
def test_correlations_are_those_of_the_definition(seed, size, more, level):
    rng = np.random.default_rng(seed)
    height, width = size
    picture = rng.integers(-level, level + 1, (height + more[0], width + more[1])).astype(np.float32)
    above = int(rng.integers(0, len(picture) + 1))
    picture[above:] = 0
    these = rng.integers(-63, 64, (2, height, width)).astype(np.float32)
    these[1] = level  # constant, perhaps zero
    found = correlations(templates(these), picture, above)
    for n, row, column in np.ndindex(found.shape):
        visible = min(max(above - row, 0), height)
        if visible < 0.6 * height:
            assert found[n, row, column] == -1
            continue
        a = these[n, :visible].astype(float)
        b = picture[row : row + visible, column : column + width].astype(float)
        norm = np.sqrt((a * a).sum() * (b * b).sum())
        assert found[n, row, column] == pytest.approx((a * b).sum() / norm if norm else 0.0, abs=1e-5)


def test_texture_is_flat_where_the_picture_is_and_blind_to_contrast():
    assert not texture(np.full((40, 40), 200, np.uint8)).any()
    picture = scene(1)
    weaker = (picture // 2 + 60).astype(np.uint8)
    assert np.corrcoef(texture(picture).ravel(), texture(weaker).ravel())[0, 1] > 0.95


def archive(count: int) -> list[template_search.Thumbnail]:
    return [thumbnail(scene(seed), 384) for seed in range(count)]


@pytest.mark.parametrize("rectangle", [(50, 40, 410, 300), (0, 0, 400, 300), (112, 84, 400, 300), (100, 0, 340, 384)])
@pytest.mark.parametrize("factor", [1, 2])
def test_a_part_finds_its_original_and_its_place_to_the_pixel(rectangle, factor):
    x, y, width, height = rectangle
    original = scene(3)
    published = original[y : y + height : factor, x : x + width : factor]
    if factor > 1:  # as publishers reduce: smoothed
        published = gaussian_filter(original.astype(float), 0.7)[y : y + height : factor, x : x + width : factor]
        published = published.round().astype(np.uint8)
    [hits] = search([thumbnail(published, len(published)).picture], archive(6), most=4)
    assert hits[0].original == 3
    assert all(hit.score < hits[0].score - 0.2 for hit in hits[1:])
    place = locate(published, original, 384, hits[0].rectangle)
    assert place is not None
    found = np.array([place.x, place.y, place.width, place.height])
    assert np.abs(found - rectangle).max() <= (0 if factor == 1 else 2)


def test_what_is_no_part_of_anything_is_found_nowhere():
    flat = np.full((48, 64), 9, np.uint8)
    strangers = [thumbnail(scene(seed), 384).picture for seed in range(50, 56)]
    assert search([*strangers, flat], archive(6), most=4) == [[]] * 7
    assert search([], archive(2), most=4) == []
    assert search([flat], [], most=4) == [[]]


def test_workers_and_company_change_nothing():
    queries = [thumbnail(scene(seed)[30:330, 40:440], 300).picture for seed in range(4)]
    together = search(queries, archive(5), most=2, workers=2)
    assert together == [search([query], archive(5), most=2)[0] for query in queries]
