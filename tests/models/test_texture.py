from __future__ import annotations

import numpy as np

from semtrace.models import texture


def test_texture_has_its_size_is_finite_and_barely_changes_with_a_turn():
    gray = np.random.default_rng(2).integers(0, 256, (256, 256), dtype=np.uint8)
    gray = np.repeat(np.repeat(gray[:64, :64], 4, axis=0), 4, axis=1)
    values, turned = texture.texture_features(gray), texture.texture_features(np.rot90(gray).copy())
    assert values.shape == (texture.SIZE,)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values, turned, rtol=0.02, atol=0.02)


def test_fine_and_coarse_structures_differ_and_a_flat_picture_is_finite():
    fine = np.random.default_rng(2).integers(0, 256, (256, 256), dtype=np.uint8)
    coarse = np.repeat(np.repeat(fine[:32, :32], 8, axis=0), 8, axis=1)
    assert np.abs(texture.texture_features(fine) - texture.texture_features(coarse)).max() > 0.5
    assert np.isfinite(texture.texture_features(np.full((256, 256), 7, np.uint8))).all()
