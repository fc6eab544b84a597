"""Whatever variant a sound picture is written in, it comes back right, or is refused for the right reason."""

import random

import numpy as np
import pytest

from semtrace.io.images import UnreadableImage, decode
from tests.io import matrix


def wrong(variants):
    """Name -> what is wrong with it."""
    found = {}
    for variant in variants:
        try:
            gray = decode(variant.data).gray
        except UnreadableImage as error:
            if error.reason != variant.refused:
                found[variant.name] = str(error)
            continue
        if variant.refused:
            found[variant.name] = f"shown, though it is {variant.refused}"
        elif gray.shape != variant.gray.shape:
            found[variant.name] = f"{gray.shape} instead of {variant.gray.shape}"
        elif (off := np.abs(gray.astype(int) - variant.gray).max()) > variant.off:
            found[variant.name] = f"{off} levels off"
    return found


@pytest.mark.parametrize(("write", "count"), [(matrix.hand_written, 400), (matrix.by_tifffile, 150)])
def test_a_sample_of_all_variants(write, count):
    recipes = list(write())
    assert len(recipes) > 2000
    assert not wrong(recipe() for recipe in random.Random(22).sample(recipes, count))


@pytest.mark.parametrize("write", [matrix.by_pillow, matrix.others])
def test_what_pillow_and_other_codecs_write(write):
    variants = list(write())
    assert sum(not variant.refused for variant in variants) > 10
    assert not wrong(variants)


def test_the_picture_tells_every_variant_from_every_other():
    """Turned, inverted, with channels exchanged or at another depth it is another picture."""
    shown = matrix.shown(matrix.picture(), deep=False)
    ways = [matrix.turned(shown, way) for way in range(1, 9)]
    assert len({way.tobytes() for way in ways}) == 8
    plane = matrix.luma(matrix.channels())
    assert np.abs(plane - matrix.luma(matrix.channels()[..., ::-1])).max() > 0.05
    assert np.abs(shown.astype(int) - (255 - shown)).max() > 100
