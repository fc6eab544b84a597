import io

import numpy as np
import pytest
from PIL import Image

from semtrace.synthetic.published import ENCODERS, encode, rendering

RNG = np.random.default_rng(0)
LOOK = Image.fromarray(np.clip(RNG.normal(120, 30, (96, 128)), 0, 255).astype(np.uint8))
COLOURED = Image.merge("RGB", (LOOK, LOOK.point(lambda v: v // 2), LOOK))


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("look", [LOOK, COLOURED])
def test_every_encoder_writes_a_jpeg_of_the_expected_shape(encoder, look):
    data = encode(look, encoder, 80)
    assert data == encode(look, encoder, 80)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    assert image.format == "JPEG"
    assert image.mode == ("RGB" if encoder.startswith("rgb") else "L")
    assert image.size == {"half": (64, 48), "cropped": (128, 80)}.get(encoder, (128, 96))


def test_what_the_encoders_do_to_the_tone():
    grey = {name: np.asarray(Image.open(io.BytesIO(encode(LOOK, name, 80))), dtype=float) for name in ENCODERS}
    plain = np.asarray(LOOK, dtype=float)
    assert np.abs(grey["grey 100"] - plain).mean() < 1.0
    assert np.abs(grey["grey 90"] - plain).mean() > np.abs(grey["grey 100"] - plain).mean()
    assert grey["contrast"].std() == pytest.approx(1.2 * plain.std(), rel=0.05)
    assert grey["gamma"].mean() > plain.mean() + 10
    assert np.abs(grey["cropped"] - plain[:80]).mean() < 5.0


def test_what_cannot_be_encoded():
    with pytest.raises(ValueError, match="cannot be cropped"):
        encode(LOOK, "cropped", None)
    with pytest.raises(ValueError, match="no encoder 'webp'"):
        encode(LOOK, "webp", None)


def test_a_rendering_of_deep_pixels_uses_all_grey_levels():
    deep = RNG.integers(900, 5000, (64, 64)).astype(np.uint16)
    seen = np.asarray(rendering(deep, 0, 100))
    assert (seen.min(), seen.max()) == (0, 255)
    assert np.corrcoef(seen.ravel(), deep.ravel())[0, 1] > 0.999
    assert len(np.unique(np.asarray(rendering(np.full((8, 8), 7, np.uint16), 0, 100)))) == 1
