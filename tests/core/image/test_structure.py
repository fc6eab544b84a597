from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.image.structure import Gate, Measures, measure
from semtrace.io.images import decode

LABELS = Path(__file__).resolve().parents[4] / "shared" / "cases" / "curation" / "patch_labels.csv"


def by_numpy(patch):
    """The definition in a few lines: least squares, no loops."""
    pixels = patch.astype(np.float64)
    rows, columns = (side // 8 for side in patch.shape)
    means = pixels[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8).mean((1, 3))
    y, x = np.mgrid[:rows, :columns] / 10
    terms = np.stack([x**p * y**q for p in range(3) for q in range(3 - p)], -1).reshape(-1, 6)
    rest = means.ravel() - terms @ np.linalg.lstsq(terms, means.ravel(), rcond=None)[0]
    d = pixels[:-1, :-1] - pixels[:-1, 1:] - pixels[1:, :-1] + pixels[1:, 1:]
    noise = max(np.sqrt((d**2).mean() / 4), 0.35)
    levels = np.bincount(patch.ravel(), minlength=256)
    return (
        np.sqrt((rest**2).mean()) * 8 / noise,
        noise,
        levels.max() / patch.size,
        (levels[0] + levels[255]) / patch.size,
    )


def one(patch):
    found = measure(np.ascontiguousarray(patch)[None])
    return found.structure[0], found.noise[0], found.mode_fraction[0], found.saturated[0]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(24, 90), st.integers(24, 90), st.floats(0, 80))
def test_it_is_the_definition(seed, height, width, spread):
    random = np.random.default_rng(seed)
    waves = np.sin(np.arange(height) / 5)[:, None] * np.cos(np.arange(width) / 7) * spread
    patch = (128 + waves + random.normal(0, spread / 4, (height, width))).clip(0, 255).astype(np.uint8)
    np.testing.assert_allclose(one(patch), by_numpy(patch), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sigma", [2, 10, 30])
def test_pure_noise_has_no_structure_and_its_noise_is_measured(sigma):
    patch = np.random.default_rng(1).normal(128, sigma, (224, 224)).round().clip(0, 255).astype(np.uint8)
    structure, noise, *_ = one(patch)
    assert 0.85 < structure < 1.15
    assert noise == pytest.approx(sigma, rel=0.05)


def test_a_background_that_bends_is_no_structure():
    y, x = np.mgrid[:224, :224] / 224
    ramp = 60 + 80 * y + 40 * x + 50 * x * y - 30 * x * x
    noisy = ramp + np.random.default_rng(2).normal(0, 4, ramp.shape)
    assert one(noisy.astype(np.uint8))[0] < 1.3
    noisy[60:120, 60:120] += 20
    assert one(noisy.astype(np.uint8))[0] > 8


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 7), (8, 8), (8, 300), (16, 17), (3000, 9)])
def test_patches_of_any_shape_are_measured(shape):
    patch = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    found = one(patch)
    assert np.isfinite(found).all()
    assert 0 < found[2] <= 1
    assert found[1] >= 0.35


def test_the_worst_squares_do_not_overflow():
    checks = (np.indices((64, 3000)).sum(0) % 2 * 255).astype(np.uint8)
    assert one(checks)[1] == pytest.approx(255)


def test_shares_are_exact():
    patch = np.full((16, 16), 9, np.uint8)
    patch[:2], patch[2:3] = 0, 255
    assert one(patch)[2:] == (13 / 16, 3 / 16)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((0.0, 1.0, 0.0), "constant"),
        ((9.0, 0.5, 0.0), "padded"),
        ((9.0, 0.4999, 0.0), ""),
        ((9.0, 0.3, 0.5), "saturated"),
        ((9.0, 0.3, 0.4999), ""),
        ((3.0, 0.1, 0.0), ""),
        ((2.999, 0.1, 0.0), "no_structure"),
        ((0.0, 0.5, 0.9), "padded"),
    ],
)
def test_reasons_on_both_sides_of_every_boundary(values, reason):
    structure, mode_fraction, saturated = (np.array([value]) for value in values)
    assert Gate().reasons(Measures(structure, structure, mode_fraction, saturated)).tolist() == [reason]


@pytest.mark.skipif(not LABELS.is_file(), reason="the labelled patches of ../shared are not here")
def test_real_patches_that_show_something_pass_the_gate(shared):
    rows = list(csv.DictReader(LABELS.read_text().splitlines()))
    pictures = {name: decode((shared / name).read_bytes()).gray for name in sorted({row["file"] for row in rows})}
    patches, labels = [], np.array([row["label"] for row in rows])
    for row in rows:
        y, x = int(row["y"]), int(row["x"])
        patches.append(pictures[row["file"]][y : y + 224, x : x + 224])
    found = measure(np.stack(patches))
    reasons = Gate().reasons(found)
    assert not np.any(reasons[labels == "informative"])
    assert np.mean(reasons[labels == "uninformative"] != "") >= 0.2
