from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.image.constructed_empties import RECIPES, construct_empty
from semtrace.core.image.patch_texture import TEXTURE_NAMES, patch_texture
from tests.curation.conftest import tissue


def of(patch):
    return dict(zip(TEXTURE_NAMES, patch_texture(np.ascontiguousarray(patch)[None])[0], strict=True))


def test_noise_has_no_energy_above_itself_and_structure_has():
    noise = np.clip(np.random.default_rng(1).normal(128, 8, (224, 224)).round(), 0, 255).astype(np.uint8)
    found = of(noise)
    for size in (4, 8, 16, 32):
        assert abs(found[f"energy_{size}"]) < 0.5
    assert found["covered"] == 0
    structured = of(tissue((224, 224), sigma=6.0))
    assert structured["energy_16"] > 3
    assert structured["covered"] > 0.9


def test_horizontal_stripes_are_told_from_vertical_ones():
    stripes = np.repeat(np.arange(224)[:, None] // 2 % 2 * 80 + 60, 224, 1).astype(np.uint8)
    assert of(stripes)["rows_4"] > 3
    assert of(stripes.T)["rows_4"] < -3


def test_a_patch_is_measured_alike_beside_any_other():
    patches = np.stack([tissue((40, 56), seed) for seed in range(4)])
    together = patch_texture(patches)
    np.testing.assert_array_equal(together[2], patch_texture(patches[2:3])[0])
    assert np.isfinite(together).all()


@pytest.mark.parametrize("patch", [np.zeros((16, 16)), np.full((17, 300), 255), np.eye(64) * 255])
def test_extreme_patches_have_finite_measures(patch):
    assert np.isfinite(patch_texture(patch.astype(np.uint8)[None])).all()


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 15, 99), np.uint8), np.zeros((20, 20), np.uint8), np.zeros((1, 20, 20))]
)
def test_what_is_no_patch_is_refused(wrong):
    with pytest.raises(ValueError, match="uint8"):
        patch_texture(wrong)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_follows_from_patch_and_seed_and_leaves_the_patch_alone(recipe):
    patch = tissue((96, 128))
    before = patch.copy()
    made = construct_empty(patch, recipe, 7)
    np.testing.assert_array_equal(patch, before)
    np.testing.assert_array_equal(made, construct_empty(patch, recipe, 7))
    assert (made.dtype, made.shape) == (np.uint8, patch.shape)
    assert not np.array_equal(made, construct_empty(patch, recipe, 8))
    assert abs(np.corrcoef(made.ravel(), patch.ravel())[0, 1]) < 0.9 or recipe == "padded"
