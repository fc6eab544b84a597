import numpy as np
import pytest

from semtrace.synthetic.electrons import expose, levels, secondary_electrons
from semtrace.synthetic.relief import Relief, blob


def test_a_flat_substrate_gives_the_yield_of_its_material():
    np.testing.assert_allclose(secondary_electrons(Relief.flat((60, 80), 5.0, 1.3)), 1.3)


def test_edges_are_brighter_and_the_foot_is_darker():
    relief = Relief.flat((200, 200))
    blob(relief, 100, 100, 50, 0.0)
    signal = secondary_electrons(relief, side=0.0)
    assert signal[100, 148] > 1.5 * signal[100, 100]  # flank against top
    assert signal[100, 153] < 0.8 * signal[10, 10]  # shadowed ground against open ground


def test_levels_spread_the_signal():
    picture = levels(np.random.default_rng(0).normal(size=(90, 90)), 0.2, 0.8, tail=1.0)
    assert np.percentile(picture[::3, ::3], (1, 99)) == pytest.approx((0.2, 0.8))


@pytest.mark.parametrize("dose", [40.0, 200.0])
def test_noise_is_shot_noise_and_fresh_for_every_frame(dose):
    dim, bright = (
        expose(np.full((300, 300), grey), np.random.default_rng(1), dose=dose, focus=(0, 0)) for grey in (0.2, 0.5)
    )
    assert dim.var() == pytest.approx(0.2 / dose, rel=0.05)
    assert bright.var() == pytest.approx(0.5 / dose, rel=0.05)
    rng = np.random.default_rng(1)
    first, second = (expose(np.full((90, 90), 0.5), rng, dose=dose) for _ in range(2))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


def test_charging_darkens_the_line_behind_a_bright_place_only():
    picture = np.full((60, 400), 0.5)
    picture[30, 100:130] = 1.0
    plain, charged = (expose(picture, np.random.default_rng(0), dose=1e9, focus=(0, 0), charging=c) for c in (0.0, 0.5))
    assert charged[30, 140:200].mean() < plain[30, 140:200].mean() - 0.02
    assert charged[30, 20:90] == pytest.approx(plain[30, 20:90], abs=1e-3)
    assert charged[10] == pytest.approx(plain[10], abs=1e-3)
