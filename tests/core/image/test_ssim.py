from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from semtrace.core.image.ssim import ssim

UNIFORM = {"data_range": 255}


def picture(kind: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    level = int(rng.integers(0, 256))
    match kind:
        case "constant":
            return np.full((height, width), level, np.uint8)
        case "white":
            return np.full((height, width), 255, np.uint8)
        case "half":
            return np.where(np.arange(width) < width // 2, 0, level).astype(np.uint8)[None].repeat(height, 0)
        case "checkerboard":
            return (np.indices((height, width)).sum(0) % 2 * 255).astype(np.uint8)
        case _:
            return rng.integers(0, 256, (height, width), dtype=np.uint8)


KINDS = st.sampled_from(["constant", "white", "half", "checkerboard", "noise"])


@settings(deadline=None, max_examples=150)
@given(KINDS, KINDS, st.integers(7, 120), st.integers(7, 120), st.integers(0, 2**32))
def test_equals_scikit_image(first: str, second: str, height: int, width: int, seed: int):
    rng = np.random.default_rng(seed)
    x, y = picture(first, height, width, rng), picture(second, height, width, rng)
    assert abs(ssim(x, y) - structural_similarity(x, y, **UNIFORM)) <= 1e-12
    assert ssim(x, y) == ssim(y, x)
    assert ssim(x, x) == 1.0


def exact(x: np.ndarray, y: np.ndarray) -> Fraction:
    """Mean SSIM in rational numbers."""
    c1, c2 = Fraction("6.5025"), Fraction("58.5225")
    ratios = []
    for i, j in np.ndindex(x.shape[0] - 6, x.shape[1] - 6):
        a, b = (image[i : i + 7, j : j + 7].astype(int).ravel().tolist() for image in (x, y))
        ma, mb = Fraction(sum(a), 49), Fraction(sum(b), 49)
        va, vb, vab = (
            sum((p - m) * (q - n) for p, q in zip(left, right, strict=True)) / 48
            for left, right, m, n in ((a, a, ma, ma), (b, b, mb, mb), (a, b, ma, mb))
        )
        ratios.append((2 * ma * mb + c1) * (2 * vab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return sum(ratios) / len(ratios)


@pytest.mark.parametrize("lowest", [0, 250, 254])
@pytest.mark.parametrize(("height", "width"), [(7, 40), (12, 9)])
def test_equals_the_definition_where_scikit_image_itself_rounds(lowest: int, height: int, width: int):
    # Bright, nearly flat pictures: scikit-image subtracts large means and is off by 1e-12 and more.
    rng = np.random.default_rng(lowest)
    x, y = (rng.integers(lowest, 256, (height, width), dtype=np.uint8) for _ in range(2))
    assert abs(Fraction(ssim(x, y)) - exact(x, y)) < 1e-15


@pytest.mark.parametrize(("height", "width"), [(768, 1024), (1500, 7), (7, 1500), (7, 7)])
def test_equals_scikit_image_on_near_copies(height: int, width: int):
    x, y = near_copies(height, width)
    assert abs(ssim(x, y) - structural_similarity(x, y, **UNIFORM)) <= 1e-12


def near_copies(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(height)
    x = rng.integers(0, 256, (height, width), dtype=np.uint8)
    return x, np.clip(x + rng.normal(0, 10, x.shape), 0, 255).astype(np.uint8)


@settings(deadline=None, max_examples=60)
@given(KINDS, st.integers(11, 60), st.integers(11, 60), st.floats(0.02, 1), st.integers(0, 2**32))
def test_a_mask_is_the_mean_of_the_map_over_the_centres_it_leaves(
    kind: str, height: int, width: int, share: float, seed: int
):
    rng = np.random.default_rng(seed)
    x, y = picture(kind, height, width, rng), picture("noise", height, width, rng)
    mask = rng.random(x.shape) < share
    inside = np.zeros_like(mask)
    inside[3:-3, 3:-3] = mask[3:-3, 3:-3]
    if not inside.any():
        with pytest.raises(ValueError, match="leaves no window"):
            ssim(x, y, mask)
        return
    _, ratios = structural_similarity(x, y, full=True, **UNIFORM)
    assert abs(ssim(x, y, mask) - ratios[inside].mean()) <= 1e-11
    assert ssim(x, x, mask) == 1.0


def test_a_mask_of_everything_changes_nothing_and_a_box_is_a_crop():
    x, y = near_copies(90, 70)
    box = np.zeros(x.shape, np.bool_)
    box[20:60, 10:50] = True
    assert ssim(x, y, np.ones(x.shape, np.bool_)) == ssim(x, y)
    crop = slice(17, 63), slice(7, 53)
    assert ssim(x, y, box) == pytest.approx(ssim(x[crop], y[crop]), abs=1e-14)


def test_a_mask_that_does_not_fit_is_refused():
    x = np.zeros((20, 20), np.uint8)
    with pytest.raises(ValueError, match=r"mask must be bool \(20, 20\).*uint8"):
        ssim(x, x, x)
    with pytest.raises(ValueError, match=r"mask must be bool.*\(20, 19\)"):
        ssim(x, x, np.ones((20, 19), np.bool_))


def test_layout_of_the_input_does_not_matter():
    rng = np.random.default_rng(2)
    x, y = (rng.integers(0, 256, (40, 50), dtype=np.uint8) for _ in range(2))
    y.flags.writeable = False
    assert ssim(np.asfortranarray(x), y) == ssim(x, np.array(y))


def test_what_cannot_be_compared_is_refused():
    x = np.zeros((20, 20), np.uint8)
    with pytest.raises(ValueError, match=r"one shape.*\(20, 20\).*\(20, 19\)"):
        ssim(x, x[:, 1:])
    with pytest.raises(ValueError, match="at least 7 x 7"):
        ssim(x[:6], x[:6])
    with pytest.raises(ValueError, match=r"grey image.*float64"):
        ssim(x, x.astype(np.float64))
