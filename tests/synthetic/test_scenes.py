import imagehash
import numpy as np
import pytest
from PIL import Image

from semtrace.synthetic.scenes import CATEGORIES, KINDS, scene

EVERY = [(category, kind) for category in CATEGORIES for kind in range(len(KINDS[category]))]


def test_the_categories_stand_in_the_order_of_their_labels():
    assert CATEGORIES[0] == "Porous_Sponge"
    assert CATEGORIES[9] == "Fibres"
    assert len(set(CATEGORIES)) == 10
    assert min(len(kinds) for kinds in KINDS.values()) >= 4


@pytest.mark.parametrize(("category", "kind"), EVERY)
def test_every_kind_of_scene(category, kind):
    first, other = (scene(category, np.random.default_rng(seed), 256, 176, kind) for seed in (1, 2))
    assert first.shape == (176, 256)
    assert first.dtype == np.float64
    assert np.all(np.isfinite(first))
    assert first.std() > 0.02  # something is to be seen
    assert -0.5 < np.median(first) < 1.2
    hashes = [
        imagehash.phash(Image.fromarray(np.rint(np.clip(view, 0, 1) * 255).astype(np.uint8)), hash_size=16)
        for view in (first, other)
    ]
    assert hashes[0] - hashes[1] > 50  # of 256: another seed is another picture


def test_a_scene_scales_with_its_width():
    small = scene("Particles", np.random.default_rng(5), 320, 240, 1)
    large = scene("Particles", np.random.default_rng(5), 640, 480, 1)
    assert small.shape == (240, 320)
    assert large.shape == (480, 640)


def test_wrong_requests():
    with pytest.raises(ValueError, match=r"no category 'Cats'.*Porous_Sponge"):
        scene("Cats", np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least 128 x 96"):
        scene("Tips", np.random.default_rng(0), 64, 64)
