import numpy as np

from semtrace.synthetic.published import rendering

RNG = np.random.default_rng(0)


def test_a_rendering_of_deep_pixels_uses_all_grey_levels():
    deep = RNG.integers(900, 5000, (64, 64)).astype(np.uint16)
    seen = np.asarray(rendering(deep, 0, 100))
    assert (seen.min(), seen.max()) == (0, 255)
    assert np.corrcoef(seen.ravel(), deep.ravel())[0, 1] > 0.999
    assert len(np.unique(np.asarray(rendering(np.full((8, 8), 7, np.uint16), 0, 100)))) == 1
