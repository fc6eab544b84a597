import io

import numpy as np
import pytest
from PIL import Image

from semtrace.io.encoders import ENCODERS, encode

RNG = np.random.default_rng(0)
LOOK = Image.fromarray(np.clip(RNG.normal(120, 30, (96, 128)), 0, 255).astype(np.uint8))
COLOURED = Image.merge("RGB", (LOOK, LOOK.point(lambda v: v // 2), LOOK))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("look", [LOOK, COLOURED])
def test_every_encoder_writes_a_jpeg_of_the_expected_shape(name, look):
    data = encode(look, ENCODERS[name], 80)
    assert data == encode(look, ENCODERS[name], 80)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    assert image.format == "JPEG"
    assert image.mode == ("RGB" if name.startswith("rgb") else "L")
    assert image.size == {"half": (64, 48), "quarter": (32, 24), "cropped": (128, 80)}.get(name, (128, 96))


def test_what_the_encoders_do_to_the_tone():
    grey = {
        name: np.asarray(Image.open(io.BytesIO(encode(LOOK, encoder, 80))).convert("L"), dtype=float)
        for name, encoder in ENCODERS.items()
    }
    plain = np.asarray(LOOK, dtype=float)
    errors = [np.abs(grey[f"grey {quality}"] - plain).mean() for quality in (100, 90, 75, 50)]
    assert errors[0] < 1.0
    assert errors == sorted(errors)
    assert grey["contrast"].std() == pytest.approx(1.2 * plain.std(), rel=0.05)
    assert grey["gamma"].mean() > plain.mean() + 10
    assert np.abs(grey["cropped"] - plain[:80]).mean() < 5.0


def test_what_cannot_be_encoded():
    with pytest.raises(ValueError, match="cannot be cropped"):
        encode(LOOK, ENCODERS["cropped"], None)
